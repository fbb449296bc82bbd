"""The format of a cache entry: a session's summary and Ory's body, with a MAC for one cache key."""

from __future__ import annotations

import re
import struct
import time
from typing import Any, NamedTuple

from ...conf import MAX_CACHE_SECONDS, Conf
from ...ory.credentials import make_hasher
from ...types import SessionSummary

MAX_SKEW = 300  # seconds that the clocks of two servers may differ
_MAC_SIZE = 16
_HEAD = struct.Struct("!dddd16s16sqqqB")


class Entry(NamedTuple):
    """A cached session. Times are Unix times by the clock of the server that wrote it.

    ``offset`` is Ory's clock minus ours, in seconds, when Ory responded. ``local_seconds`` is how many seconds a
    process that reads the entry from the shared cache may keep it in its local cache. After ``valid_until`` the entry
    does not count any more, even if the cache still has it.
    """

    summary: SessionSummary
    body: bytes
    offset: float
    local_seconds: float = 0.0
    stored_at: float = 0.0
    valid_until: float = 0.0

    def __repr__(self) -> str:
        return "Entry()"  # the body holds traits

    def with_lifetime(self, seconds: float) -> Entry:
        """The same entry, valid for so many seconds from now."""
        now = time.time()
        return self._replace(stored_at=now, valid_until=now + seconds)

    @property
    def is_current(self) -> bool:
        """Whether its time has begun and is not over. Old bytes may be restored by hand, or by promoting a replica."""
        return self.stored_at - MAX_SKEW <= time.time() <= self.valid_until + MAX_SKEW


def remaining_seconds(summary: SessionSummary, offset: float) -> float:
    """Seconds that the session has left by Ory's clock, less one: Ory's ``Date`` has no fractions of a second."""
    return summary.expires_at / 1e6 - (time.time() + offset + 1)


def seconds_to_cache(conf: Conf, allowed: str | None, life: float) -> int:
    """Whole seconds that a session may be cached: ``allowed`` is Ory's header, ``life`` what the session has left."""
    if conf.session_cache_seconds is not None:
        return int(min(conf.session_cache_seconds, life))
    if allowed is None or not re.fullmatch("[0-9]{1,9}", allowed):
        return 0
    return int(min(int(allowed), MAX_CACHE_SECONDS, life))


def pack(cache_key: str, entry: Entry) -> bytes:
    """The entry as bytes that are valid under this cache key only."""
    head = _HEAD.pack(entry.offset, entry.local_seconds, entry.stored_at, entry.valid_until, *entry.summary)
    packed = head + entry.body
    return _mac(cache_key, packed) + packed


def unpack(cache_key: str, stored: Any) -> Entry | None:
    """The entry that :func:`pack` was given; ``None`` if ``stored`` is not what it returned for this cache key."""
    if not isinstance(stored, bytes) or len(stored) < _MAC_SIZE + _HEAD.size:
        return None
    packed = stored[_MAC_SIZE:]
    if not stored.startswith(_mac(cache_key, packed)):
        return None
    offset, local_seconds, stored_at, valid_until, *fields = _HEAD.unpack_from(packed)
    return Entry(SessionSummary._make(fields), packed[_HEAD.size :], offset, local_seconds, stored_at, valid_until)


def _mac(cache_key: str, packed: bytes) -> bytes:
    mac = make_hasher(b"entry", _MAC_SIZE)
    mac.update(f"{cache_key}\0".encode())
    mac.update(packed)
    return mac.digest()
