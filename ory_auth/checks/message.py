"""The messages of checks: a text that names the setting at fault, and a hint that says what to do."""

from __future__ import annotations

from django.core import checks

from ..conf import DOCS

# The hint if a feature needs access to Ory's admin API.
SET_ADMIN_ACCESS = "Set ORY_AUTH['ADMIN_URL'] to it (Kratos: port 4434), or with Ory Network ORY_AUTH['API_KEY']."


def make_message(name: str, text: str, hint: str) -> checks.CheckMessage:
    """An error (``name`` such as ``"E004"``) or a warning (``"W004"``). Each has a row in ``docs/checks.md``.

    Commands refuse to run if there is an error.
    """
    kind = checks.Error if name.startswith("E") else checks.Warning
    return kind(text, hint=f"{hint} See {DOCS}/checks.md#{name.lower()}.", id=f"ory_auth.{name}")
