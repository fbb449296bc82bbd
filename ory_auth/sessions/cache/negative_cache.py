"""The negative cache: credentials that Ory has refused within ``REFUSED_CACHE_SECONDS``, in this process only."""

from __future__ import annotations

import threading

from cachetools import TTLCache

MAX_REFUSALS = 20_000


class NegativeCache:
    """Safe for all threads of a process. With 0 ``seconds`` it stores nothing."""

    def __init__(self, seconds: float) -> None:
        self._enabled = seconds > 0
        self._refused: TTLCache[str, bool] = TTLCache(MAX_REFUSALS, seconds)
        self._lock = threading.Lock()

    def add(self, key: str) -> None:
        """Ory has refused the credential with this key."""
        if self._enabled:
            with self._lock:
                self._refused[key] = True

    def __contains__(self, key: str) -> bool:
        if key not in self._refused:  # avoids the lock at almost every request
            return False
        with self._lock:
            return key in self._refused
