"""What one process remembers: sessions (``LOCAL_CACHE_SECONDS``), sign-outs, and which credentials were good.

All of it is bounded, and the oldest goes first. None of it is shared: another process learns of a sign-out from the
cache in ``SESSION_CACHE``, at the latest when its own copy of the session expires.
"""

from __future__ import annotations

import threading

from cachetools import LRUCache, TTLCache

from ..ory.credentials import mark_of
from .entries import Entry

MAX_BYTES = 24 * 1024 * 1024  # for all sessions in a process, overhead included
PER_ENTRY = 900  # bytes of overhead for one session, besides its body
MAX_SIGN_OUTS = 20_000
MAX_KNOWN = 20_000
MAX_FORMS = 16  # credentials of one session: a browser may add cookies of the same name, and Ory takes the first
MAX_REFUSED = 20_000
MAX_STRANGERS = 300
STRANGER_SECONDS = 600  # for which the sign-out of a credential that was never good is remembered


_Forms = tuple[int, tuple[str, ...]]  # how many credentials of a session were good, and the marks of the last ones


class Memory:
    """Safe for all threads of one process.

    Keys are those of :meth:`ory_auth.ory.credentials.Credential.key`, session ids the 16 bytes of
    ``SessionSummary``. Except for entries, whatever is remembered counts for the secret of a credential, whichever
    header it came in.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._answers: TTLCache[str, Entry] | None = (
            TTLCache(MAX_BYTES, seconds, getsizeof=lambda entry: len(entry.body) + PER_ENTRY) if seconds else None
        )
        self._signed_out: LRUCache[str | bytes, bool] = LRUCache(MAX_SIGN_OUTS)
        self._strangers: TTLCache[str, bool] = TTLCache(MAX_STRANGERS, STRANGER_SECONDS)
        self._any_stranger = False
        self._known: LRUCache[str, bytes] = LRUCache(MAX_KNOWN)
        self._forms: LRUCache[bytes, _Forms] = LRUCache(MAX_KNOWN)
        self._refused: LRUCache[bytes, float] = LRUCache(MAX_REFUSED)

    # --- answers

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
        """Keep no answer for this credential any more."""
        if self._answers is not None:
            with self._lock:
                self._answers.pop(key, None)

    # --- sign-outs

    def sign_out(self, key: str, session_id: bytes | None) -> None:
        """Refuse this credential, and all other credentials of its session, from now on."""
        self.drop(key)
        with self._lock:
            self._known.pop(mark_of(key), None)
            self._signed_out[mark_of(key)] = True
            if session_id is not None:
                self._signed_out[session_id] = True

    def sign_out_stranger(self, key: str) -> bool:
        """Refuse, for some minutes, a credential that was never good; ``False`` if there are too many of these already.

        They are stored apart, so that made-up tokens cannot make this process forget a real sign-out.
        """
        with self._lock:
            self._strangers.expire()
            has_room = len(self._strangers) < MAX_STRANGERS or mark_of(key) in self._strangers
            self._strangers[mark_of(key)] = self._any_stranger = True
        return has_room

    def signed_out(self, key: str, session_id: bytes | None) -> bool:
        """Whether either was signed out in this process."""
        mark = mark_of(key)
        if mark in self._signed_out or (session_id is not None and session_id in self._signed_out):
            return True
        if not self._any_stranger:  # avoids the lock at almost every request
            return False
        with self._lock:
            self._any_stranger = bool(self._strangers)
            return mark in self._strangers

    # --- who has been good

    def remember_good(self, key: str, session_id: bytes) -> bool:
        """Remember that this credential was good; ``True`` if that is new, and other processes should know it.

        Of one session the last :data:`MAX_FORMS` credentials are remembered, so that nobody drives out others.
        """
        mark = mark_of(key)
        if mark in self._known:
            return False
        with self._lock:
            if mark in self._known:  # another thread was quicker
                return False
            self._known[mark] = session_id
            number, marks = self._forms.get(session_id, (0, ()))
            for oldest in marks[: -MAX_FORMS + 1]:
                self._known.pop(oldest, None)
            self._forms[session_id] = number + 1, (*marks[-MAX_FORMS + 1 :], mark)
        return number < MAX_FORMS

    def is_crowded(self, session_id: bytes) -> bool:
        """Whether more credentials were good for this session than one person needs."""
        with self._lock:
            return self._forms.get(session_id, (0, ()))[0] > MAX_FORMS

    def was_good(self, key: str) -> bool:
        """Whether this process has seen it good."""
        return mark_of(key) in self._known

    def session_of(self, key: str) -> bytes | None:
        """The id of the session that this credential was good for."""
        with self._lock:
            return self._known.get(mark_of(key))

    def refuse(self, key: str, session_id: bytes | None, now: float) -> None:
        """Ory refuses this credential: entries from before do not count any more."""
        self.drop(key)
        with self._lock:
            self._known.pop(mark_of(key), None)
            if session_id is not None:
                self._refused[session_id] = now
                for mark in self._forms.pop(session_id, (0, ()))[1]:
                    self._known.pop(mark, None)

    def refused_at(self, session_id: bytes) -> float:
        """When Ory last refused this session in this process, as Unix time; 0: never."""
        if session_id not in self._refused:  # spares the lock at almost every request
            return 0.0
        with self._lock:
            return self._refused.get(session_id, 0.0)
