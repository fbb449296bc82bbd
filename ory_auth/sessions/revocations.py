"""Marks in the cache for sessions that were signed out here or refused by Ory.

A sign-out writes its marks first, then reads the slots of the session, and marks every credential that it finds there.
A fill (:mod:`ory_auth.sessions.shared_cache`) takes a slot first, then looks for the mark of its session. In whatever
order the two run, the fill sees the mark or the sign-out sees the slot. No mark is ever deleted or overwritten, so an
entry that has one does not count, whoever writes the entry and whenever.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import UUID

from django.core.cache import BaseCache
from django.core.cache.backends.dummy import DummyCache

from ..conf import Conf
from ..ory.credentials import mark_of, marks_of
from .entries import MAX_SKEW, unseal
from .local_cache import STRANGER_SECONDS

SLOTS = 16  # credentials of one session that are cached at the same time
YEAR = 366 * 24 * 3600
UNKNOWN_END = 30 * 24 * 3600  # seconds to refuse a credential that was good, if the end of its session is not known


class Names:
    """The keys of one project in Django's cache.

    The keys of a session depend on Ory's URL and on ``CACHE_NAMESPACE``, but not on ``SECRET_KEY``.
    """

    def __init__(self, conf: Conf) -> None:
        site = f"{conf.sdk_url}\0{conf.cache_namespace}".encode()
        self._site = blake2b(site, digest_size=6).hexdigest()

    def fresh(self, key: str) -> str:
        return f"ory_auth:s:{key}"

    def stale(self, key: str) -> str:
        return f"ory_auth:o:{key}"

    def known(self, key: str) -> str:
        return f"ory_auth:k:{mark_of(key)}"

    def all_known(self, key: str) -> list[str]:
        """The same, also under ``SECRET_KEY_FALLBACKS``."""
        return [f"ory_auth:k:{mark}" for mark in marks_of(key)]

    def slots(self, session_id: bytes) -> list[str]:
        return [f"ory_auth:f:{self._session(session_id)}:{number}" for number in range(SLOTS)]

    def signed_out(self, key: str) -> str:
        return f"ory_auth:x:{mark_of(key)}"

    def all_signed_out(self, key: str, session_id: bytes | None) -> list[str]:
        """All marks that refuse this credential: its own (also under ``SECRET_KEY_FALLBACKS``) and its session's."""
        marks = [f"ory_auth:x:{mark}" for mark in marks_of(key)]
        return marks if session_id is None else [*marks, f"ory_auth:x:{self._session(session_id)}"]

    def refused(self, session_id: bytes) -> str:
        return f"ory_auth:r:{self._session(session_id)}"

    def _session(self, session_id: bytes) -> str:
        return f"{self._site}:{UUID(bytes=session_id)}"


@dataclass(frozen=True, slots=True)
class SignOut:
    """A sign-out of one credential. ``session_id`` is ``None`` if it is not known which session that is."""

    names: Names
    key: str
    session_id: bytes | None
    expires_at: float = 0.0  # Unix time; 0: not known
    lifespan: float = 0.0  # seconds: the session may have been extended by as much meanwhile

    def write(self, cache: BaseCache) -> bool:
        """Write the sign-out; ``False`` if the cache lost it, with or without an error."""
        if isinstance(cache, DummyCache):
            return True
        session_id = self.session_id or session_in(cache, self.names, self.key)
        marks, life = self.names.all_signed_out(self.key, session_id), self._life(session_id)
        slots = self.names.slots(session_id) if session_id else []
        if self.expires_at:
            cache.set_many(dict.fromkeys(marks, 1), life)
        else:
            for mark in marks:  # an existing mark may last longer, so keep it
                cache.add(mark, 1, life)
        # Marks that are found were written and show that the cache answers, so a slot that is not found does not exist.
        found = cache.get_many([*marks, *slots])
        written = found.keys() >= set(marks)
        forms = _forms(found, slots) | {self.key}
        others = {self.names.signed_out(form) for form in forms} - set(marks)
        if others:
            cache.set_many(dict.fromkeys(others, 1), life)
            written = written and cache.get_many(others).keys() >= others
        drop_entries(cache, self.names, forms)
        return written

    def _life(self, session_id: bytes | None) -> int:
        if session_id is None:
            return STRANGER_SECONDS
        left = max(self.expires_at - time.time(), self.lifespan) if self.expires_at else UNKNOWN_END
        return min(max(int(left), 0) + MAX_SKEW, YEAR)


def write_refusal(cache: BaseCache, names: Names, key: str, session_id: bytes, life: int) -> None:
    """Ory refuses this credential: entries of its session that are older than now do not count.

    The mark holds the time, so that it refuses only older entries: after a second factor the same cookie is good again.
    ``life`` is how many seconds a stale entry may be in the cache; 0: there are none.
    """
    if life:
        cache.set(names.refused(session_id), int(time.time()), life)
    slots = names.slots(session_id)
    drop_entries(cache, names, _forms(cache.get_many(slots), slots) | {key})


def session_in(cache: BaseCache, names: Names, key: str) -> bytes | None:
    """The id of this credential's session, if the cache knows it."""
    entries, known = [names.fresh(key), names.stale(key)], names.all_known(key)
    found = cache.get_many([*entries, *known])
    for name in entries:
        entry = unseal(name, found.get(name))
        if entry is not None:
            return entry.summary.session_id
    return next((session_id for name in known if (session_id := _session_id(found.get(name)))), None)


def drop_entries(cache: BaseCache, names: Names, forms: Iterable[str]) -> None:
    """Delete the entries of these credentials, and that they were good."""
    cache.delete_many(
        [name for form in forms for name in (names.fresh(form), names.stale(form), *names.all_known(form))]
    )


def _session_id(text: object) -> bytes | None:
    try:
        return UUID(str(text)).bytes
    except ValueError:
        return None


def _forms(found: dict[str, Any], slots: list[str]) -> set[str]:
    return {found[slot] for slot in slots if isinstance(found.get(slot), str)}
