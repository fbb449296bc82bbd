"""The only call to Ory's admin API while serving requests: whether an identity no longer has an address."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from cachetools import TTLCache

from ..conf import Conf
from ..process.forks import after_fork
from ..types import read_last_change
from .http_client import ConnectionPool, deadline
from .same_text import is_same_text

CACHE_SECONDS = 60  # so that a person who is refused does not cause a call at each request

_results: TTLCache[tuple[str, UUID, str], datetime | None] = TTLCache(1000, CACHE_SECONDS)
_lock = threading.Lock()


def last_change_if_without_address(address: str, identity_id: UUID, conf: Conf) -> datetime | None:
    """When this identity last changed, if it does not have this address, verified or not.

    ``None`` if it has the address, or if that is not known. Compare the time with the state that you know: an older
    state of the identity proves nothing.

    Needs ``ADMIN_URL`` or ``API_KEY``. If Ory does not find the identity, the result is ``None``, because a wrong
    server would say the same. Takes ``TIMEOUT`` at most. Raises nothing.
    Follows https://www.ory.com/docs/reference/api#operation/getIdentity.
    """
    if conf.admin_url == conf.sdk_url and not conf.api_key:
        return None
    key = conf.admin_url, identity_id, address
    with _lock, suppress(KeyError):
        return _results[key]
    result = _fetch(identity_id, address, conf)
    with _lock:
        _results[key] = result
    return result


def _fetch(identity_id: UUID, address: str, conf: Conf) -> datetime | None:
    headers = {"Accept": "application/json", "User-Agent": "django-ory"}
    if conf.api_key:
        headers["Authorization"] = f"Bearer {conf.api_key.reveal()}"
    try:
        with deadline(time.monotonic() + conf.timeout):
            pool = ConnectionPool(conf.admin_url, 0)
            response = pool.request("GET", f"/admin/identities/{identity_id}", headers)
        identity = json.loads(response.body) if response.status == 200 else None
        if not isinstance(identity, dict) or UUID(identity["id"]) != identity_id:
            return None
        if any(is_same_text(text, address) for text in _walk_texts(identity)):
            return None
        return read_last_change(identity)
    except Exception:  # no response, or one that is not an identity
        return None


def _walk_texts(value: Any) -> Iterator[str]:
    """Every text at any level, because the schema decides which field has the address."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _walk_texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _walk_texts(part)


def reset() -> None:
    """Delete all results. A forked process starts with none."""
    global _results, _lock
    _results, _lock = TTLCache(1000, CACHE_SECONDS), threading.Lock()


after_fork(reset)
