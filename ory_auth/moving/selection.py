"""Which users a run imports, read in batches. No more than one batch is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.module_loading import import_string

from ..users.database import reading_alias
from ..users.fields import user_model


class WrongSelection(ValueError):
    """The text says what is wrong with an option."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The users to import: all, those with these primary keys, or those of the project's queryset."""

    queryset: Any = field(repr=False)  # its repr would read users, and show their names
    limit: int | None = None

    def not_linked(self) -> Any:
        return self.queryset.filter(ory_identity=None)

    def linked(self) -> Any:
        return self.queryset.exclude(ory_identity=None)

    def count(self) -> int:
        """How many users are to be imported."""
        number: int = self.not_linked().count()
        return number if self.limit is None else min(number, self.limit)


def select_users(primary_keys: Sequence[str] = (), queryset_path: str = "", limit: int | None = None) -> Selection:
    """Raises :class:`WrongSelection`, such as for a primary key that no user has."""
    users = _call_queryset(queryset_path) if queryset_path else user_model()._default_manager.using(reading_alias())
    if primary_keys:
        users = users.filter(pk__in=_to_python(primary_keys))
        missing = len(set(primary_keys)) - users.count()
        if missing:
            raise WrongSelection(f"--user: {missing} of these primary keys belong to no user.")
    return Selection(users, limit)


def _call_queryset(path: str) -> Any:
    try:
        queryset = import_string(path)()
        model = queryset.model
    except Exception as error:
        raise WrongSelection(f"--queryset: {path} did not return a queryset ({type(error).__name__}).") from None
    if not issubclass(model, user_model()):
        raise WrongSelection(f"--queryset: {path} returned {model._meta.label}, not {user_model()._meta.label}.")
    return queryset


def _to_python(primary_keys: Sequence[str]) -> list[Any]:
    field = user_model()._meta.pk
    try:
        return [field.to_python(value) for value in primary_keys]
    except ValidationError:
        raise WrongSelection(f"--user: a primary key of {user_model()._meta.label} looks otherwise.") from None


def read_batches(users: Any, size: Callable[[], int], limit: int | None = None) -> Iterator[list[Any]]:
    """All users of a queryset in the order of their primary keys, which may be of any type.

    Each batch is a new query, which begins after the last primary key. So no transaction stays open, and users
    that are added or deleted meanwhile shift nothing. ``size`` is asked before each batch.
    """
    users, last, left = users.order_by("pk"), None, limit
    while left is None or left > 0:
        rest = users if last is None else users.filter(pk__gt=last)
        batch = list(rest[: size() if left is None else min(size(), left)])
        if not batch:
            return
        last = batch[-1].pk
        left = None if left is None else left - len(batch)
        yield batch
