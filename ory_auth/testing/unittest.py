"""A mixin for Django's ``TestCase`` and similar classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.test import override_settings

from .local_ory import reset_process_state
from .ory import Ory, OryLogin

if TYPE_CHECKING:
    from django.test import SimpleTestCase as Base
else:
    Base = object


class OryTestMixin(Base):
    """Adds ``self.ory`` and ``self.ory_login`` to a test class. Put it before Django's class.

    ``class OrderTests(OryTestMixin, TestCase)``. It works in the same way with ``LiveServerTestCase`` and others. If
    you define ``setUp``, call ``super().setUp()`` first.
    """

    ory: Ory
    ory_login: OryLogin

    def setUp(self) -> None:
        super().setUp()
        self.ory = Ory(self._set_ory_auth)
        self.addCleanup(reset_process_state)
        self.ory_login = self.ory.login

    def _set_ory_auth(self, ory_auth: dict[str, Any]) -> None:
        override = override_settings(ORY_AUTH=ory_auth)
        override.enable()
        self.addCleanup(override.disable)
