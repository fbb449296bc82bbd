"""What to call a user."""

from __future__ import annotations

from typing import Any
from uuid import UUID


def display_name(user: Any) -> str:
    """The full name, otherwise the e-mail address or the username. A username that is only an ID is not shown."""
    full_name = user.get_full_name() if hasattr(user, "get_full_name") else ""
    if name := full_name or getattr(user, user.get_email_field_name(), ""):
        return str(name)
    username = str(user.get_username())
    try:
        UUID(username)
    except ValueError:
        return username
    return ""


def name_or_username(user: Any) -> str:
    """:func:`display_name`, or the username even if it is only an ID: never empty."""
    return display_name(user) or str(user.get_username())
