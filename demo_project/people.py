"""The people of the demo. ``manage.py ory_local --identities demo_project/people.json`` knows them too."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyotp
from django.utils.translation import gettext_lazy as _

PEOPLE_FILE = Path(__file__).parent / "people.json"
SUPERUSER = "ada@example.org"
TOTP_SECONDS = 30
NOTES = (  # of people.json, for those who translate
    _("may use Django's admin"),
    _("has a password and nothing else"),
    _("has an authenticator app and backup codes"),
)


@dataclass(frozen=True)
class Person:
    email: str
    password: str
    note: str
    traits: dict[str, Any] = field(default_factory=dict)
    verified: bool = False
    totp: str | None = None
    lookup_codes: list[str] | None = None

    @property
    def totp_code(self) -> str:
        """The code that an authenticator app would show now."""
        return pyotp.TOTP(self.totp).now() if self.totp else ""

    @property
    def totp_seconds_left(self) -> int:
        return TOTP_SECONDS - int(time.time()) % TOTP_SECONDS


def people() -> list[Person]:
    return [Person(**entry) for entry in json.loads(PEOPLE_FILE.read_text(encoding="utf-8"))]
