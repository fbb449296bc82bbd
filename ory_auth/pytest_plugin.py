"""The pytest plugin: the fixtures ``ory`` and ``ory_login``.

pytest loads this module in every project of an environment with this package. So it imports Django, the rest of this
package and the extra ``local`` only when a test uses a fixture.
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
        """A local Ory in this process, reset for each test. ``ORY_AUTH`` uses it."""
        try:
            from ory_auth import testing
            from ory_auth.testing.local_ory import reset_process_state
        except ModuleNotFoundError as missing:
            pytest.fail(str(missing), pytrace=False)
        yield testing.Ory(lambda ory_auth: setattr(settings, "ORY_AUTH", ory_auth))
        reset_process_state()

    @pytest.fixture
    def ory_login(db: None, ory: Ory) -> OryLogin:
        """Sign people in: ``ory_login(client)``. Allows access to the database, as ``admin_client`` does.

        It is :meth:`ory_auth.testing.Ory.login`, and returns an :class:`ory_auth.testing.SignIn`.
        """
        return ory.login

else:

    @pytest.fixture
    def ory() -> None:
        """A local Ory. Needs pytest-django."""
        pytest.fail("The fixtures ory and ory_login need pytest-django: pip install pytest-django", pytrace=False)

    @pytest.fixture
    def ory_login(ory: None) -> None:
        """Sign people in. Needs pytest-django."""
