"""What one process remembers by itself: kept answers (``LOCAL_CACHE_SECONDS``), sign-outs, who has been good before.

All of it is bounded, the oldest goes first, and none of it is shared: another process learns of a sign-out from the
cache in ``SESSION_CACHE``, at the latest when its own copy has run out.
"""

from __future__ import annotations

import threading

from cachetools import LRUCache, TTLCache

from .entries import Entry

MAX_BYTES = 24 * 1024 * 1024  # for all kept answers of a process, what keeping one costs besides included
PER_ENTRY = 900  # bytes that keeping one answer costs besides its body
MAX_SIGN_OUTS = 20_000
MAX_KNOWN = 20_000


class Memory:
    """Safe for all threads of one process.

    Keys are those of :meth:`ory_auth.credentials.Credential.key`, session ids the 16 bytes of ``Facts``.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._answers: TTLCache[str, Entry] | None = (
            TTLCache(MAX_BYTES, seconds, getsizeof=lambda entry: len(entry.body) + PER_ENTRY) if seconds else None
        )
        self._ended: LRUCache[str | bytes, bool] = LRUCache(MAX_SIGN_OUTS)
        self._known: LRUCache[str, bool] = LRUCache(MAX_KNOWN)

    def read(self, key: str) -> Entry | None:
        """The answer that is kept for this credential."""
        if self._answers is None:
            return None
        with self._lock:
            try:
                return self._answers[key]
            except KeyError:
                return None

    def keep(self, key: str, entry: Entry) -> None:
        """Keep an answer for ``LOCAL_CACHE_SECONDS``."""
        if self._answers is not None:  # no answer is larger than all of it may be
            with self._lock:
                self._answers[key] = entry

    def drop(self, key: str) -> None:
        """Keep nothing of this credential any more."""
        if self._answers is not None:
            with self._lock:
                self._answers.pop(key, None)

    def sign_out(self, key: str, session_id: bytes | None) -> None:
        """Refuse this credential, and every other form of its session, from now on."""
        self.drop(key)
        with self._lock:
            self._known.pop(key, None)
            self._ended[key] = True
            if session_id is not None:
                self._ended[session_id] = True

    def signed_out(self, key: str, session_id: bytes | None) -> bool:
        """Whether either was signed out in this process."""
        return key in self._ended or (session_id is not None and session_id in self._ended)

    def remember_good(self, key: str) -> bool:
        """This credential has been good; ``True`` where that was news."""
        if key in self._known:
            return False
        with self._lock:
            self._known[key] = True
        return True

    def forget_good(self, key: str) -> None:
        """This credential is good no more."""
        with self._lock:
            self._known.pop(key, None)

    def was_good(self, key: str) -> bool:
        """Whether this process has seen it good."""
        return key in self._known
