"""Undo what was done at Ory if a transaction of the database rolls back.

Django has hooks for a commit, and none for a rollback. But it discards the commit hooks of a transaction or savepoint
that rolls back. So a hook that is discarded without having been called is the sign of a rollback.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connections


def open_transactions() -> list[Any]:
    """The database connections of this thread that are inside ``atomic()``."""
    return [connection for connection in connections.all(initialized_only=True) if connection.in_atomic_block]


def call_on_rollback(undo: Callable[[], None]) -> None:
    """Call ``undo`` once if one of the open transactions rolls back, or the savepoint in which this is called.

    ``undo`` is called in the thread of the transaction, right after the rollback, and must not raise. It is not called
    if the process is killed.
    """
    undo_once = _Once(undo)
    for connection in open_transactions():
        # Not with `on_commit()`: if another hook before this one raised an error, Django would discard this one,
        # although the transaction is committed.
        connection.run_on_commit.insert(0, (set(connection.savepoint_ids), _CommitHook(undo_once), True))


class _Once:
    def __init__(self, undo: Callable[[], None]) -> None:
        self._undo: Callable[[], None] | None = undo

    def __call__(self) -> None:
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()


class _CommitHook:
    """Called: the transaction is committed. Deleted before that: it has rolled back."""

    def __init__(self, undo: Callable[[], None]) -> None:
        self._undo: Callable[[], None] | None = undo

    def __call__(self) -> None:
        self._undo = None

    def __del__(self) -> None:
        if self._undo is not None:
            self._undo()
