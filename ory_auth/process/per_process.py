"""One object in each process, such as a pool of connections."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from .forks import after_fork

S = TypeVar("S")  # the settings
T = TypeVar("T")


class PerProcess(Generic[S, T]):
    """The object that ``make`` returns for the settings as they are now. A forked process makes its own."""

    def __init__(self, make: Callable[[S], T]) -> None:
        self._make = make
        self._current: tuple[S, T] | None = None
        self._lock = threading.Lock()
        after_fork(self.reset)

    def of(self, settings: S) -> T:
        current = self._current
        if current is None or current[0] is not settings:
            with self._lock:
                current = self._current
                if current is None or current[0] is not settings:
                    current = self._current = (settings, self._make(settings))
        return current[1]

    def reset(self) -> None:
        """Forget the object."""
        self._current, self._lock = None, threading.Lock()
