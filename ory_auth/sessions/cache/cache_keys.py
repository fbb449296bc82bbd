"""The cache keys in Django's cache; :mod:`ory_auth.sessions.cache.shared_cache` has the table of them."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

from ...conf import Conf
from ...ory.credentials import digest_of, digests_of

SLOTS = 16  # credentials of one session that are cached at the same time


class CacheKeys:
    """The cache keys of one project. ``key`` is the key of a credential, which contains its digest.

    Cache keys with a session ID depend on Ory's URL and ``CACHE_NAMESPACE`` only. Those with a credential's key also
    depend on ``SECRET_KEY``.
    """

    def __init__(self, conf: Conf) -> None:
        site = f"{conf.sdk_url}\0{conf.cache_namespace}".encode()
        self._site = blake2b(site, digest_size=6).hexdigest()

    def entry(self, key: str) -> str:
        return f"ory_auth:s:{key}"

    def stale_entry(self, key: str) -> str:
        return f"ory_auth:o:{key}"

    def known(self, key: str) -> str:
        return f"ory_auth:k:{digest_of(key)}"

    def all_known(self, key: str) -> list[str]:
        """:meth:`known`, also under ``SECRET_KEY_FALLBACKS``."""
        return [f"ory_auth:k:{digest}" for digest in digests_of(key)]

    def slots(self, session_id: bytes) -> list[str]:
        return [f"ory_auth:f:{self._session(session_id)}:{number}" for number in range(SLOTS)]

    def signed_out(self, key: str) -> str:
        return f"ory_auth:x:{digest_of(key)}"

    def all_signed_out(self, key: str | None, session_id: bytes | None) -> list[str]:
        """All that refuse this credential: its own (also under ``SECRET_KEY_FALLBACKS``) and its session's.

        ``key`` is ``None`` if only the session is known.
        """
        cache_keys = [] if key is None else [f"ory_auth:x:{digest}" for digest in digests_of(key)]
        return cache_keys if session_id is None else [*cache_keys, f"ory_auth:x:{self._session(session_id)}"]

    def refusal(self, session_id: bytes) -> str:
        return f"ory_auth:r:{self._session(session_id)}"

    def _session(self, session_id: bytes) -> str:
        return f"{self._site}:{UUID(bytes=session_id)}"
