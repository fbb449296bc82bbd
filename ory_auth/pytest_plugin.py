"""The pytest plugin: the fixtures ``ory`` and ``ory_login``, for projects that use :mod:`ory_auth`.

pytest loads it wherever this package is installed, so it imports nothing of Django, of this package's or of the extra
``local`` before a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ory_auth.testing import Ory, OryLogin

if find_spec("pytest_django"):

    @pytest.fixture
    def ory(settings: Any) -> Iterator[Ory]:
        """A local Ory in this process, which has forgotten the test before; ``ORY_AUTH`` points at it."""
        try:
            from ory_auth import testing
            from ory_auth.testing.process import forget
        except ModuleNotFoundError as missing:
            pytest.fail(str(missing), pytrace=False)
        yield testing.Ory(lambda ory_auth: setattr(settings, "ORY_AUTH", ory_auth))
        forget()

    @pytest.fixture
    def ory_login(db: None, ory: Ory) -> OryLogin:
        """Sign people in: ``ory_login(client)``. Gives access to the database, as ``admin_client`` does.

        Takes what :meth:`ory_auth.testing.Ory.login` takes, and gives an :class:`ory_auth.testing.SignIn`.
        """
        return ory.login

else:

    @pytest.fixture
    def ory() -> None:
        """A local Ory; needs pytest-django."""
        pytest.fail("The fixtures ory and ory_login need pytest-django: pip install pytest-django", pytrace=False)

    @pytest.fixture
    def ory_login(ory: None) -> None:
        """Sign people in; needs pytest-django."""
