"""Which fields of a user differ from the identity. Nothing is saved."""

from __future__ import annotations

from typing import Any

from ..types import Identity
from .fields import user_model
from .handler import UserHandler, is_empty_and_unique_address


def fields_that_differ(user: Any, identity: Identity, handler: UserHandler) -> tuple[str, ...]:
    """The fields that :meth:`UserHandler.update` would change, if the database takes the identity's values."""
    primary_key, values = user_model()._meta.pk.name, handler._checked_values(identity)
    for name in [name for name, value in values.items() if is_empty_and_unique_address(user, name, value)]:
        del values[name]
    different = [name for name, value in values.items() if name != primary_key and getattr(user, name) != value]
    for name in handler.fields():
        if name in values or name == primary_key:
            continue
        if handler.replacement(user, name, identity) != getattr(user, name):
            different.append(name)
    return tuple(different)
