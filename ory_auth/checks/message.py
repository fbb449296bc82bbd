"""What a check says: a text that names the setting at fault, a hint with the next thing to do, and where to read on."""

from __future__ import annotations

from django.core import checks

from ..conf import DOCS

Message = checks.CheckMessage


def tell(name: str, text: str, hint: str) -> Message:
    """An error (``name`` such as ``"E004"``) or a warning (``"W004"``).

    What an error is about cannot work, and commands refuse to run; it is a row in the table of ``docs/checks.md``.
    """
    kind = checks.Error if name.startswith("E") else checks.Warning
    return kind(text, hint=f"{hint} See {DOCS}/checks.md#{name.lower()}.", id=f"ory_auth.{name}")
