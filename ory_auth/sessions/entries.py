"""The format of a cached session: a summary in front of Ory's body, sealed for one key of the cache."""

from __future__ import annotations

import re
import struct
import time
from typing import Any, NamedTuple

from ..conf import MAX_CACHE_SECONDS, Conf
from ..ory.credentials import make_hasher
from ..types import SessionSummary

MAX_SKEW = 300  # seconds that the clocks of two servers may differ
_SEAL = 16
_HEAD = struct.Struct("!dddd16s16sqqqB")


class Entry(NamedTuple):
    """A cached session. Times are Unix times by the clock of the server that wrote it.

    ``offset`` is Ory's clock minus ours, in seconds, when Ory responded. ``in_memory`` is how many seconds a process
    that reads the entry from the cache may keep it in its own memory. After ``until`` the entry does not count any
    more, even if the cache still has it.
    """

    summary: SessionSummary
    body: bytes
    offset: float
    in_memory: float = 0.0
    kept_at: float = 0.0
    until: float = 0.0

    def __repr__(self) -> str:
        return "Entry()"  # the body holds traits

    def keep_for(self, seconds: float) -> Entry:
        """The same entry, which counts for so many seconds from now."""
        now = time.time()
        return self._replace(kept_at=now, until=now + seconds)

    @property
    def counts(self) -> bool:
        """Whether it is not too old. Old bytes may be restored by hand, or by promoting a replica."""
        return self.kept_at - MAX_SKEW <= time.time() <= self.until + MAX_SKEW

    @property
    def packed(self) -> bytes:
        """As bytes, which :func:`unpack` reads."""
        return _HEAD.pack(self.offset, self.in_memory, self.kept_at, self.until, *self.summary) + self.body


def unpack(packed: bytes) -> Entry:
    """The entry in these bytes, which :attr:`Entry.packed` made."""
    offset, in_memory, kept_at, until, *fields = _HEAD.unpack_from(packed)
    return Entry(SessionSummary._make(fields), packed[_HEAD.size :], offset, in_memory, kept_at, until)


def remaining(summary: SessionSummary, offset: float) -> float:
    """Seconds that the session has left by Ory's clock, less one: Ory's ``Date`` has no fractions of a second."""
    return summary.expires_at / 1e6 - (time.time() + offset + 1)


def seconds_to_keep(conf: Conf, allowed: str | None, life: float) -> int:
    """Whole seconds that a session may be cached: ``allowed`` is Ory's header, ``life`` what the session has left."""
    if conf.session_cache_seconds is not None:
        return int(min(conf.session_cache_seconds, life))
    if allowed is None or not re.fullmatch("[0-9]{1,9}", allowed):
        return 0
    return int(min(int(allowed), MAX_CACHE_SECONDS, life))


def seal(name: str, entry: Entry) -> bytes:
    """The entry as bytes that are valid for this key of the cache only."""
    packed = entry.packed
    return _seal(name, packed) + packed


def unseal(name: str, found: Any) -> Entry | None:
    """The entry that :func:`seal` was given; ``None`` if ``found`` is not what it returned for this key."""
    if not isinstance(found, bytes) or len(found) < _SEAL + _HEAD.size:
        return None
    packed = found[_SEAL:]
    return unpack(packed) if found.startswith(_seal(name, packed)) else None


def _seal(name: str, packed: bytes) -> bytes:
    seal = make_hasher(b"entry", _SEAL)
    seal.update(f"{name}\0".encode())
    seal.update(packed)
    return seal.digest()
