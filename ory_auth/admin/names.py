"""What staff read instead of IDs."""

from __future__ import annotations

from typing import Any

from ..models import OryIdentity


def name_of(identity: OryIdentity) -> str:
    """The person of this identity; its ID if the user was deleted."""
    return name_user(identity.user) if identity.user is not None else str(identity.pk)


def name_user(user: Any) -> str:
    """The full name with the e-mail address or username, because several people may have the same name."""
    full_name = user.get_full_name() if hasattr(user, "get_full_name") else ""
    contact = getattr(user, user.get_email_field_name(), "") or user.get_username()
    return f"{full_name} ({contact})" if full_name else str(contact)
