"""What becomes of cached sessions if the admin API says that a session or its identity has changed.

With ``LOCAL_CACHE_SECONDS``, other processes may use what they have in memory for that long.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from ..conf import Conf
from .services import services_of


def drop_cached_sessions(session_ids: Iterable[UUID], conf: Conf) -> None:
    """Delete these sessions from the caches, so that the next request of each asks Ory."""
    cache = services_of(conf).cache
    for session_id in session_ids:
        cache.drop_session(session_id.bytes)


def refuse_sessions(session_ids: Iterable[UUID], conf: Conf) -> None:
    """Refuse all credentials of these sessions from now on, in every process that shares the cache."""
    cache = services_of(conf).cache
    for session_id in session_ids:
        cache.refuse_session(session_id.bytes)
