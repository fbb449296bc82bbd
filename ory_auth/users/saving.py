"""Saves an identity's values in the fields of its user: together if possible, otherwise each one that can be saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from ..events import Event, log
from ..types import Identity
from .conflicts import Conflict, find_conflicts, may_take_address, release_address
from .database import writing_alias
from .database_errors import Refusal, refusal_of
from .uniqueness import is_unique


class FieldSaver:
    """Saves values of one identity. ``replacement`` is that of the project's handler, for values that are refused."""

    def __init__(self, user: Any, identity: Identity, replacement: Callable[[Any, str, Identity], Any]) -> None:
        self._user = user
        self._identity = identity
        self._replacement = replacement
        self._using = writing_alias()

    def save(self, values: Mapping[str, Any]) -> bool:
        """Save these values; returns whether any of them was saved, or replaced by another one."""
        together = {name: value for name, value in values.items() if not is_unique(name)}
        changed = bool(together) and self._try_to_save(together) is None
        separately = {name: value for name, value in values.items() if not (changed and name in together)}
        for name, value in separately.items():
            changed = self._save_one(name, value) or changed
        return changed

    def save_replacement(self, name: str, why: str) -> bool:
        """Save the handler's replacement for a value that cannot be stored, and log that; whether it was saved."""
        user, identity = self._user, self._identity
        value, old = self._replacement(user, name, identity), getattr(user, name)
        if why == "missing" and value == old and (not old or _has_initial_value(user, name, identity)):
            return False
        kept = "old" if value == old and old else None
        log(Event.VALUE_REFUSED, identity=str(identity.id), field=name, why=why, kept=kept)
        return bool(value != old and self._try_to_save({name: value}) is None)

    def _save_one(self, name: str, value: Any) -> bool:
        refusal = self._try_to_save({name: value})
        if refusal is None:
            return True
        conflicts: list[Conflict] = []
        if refusal is Refusal.CONSTRAINT:
            conflicts = find_conflicts(self._user, {name: value}, self._using)
        if not conflicts:
            return self.save_replacement(name, "refused")
        if all(may_take_address(conflict, self._identity, self._using) for conflict in conflicts):
            with transaction.atomic(using=self._using):
                released = all(release_address(conflict, self._using) for conflict in conflicts)
                if released and self._try_to_save({name: value}) is None:
                    return True
                transaction.set_rollback(True, using=self._using)
        log(conflicts[0].event, at="update", field=name)
        return False

    def _try_to_save(self, values: Mapping[str, Any]) -> Refusal | None:
        """Save these values; if that is refused, restore the user object and return the reason."""
        user = self._user
        before = {name: getattr(user, name) for name in values}
        vars(user).update(values)
        try:
            with transaction.atomic(using=self._using):
                user.save(update_fields=list(values), using=self._using)
        except Exception as error:
            vars(user).update(before)
            refusal = refusal_of(error)
            if refusal is None:
                raise
            return refusal
        return None


def _has_initial_value(user: Any, name: str, identity: Identity) -> bool:
    """Whether the field has the value of a new user, and so nothing of the identity."""
    value, field = getattr(user, name), user._meta.get_field(name)
    if name == user.USERNAME_FIELD:
        return str(value) == str(identity.id)
    return bool(field.has_default() and value == field.get_default())
