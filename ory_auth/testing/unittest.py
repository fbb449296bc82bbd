"""For Django's own test runner: a mixin for ``TestCase`` and its kin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.test import override_settings

from .ory import Ory, OryLogin
from .process import forget

if TYPE_CHECKING:
    from django.test import SimpleTestCase as Base
else:
    Base = object


class OryTestMixin(Base):
    """Gives each test a local Ory, and people who sign in to it; put it before Django's class.

    ``class OrderTests(OryTestMixin, TestCase)``, and ``LiveServerTestCase`` and the others likewise. A ``setUp`` of
    your own calls ``super().setUp()`` first.
    """

    ory: Ory
    ory_login: OryLogin

    def setUp(self) -> None:
        super().setUp()
        self.ory = Ory(self._point)
        self.addCleanup(forget)
        self.ory_login = self.ory.login

    def _point(self, ory_auth: dict[str, Any]) -> None:
        override = override_settings(ORY_AUTH=ory_auth)
        override.enable()
        self.addCleanup(override.disable)
