"""Conflicts between two users about a unique value: which user has it, and which one gets it.

Only the user of another identity can lose an address. That happens if this identity has verified the address and has
changed at Ory later than the other user's fields were synced, or if the other identity no longer has the address or
was deleted.
The times matter, because a cached session may still have an address that another person has verified meanwhile. If the
times do not decide it, the address stays with the user who has it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import Error, models, transaction

from ..conf import Conf
from ..events import Event, log
from ..models import OryIdentity
from ..ory.admin_api import last_change_if_without_address
from ..ory.same_text import is_same_text
from ..types import Identity
from .database import stored_time
from .database_errors import refusal_of
from .fields import email_field, user_model
from .uniqueness import allows_duplicates, unique_rules

MAX_EQUAL_ROWS = 20  # rows that a database may consider equal to one text


@dataclass(frozen=True, slots=True)
class Conflict:
    """``holder`` is the user who has ``value`` in ``field``, or a value that the database considers equal."""

    field: str
    value: Any = dataclasses.field(repr=False)
    holder: Any = dataclasses.field(repr=False)

    @property
    def event(self) -> Event:
        return Event.EMAIL_CONFLICT if self.field == email_field() else Event.USERNAME_CONFLICT


def find_conflicts(user: Any, values: Mapping[str, Any], using: str) -> list[Conflict]:
    """Which of these values of ``user`` another user has, as the database and the model's constraints compare."""
    conflicts = []
    for rule in unique_rules():
        changed = [name for name in rule.fields if name in values]
        if not changed:
            continue
        wanted = {name: values.get(name, getattr(user, name)) for name in rule.fields}
        if rule.nulls_distinct and None in wanted.values():
            continue
        rows = user_model()._base_manager.using(using).filter(*(_match_equal_values(*item) for item in wanted.items()))
        if rule.condition is not None:
            rows = rows.filter(rule.condition)
        if not user._state.adding:
            rows = rows.exclude(pk=user.pk)
        name = email_field() if email_field() in changed else changed[0]
        holder = _most_similar(rows, name, values[name], using)
        if holder is not None:
            conflicts.append(Conflict(name, values[name], holder))
    return conflicts


def _match_equal_values(name: str, value: Any) -> models.Q:
    """Matches all values that a constraint may consider equal: with or without case, by the column's collation."""
    exact = models.Q(**{name: value})
    return exact | models.Q(**{f"{name}__iexact": value}) if isinstance(value, str) else exact


def _most_similar(rows: Any, name: str, value: Any, using: str) -> Any:
    """The row with the most similar value, of those that the database considers equal."""
    try:
        with transaction.atomic(using=using):
            holders = list(rows.order_by("pk")[:MAX_EQUAL_ROWS])
    except (Error, OverflowError, UnicodeError) as error:
        if refusal_of(error) is None:
            raise
        return None  # the database cannot compare with this value, so no row has it
    holders.sort(key=lambda holder: (getattr(holder, name) != value, not is_same_text(getattr(holder, name), value)))
    return holders[0] if holders else None


def may_take_address(conflict: Conflict, identity: Identity, using: str) -> bool:
    """Whether this identity has verified the address, in a newer state than the holder's fields were synced from.

    Ory gives an address to one identity at a time, so of two states that have it the newer one counts. An identity that
    Ory has deleted has no address any more.
    """
    link = _link_to_other_identity(conflict, identity, using)
    if link.exclude(deleted_at=None).exists():
        return True
    if identity.updated_at is None or not _is_verified(conflict, identity):
        return False
    return bool(link.filter(updated_at__lt=stored_time(identity.updated_at, using)).exists())


def is_address_given_up(conflict: Conflict, identity: Identity, conf: Conf, using: str) -> bool:
    """Whether Ory's admin API says that the holder's identity has given up this address.

    If this identity has not verified the address, the holder's identity must have changed since the holder's fields
    were synced from it. That proves that it once had the address, which otherwise may come from the project itself.
    """
    link = _link_to_other_identity(conflict, identity, using)
    holder_id = link.values_list("pk", flat=True).first()
    changed_at = None if holder_id is None else last_change_if_without_address(conflict.value, holder_id, conf)
    if changed_at is None:
        return False
    compare = "updated_at__lte" if _is_verified(conflict, identity) else "updated_at__lt"
    return bool(link.filter(**{compare: stored_time(changed_at, using)}).exists())


def _is_verified(conflict: Conflict, identity: Identity) -> bool:
    return any(is_same_text(conflict.value, address) for address in identity.verified_emails())


def _link_to_other_identity(conflict: Conflict, identity: Identity, using: str) -> Any:
    """The link of the holder to an identity other than this one; no row if only the database calls the values equal."""
    links = _link_of(conflict.holder, using).exclude(pk=identity.id)
    return links if is_same_text(getattr(conflict.holder, conflict.field), conflict.value) else links.none()


def release_address(conflict: Conflict, using: str) -> bool:
    """Take the address from its holder, in a transaction. ``False`` if it has changed, or cannot be cleared."""
    holder = user_model()._base_manager.using(using).select_for_update().get(pk=conflict.holder.pk)
    link = _link_of(holder, using).first()
    if link is None or not is_same_text(getattr(holder, conflict.field), conflict.value):
        return False
    for value in address_placeholders(holder, conflict.field, link.pk, using):
        setattr(holder, conflict.field, value)
        try:
            with transaction.atomic(using=using):
                holder.save(update_fields=[conflict.field], using=using)
        except Exception as error:
            if refusal_of(error) is None:
                raise
            continue
        event = partial(log, Event.ADDRESS_RELEASED, identity=str(link.pk), field=conflict.field)
        transaction.on_commit(event, using=using)
        return True
    return False


def address_placeholders(user: Any, name: str, identity_id: UUID, using: str) -> Iterator[Any]:
    """Values that stand for a missing address in this field, the best first. A username is never empty."""
    model = user_model()
    field = model._meta.get_field(name)
    if name != model.USERNAME_FIELD:
        if field.null:
            yield None
        elif allows_duplicates(user, name, "", using):
            yield ""
    placeholder = f"{identity_id}@no-address.invalid"
    if not field.max_length or len(placeholder) <= field.max_length:
        yield placeholder


def _link_of(user: Any, using: str) -> Any:
    return OryIdentity.objects.using(using).filter(user_id=user.pk)
