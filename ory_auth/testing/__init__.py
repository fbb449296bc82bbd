"""Tools for the tests of your project: a local Ory in the test process, and people who sign in without a form.

With pytest, use the fixtures ``ory`` and ``ory_login`` (:mod:`ory_auth.pytest_plugin`). With ``unittest``, use
:class:`OryTestMixin`. Needs the extra ``local``. Nothing here connects to an Ory outside of this process.
"""

from __future__ import annotations

try:
    from .ory import Ory, OryLogin
    from .people import Person, SignIn
    from .requests import prepare_request
    from .unittest import OryTestMixin
except ModuleNotFoundError as missing:
    library = (missing.name or "").partition(".")[0]
    raise ModuleNotFoundError(
        f"{library} is not installed. Run: pip install 'django-ory[local]'", name=missing.name
    ) from None

__all__ = ["Ory", "OryLogin", "OryTestMixin", "Person", "SignIn", "prepare_request"]
