"""Good answers of Ory, kept for a while in Django's cache, and the sign-outs that they have to give way to.

========  ==================================  =========================================================
entry     key                                 value
========  ==================================  =========================================================
fresh     ``ory_auth:s:<credential's hash>``  seal, Ory's clock against ours, the body as it came
stale     ``ory_auth:o:<credential's hash>``  the same, for longer (only with ``STALE_IF_ERROR_SECONDS``)
slot      ``ory_auth:f:<session id>:<n>``     the hash of one credential under which the session is kept
tombstone ``ory_auth:x:<session id or hash>`` 1: this session or credential was signed out here, until it has expired
========  ==================================  =========================================================

A fill writes slot, entry and then looks for a tombstone; a sign-out writes the tombstone and then empties the slots.
Whichever order the two meet in, one of them removes the entry, so a hit needs no second read. A cache that fails is
no cache: Ory is asked.
"""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any
from uuid import UUID

from django.core.cache import BaseCache, caches

from .conf import Conf
from .credentials import secret
from .events import Event, log
from .types import OrySession

MAX_SECONDS = 60  # for an answer of Ory's, where the project does not say another number
SLOTS = 16  # forms of one session's credential that are kept at once
YEAR = 366 * 24 * 3600
UNKNOWN_END = 30 * 24 * 3600  # seconds to refuse a credential whose session's end is not known
MAX_SKEW = 300  # seconds that clocks may differ: a tombstone outlives its session everywhere
_SEAL = 16
_HEAD = struct.Struct("!d")


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer that counts: ``offset`` is Ory's clock minus ours, in seconds, when it came."""

    body: bytes = field(repr=False)
    offset: float

    def session(self) -> OrySession:
        """The session in it; raises ``ValueError``."""
        return OrySession.from_json(self.body)


def remaining(session: OrySession, offset: float) -> float:
    """Seconds that the session has left by Ory's clock; its ``Date`` is cut to seconds, which counts against it."""
    return session.expires_at.timestamp() - (time.time() + offset + 1)


def seconds_to_keep(conf: Conf, allowed: str | None, life: float) -> int:
    """Whole seconds that an answer may be kept: ``allowed`` is Ory's header, ``life`` what the session has left."""
    if conf.session_cache_seconds is not None:
        return int(min(conf.session_cache_seconds, life))
    if allowed is None or not re.fullmatch("[0-9]{1,9}", allowed):
        return 0
    return int(min(int(allowed), MAX_SECONDS, life))


class SessionCache:
    """The cache ``SESSION_CACHE`` of one project."""

    def __init__(self, conf: Conf) -> None:
        self._conf = conf

    def read(self, key: str, *, stale: bool = False) -> Entry | None:
        """The entry of a credential, or ``None``. Anything that is not what was written for this key is a miss."""
        if not (self._conf.stale_if_error_seconds if stale else self._conf.session_cache_seconds != 0):
            return None
        name = _name("o" if stale else "s", key)
        packed = self._do(lambda cache: cache.get(name))
        if packed is None:
            return None
        entry = _unpack(name, packed)
        if entry is None:
            log(Event.CACHE_INVALID)
        return entry

    def keep(self, key: str, session_id: UUID, entry: Entry, seconds: int) -> bool:
        """Keep an answer; ``False``: the session has been signed out here meanwhile, so the answer must not count.

        Called for answers that may not be kept, too (``seconds`` 0): the question is the same.
        """
        if seconds > 0:
            longest = int(seconds + self._conf.stale_if_error_seconds)
            self._do(lambda cache: self._write(cache, key, session_id, entry, seconds, longest))
        if not self.signed_out(key, session_id):
            return True
        if seconds > 0:
            self._do(lambda cache: cache.delete_many([_name("s", key), _name("o", key)]))
        return False

    def _write(self, cache: BaseCache, key: str, session_id: UUID, entry: Entry, seconds: int, longest: int) -> None:
        for number in range(SLOTS):
            slot = _name("f", f"{session_id}:{number}")
            # A slot outlives its entry by a little, so that no entry is ever without one.
            if cache.add(slot, key, longest + 5) or (cache.get(slot) == key and cache.touch(slot, longest + 5)):
                break
        else:
            return  # more forms than slots: this one is not kept
        cache.set(_name("s", key), _pack(_name("s", key), entry), seconds)
        if longest > seconds:
            cache.set(_name("o", key), _pack(_name("o", key), entry), longest)

    def sign_out(self, key: str, session: OrySession | None) -> None:
        """Refuse this credential from now on, and its session under every form of its credential.

        ``session`` is ``None`` where Ory does not say just now which one it is.
        """

        def end(cache: BaseCache) -> None:
            left = session.expires_at.timestamp() - time.time() if session else UNKNOWN_END
            names = [_name("x", key)] + ([_name("x", str(session.id))] if session else [])
            cache.set_many(dict.fromkeys(names, 1), min(max(int(left) + MAX_SKEW, 1), YEAR))
            slots = cache.get_many([_name("f", f"{session.id}:{n}") for n in range(SLOTS)]) if session else {}
            cache.delete_many([_name(tier, form) for form in {key, *slots.values()} for tier in ("s", "o")])

        self._do(end)

    def signed_out(self, key: str, session_id: UUID | None = None) -> bool:
        """Whether this credential or its session was signed out here, whatever Ory says of it."""
        names = [_name("x", key)] + ([_name("x", str(session_id))] if session_id else [])
        return bool(self._do(lambda cache: cache.get_many(names)))

    def _do(self, action: Callable[[BaseCache], Any]) -> Any:
        try:
            return action(caches[self._conf.session_cache])
        except Exception as error:  # whatever a backend raises: no cache is no reason to sign anyone out
            log(Event.CACHE_DOWN, error=type(error).__name__)
            return None


def _name(tier: str, key: str) -> str:
    return f"ory_auth:{tier}:{key}"


def _pack(name: str, entry: Entry) -> bytes:
    payload = _HEAD.pack(entry.offset) + entry.body
    return _seal(name, payload) + payload


def _unpack(name: str, packed: Any) -> Entry | None:
    if not isinstance(packed, bytes) or len(packed) < _SEAL + _HEAD.size:
        return None
    payload = packed[_SEAL:]
    if packed[:_SEAL] != _seal(name, payload):
        return None
    return Entry(payload[_HEAD.size :], _HEAD.unpack_from(payload)[0])


def _seal(name: str, payload: bytes) -> bytes:
    sealed = blake2b(name.encode() + b"\0", key=secret(b"entry"), digest_size=_SEAL)
    sealed.update(payload)
    return sealed.digest()
