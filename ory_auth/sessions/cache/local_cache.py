"""The local cache of one process: sessions (``LOCAL_CACHE_SECONDS``), sign-outs, and which credentials are known.

All of it is bounded, and the oldest goes first. None of it is shared: another process learns of a sign-out from the
shared cache, at the latest when its own copy of the session expires.
"""

from __future__ import annotations

import threading

from cachetools import LRUCache, TTLCache

from ...ory.credentials import digest_of
from .entries import Entry

MAX_BYTES = 24 * 1024 * 1024  # for all sessions in a process, overhead included
ENTRY_OVERHEAD = 900  # bytes of overhead for one session, besides its body
MAX_SIGN_OUTS = 20_000
MAX_KNOWN = 20_000
MAX_CREDENTIALS = 16  # of one session: a browser may add cookies of the same name, and Ory takes the first
MAX_REFUSED = 20_000
MAX_UNKNOWN_SIGN_OUTS = 300
UNKNOWN_SIGN_OUT_SECONDS = 600  # for which the sign-out of an unknown credential is remembered

_Credentials = tuple[int, tuple[str, ...]]  # how many credentials of a session were valid, and the digests of the last


class LocalCache:
    """Safe for all threads of one process.

    Keys are those of :meth:`ory_auth.ory.credentials.Credential.key`, session IDs the 16 bytes of
    ``SessionSummary``. Except for entries, everything here counts for the secret of a credential, whichever header it
    came in.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._entries: TTLCache[str, Entry] | None = None
        if seconds:
            self._entries = TTLCache(MAX_BYTES, seconds, getsizeof=_size_in_bytes)
        self._signed_out: LRUCache[str | bytes, bool] = LRUCache(MAX_SIGN_OUTS)
        self._unknown_signed_out: TTLCache[str, bool] = TTLCache(MAX_UNKNOWN_SIGN_OUTS, UNKNOWN_SIGN_OUT_SECONDS)
        self._any_unknown_signed_out = False
        self._known: LRUCache[str, bytes] = LRUCache(MAX_KNOWN)
        self._credentials: LRUCache[bytes, _Credentials] = LRUCache(MAX_KNOWN)
        self._refused: LRUCache[bytes, float] = LRUCache(MAX_REFUSED)

    # --- entries

    def get(self, key: str) -> Entry | None:
        """The cache entry for this credential."""
        if self._entries is None:
            return None
        with self._lock:
            try:
                return self._entries[key]
            except KeyError:
                return None

    def set(self, key: str, entry: Entry) -> None:
        """Store an entry for ``LOCAL_CACHE_SECONDS``."""
        if self._entries is not None:  # MAX_CACHED_BODY keeps every entry smaller than MAX_BYTES
            with self._lock:
                self._entries[key] = entry

    def delete(self, key: str) -> None:
        """Delete the entry for this credential, if there is one."""
        if self._entries is not None:
            with self._lock:
                self._entries.pop(key, None)

    # --- sign-outs

    def sign_out(self, key: str, session_id: bytes | None) -> None:
        """Refuse this credential, and all other credentials of its session, from now on."""
        self.delete(key)
        with self._lock:
            self._known.pop(digest_of(key), None)
            self._signed_out[digest_of(key)] = True
            if session_id is not None:
                self._signed_out[session_id] = True

    def sign_out_session(self, session_id: bytes) -> None:
        """Refuse all credentials of this session from now on."""
        with self._lock:
            self._signed_out[session_id] = True
            for digest in self._credentials.pop(session_id, (0, ()))[1]:
                self._known.pop(digest, None)

    def drop_session(self, session_id: bytes, now: float) -> None:
        """From now on (Unix time), entries of this session that are older do not count."""
        with self._lock:
            self._refused[session_id] = now

    def sign_out_unknown(self, key: str) -> bool:
        """Refuse an unknown credential for some minutes; ``False`` if that removes the oldest of them.

        They are stored apart, so that made-up tokens cannot make this process forget a real sign-out.
        """
        digest = digest_of(key)
        with self._lock:
            self._unknown_signed_out.expire()
            has_room = len(self._unknown_signed_out) < MAX_UNKNOWN_SIGN_OUTS or digest in self._unknown_signed_out
            self._unknown_signed_out[digest] = True
            self._any_unknown_signed_out = True
        return has_room

    def is_signed_out(self, key: str, session_id: bytes | None) -> bool:
        """Whether either was signed out in this process."""
        digest = digest_of(key)
        if digest in self._signed_out or (session_id is not None and session_id in self._signed_out):
            return True
        if not self._any_unknown_signed_out:  # avoids the lock at almost every request
            return False
        with self._lock:
            self._any_unknown_signed_out = bool(self._unknown_signed_out)
            return digest in self._unknown_signed_out

    # --- known credentials

    def add_known(self, key: str, session_id: bytes) -> bool:
        """Remember that this credential was valid; ``True`` if that is new, and other processes should know it.

        Of one session the last :data:`MAX_CREDENTIALS` are remembered, so that one person cannot push out others.
        """
        digest = digest_of(key)
        if digest in self._known:
            return False
        with self._lock:
            if digest in self._known:  # another thread was quicker
                return False
            self._known[digest] = session_id
            number, digests = self._credentials.get(session_id, (0, ()))
            for oldest in digests[: -MAX_CREDENTIALS + 1]:
                self._known.pop(oldest, None)
            self._credentials[session_id] = number + 1, (*digests[-MAX_CREDENTIALS + 1 :], digest)
        return number < MAX_CREDENTIALS

    def has_many_credentials(self, session_id: bytes) -> bool:
        """Whether more credentials were valid for this session than one person needs."""
        with self._lock:
            return self._credentials.get(session_id, (0, ()))[0] > MAX_CREDENTIALS

    def is_known(self, key: str) -> bool:
        """Whether this credential was valid in this process."""
        return digest_of(key) in self._known

    def session_of(self, key: str) -> bytes | None:
        """The ID of the session that this credential was valid for."""
        with self._lock:
            return self._known.get(digest_of(key))

    def record_refusal(self, key: str, session_id: bytes | None, now: float) -> None:
        """Ory refuses this credential, so older entries do not count any more. ``now`` is Unix time."""
        self.delete(key)
        with self._lock:
            self._known.pop(digest_of(key), None)
            if session_id is not None:
                self._refused[session_id] = now
                for digest in self._credentials.pop(session_id, (0, ()))[1]:
                    self._known.pop(digest, None)

    def refused_at(self, session_id: bytes) -> float:
        """When Ory last refused this session in this process, as Unix time; 0: never."""
        if session_id not in self._refused:  # avoids the lock at almost every request
            return 0.0
        with self._lock:
            return self._refused.get(session_id, 0.0)


def _size_in_bytes(entry: Entry) -> int:
    return len(entry.body) + ENTRY_OVERHEAD
