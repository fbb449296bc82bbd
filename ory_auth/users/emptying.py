"""The values that replace a person's data when they delete their account, and the row of their user stays."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models

from .conflicts import address_placeholders
from .fields import PRIVILEGES, email_field, user_model
from .uniqueness import allows_duplicates


def empty_value(user: Any, name: str, identity_id: UUID, using: str) -> Any:
    """What to store in this field instead of the person's value. The primary key and required fields keep theirs."""
    model = user_model()
    field, value = model._meta.get_field(name), getattr(user, name)
    if field.primary_key:
        return value
    if name in {email_field(), model.USERNAME_FIELD}:
        return next(address_placeholders(user, name, identity_id, using), value)
    if name in PRIVILEGES:
        return False
    if field.null:
        return None
    if isinstance(field, (models.CharField, models.TextField)) and allows_duplicates(user, name, "", using):
        return ""
    return field.get_default() if field.has_default() else value
