"""What is kept of a good answer, and in what form: facts in front of the body, sealed for one place in the cache."""

from __future__ import annotations

import re
import struct
import time
from typing import Any, NamedTuple

from .conf import MAX_CACHE_SECONDS, Conf
from .credentials import hasher
from .types import Facts

_SEAL = 16
_HEAD = struct.Struct("!dd16s16sqqqB")


class Entry(NamedTuple):
    """One answer that counts: ``offset`` is Ory's clock minus ours, in seconds, when it came.

    ``in_memory`` is for how many seconds a process that takes it from the cache may keep it by itself.
    """

    facts: Facts
    body: bytes
    offset: float
    in_memory: float = 0.0

    def __repr__(self) -> str:
        return "Entry()"  # the body holds traits

    @property
    def packed(self) -> bytes:
        """As bytes, which :func:`unpacked` reads."""
        return _HEAD.pack(self.offset, self.in_memory, *self.facts) + self.body


def unpacked(packed: bytes) -> Entry:
    """The entry in these bytes, which :attr:`Entry.packed` made."""
    head = _HEAD.unpack_from(packed)
    return Entry(Facts._make(head[2:]), packed[_HEAD.size :], head[0], head[1])


def remaining(facts: Facts, offset: float) -> float:
    """Seconds that the session has left by Ory's clock; its ``Date`` is cut to seconds, which counts against it."""
    return facts.expires_at / 1e6 - (time.time() + offset + 1)


def seconds_to_keep(conf: Conf, allowed: str | None, life: float) -> int:
    """Whole seconds that an answer may be kept: ``allowed`` is Ory's header, ``life`` what the session has left."""
    if conf.session_cache_seconds is not None:
        return int(min(conf.session_cache_seconds, life))
    if allowed is None or not re.fullmatch("[0-9]{1,9}", allowed):
        return 0
    return int(min(int(allowed), MAX_CACHE_SECONDS, life))


def sealed(name: str, packed: bytes) -> bytes:
    """These bytes for this place in the cache, and for no other."""
    return _seal(name, packed) + packed


def opened(name: str, found: Any) -> bytes | None:
    """What :func:`sealed` was given; ``None`` where ``found`` is not what it made for this place."""
    if not isinstance(found, bytes) or len(found) < _SEAL + _HEAD.size:
        return None
    packed = found[_SEAL:]
    return packed if found.startswith(_seal(name, packed)) else None


def _seal(name: str, packed: bytes) -> bytes:
    seal = hasher(b"entry", _SEAL)
    seal.update(f"{name}\0".encode())
    seal.update(packed)
    return seal.digest()
