"""Rows of users in the memory of one process, for ``USER_CACHE_SECONDS``.

The key of a row is a session's summary and a database. Each request makes its own user object from it. ``scope`` is
anything else that the row depends on, such as the schema of a tenant. A row no longer counts once Django's signals say
that its user or link has changed. A row that was read in a transaction is stored when the transaction is committed.
``QuerySet.update()`` sends no signals. Its changes take effect when the time is over, like those of other processes.
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

if TYPE_CHECKING:  # every command loads this module, and few ask who is signed in
    from ..types import SessionSummary

MAX_ROWS = 10_000

Key = tuple[bytes, int, bytes, str, Hashable]


class UserRowCache:
    """The rows in one process' memory, safe for its threads."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._rows: TTLCache[Key, tuple[float, Any, bytes]] = TTLCache(MAX_ROWS, seconds)
        self._invalidations: TTLCache[Any, float] = TTLCache(MAX_ROWS, seconds)
        self._all_invalidated_at = 0.0

    def get(self, summary: SessionSummary, using: str, scope: Hashable = None) -> Any:
        """A new user object from the row for this session in this database, or ``None``."""
        with self._lock:
            try:
                read_at, model, row = self._rows[_key(summary, using, scope)]
            except KeyError:
                return None
        names, values = pickle.loads(row)  # noqa: S301  (made below, and never leaves this process)
        user = model.from_db(using, names, values)
        return user if read_at > self._invalidated_at(user.pk, summary.identity_id) else None

    def put(self, summary: SessionSummary, user: Any, using: str, scope: Hashable, read_at: float) -> None:
        """Store the row of a user who was just read (not before ``read_at``, monotonic) and is unchanged since."""
        fields = user._meta.concrete_fields
        try:
            names = [field.attname for field in fields]
            row = pickle.dumps((names, [user.__dict__[name] for name in names]))
        except Exception:  # a deferred field, or a value that cannot be pickled
            return
        key = _key(summary, using, scope)
        transaction.on_commit(partial(self._store, key, (read_at, type(user), row), user.pk), using=using)

    def _store(self, key: Key, row: tuple[float, Any, bytes], pk: Any) -> None:
        if row[0] > self._invalidated_at(pk, key[0]):
            with self._lock:
                self._rows[key] = row

    def invalidate(self, key: Any = None) -> None:
        """From now on, rows of one user do not count; without ``key``, no row does.

        ``key`` is the user's primary key, or the id of the identity (16 bytes).
        """
        with self._lock:
            if key is None or len(self._invalidations) >= MAX_ROWS:
                self._all_invalidated_at = time.monotonic()  # first: it is read without the lock
                self._rows.clear()
                self._invalidations.clear()
            else:
                self._invalidations[key] = time.monotonic()

    def _invalidated_at(self, pk: Any, identity_id: bytes) -> float:
        invalidations = self._invalidations
        if pk not in invalidations and identity_id not in invalidations:
            return self._all_invalidated_at
        with self._lock:
            return max(invalidations.get(pk, 0.0), invalidations.get(identity_id, 0.0), self._all_invalidated_at)


def _key(summary: SessionSummary, using: str, scope: Hashable) -> Key:
    """A new session, or one with a later state of the identity, is a miss: the database has to be asked."""
    return summary.identity_id, summary.updated_at, summary.session_id, using, scope


_current: UserRowCache | None = None
_guard = threading.Lock()


def process_row_cache(seconds: float) -> UserRowCache:
    """The cache of this process; a new one if ``USER_CACHE_SECONDS`` was changed."""
    global _current
    cache = _current
    if cache is None or cache.seconds != seconds:
        with _guard:  # all threads must get the same cache, or an invalidation would miss some of them
            cache = _current
            if cache is None or cache.seconds != seconds:
                cache = _current = UserRowCache(seconds)
    return cache


def invalidate(key: Any = None, using: str | None = None) -> None:
    """:meth:`UserRowCache.invalidate` at once, and again when the transaction that changed the user is committed."""
    cache = _current
    if cache is not None and cache.seconds:
        cache.invalidate(key)
        transaction.on_commit(partial(cache.invalidate, key), using=using)


def reset() -> None:
    """Start with no cache, as a forked process does."""
    global _current, _guard
    _current, _guard = None, threading.Lock()


after_fork(reset)
