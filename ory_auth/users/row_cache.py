"""Rows of users, kept in the memory of one process for ``USER_CACHE_SECONDS``.

A row belongs to one session's summary in one database. Each request makes its own user object from it. ``scope`` is
what else the row depends on, such as the schema of a tenant. A row does not count any more once Django's signals say
that its user or link has changed. A row that was read in a transaction is kept when that is committed.
``QuerySet.update()`` sends no signals, so its changes take effect when the time is over, as do changes in other
processes.
"""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Hashable
from functools import partial
from typing import TYPE_CHECKING, Any

from cachetools import TTLCache
from django.db import transaction

from ..process.forks import after_fork

if TYPE_CHECKING:  # every command loads this module, and few ask who somebody is
    from ..types import SessionSummary

MAX_ROWS = 10_000

Key = tuple[bytes, int, bytes, str, Hashable]


class UserRows:
    """The rows in one process' memory, safe for its threads."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._rows: TTLCache[Key, tuple[float, Any, bytes]] = TTLCache(MAX_ROWS, seconds)
        self._changed: TTLCache[Any, float] = TTLCache(MAX_ROWS, seconds)
        self._all_changed = 0.0

    def recall(self, summary: SessionSummary, using: str, scope: Hashable = None) -> Any:
        """A new user object from the row for this summary in this database, or ``None``."""
        with self._lock:
            try:
                read_at, model, row = self._rows[_key(summary, using, scope)]
            except KeyError:
                return None
        names, values = pickle.loads(row)  # noqa: S301  (made below, and never out of this process)
        user = model.from_db(using, names, values)
        return user if read_at > self._change_of(user.pk, summary.identity_id) else None

    def keep(self, summary: SessionSummary, user: Any, using: str, scope: Hashable, read_at: float) -> None:
        """Keep the row of a user who was just read (not before ``read_at``, monotonic) and is unchanged since."""
        fields = user._meta.concrete_fields
        try:
            names = [field.attname for field in fields]
            row = pickle.dumps((names, [user.__dict__[name] for name in names]))
        except Exception:  # a deferred field, or a value that cannot be kept
            return
        key = _key(summary, using, scope)
        transaction.on_commit(partial(self._put, key, (read_at, type(user), row), user.pk), using=using)

    def _put(self, key: Key, row: tuple[float, Any, bytes], pk: Any) -> None:
        if row[0] > self._change_of(pk, key[0]):
            with self._lock:
                self._rows[key] = row

    def changed(self, pk: Any = None) -> None:
        """Rows of this user, or of the user of this identity (its 16 bytes), do not count any more.

        Without ``pk``, no row does.
        """
        with self._lock:
            if pk is None or len(self._changed) >= MAX_ROWS:
                self._all_changed = time.monotonic()  # first: it is read without the lock
                self._rows.clear()
                self._changed.clear()
            else:
                self._changed[pk] = time.monotonic()

    def _change_of(self, pk: Any, identity_id: bytes) -> float:
        if pk not in self._changed and identity_id not in self._changed:
            return self._all_changed
        with self._lock:
            return max(self._changed.get(pk, 0.0), self._changed.get(identity_id, 0.0), self._all_changed)


def _key(summary: SessionSummary, using: str, scope: Hashable) -> Key:
    """A new session, or one with a later state of the identity, is a miss: the database has to be asked."""
    return summary.identity_id, summary.updated_at, summary.session_id, using, scope


_current: UserRows | None = None
_guard = threading.Lock()


def user_rows(seconds: float) -> UserRows:
    """The rows of this process."""
    global _current
    rows = _current
    if rows is None or rows.seconds != seconds:
        with _guard:  # a change has to reach the one object that all threads use
            rows = _current
            if rows is None or rows.seconds != seconds:
                rows = _current = UserRows(seconds)
    return rows


def changed(pk: Any = None, using: str | None = None) -> None:
    """A user, or the link of an identity, was changed: at once, and for others once the transaction is committed."""
    rows = _current
    if rows is not None and rows.seconds:
        rows.changed(pk)
        transaction.on_commit(partial(rows.changed, pk), using=using)


def forget() -> None:
    """Start anew, as a forked process does."""
    global _current, _guard
    _current, _guard = None, threading.Lock()


after_fork(forget)
