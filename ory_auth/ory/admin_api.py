"""The only call to Ory's admin API while serving requests: whether an identity has given up an address."""

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

SECONDS = 60  # for which an answer is kept, so that somebody who is refused cannot cause a call at each request

_answers: TTLCache[tuple[str, UUID, str], datetime | None] = TTLCache(1000, SECONDS)
_lock = threading.Lock()


def last_change_without(address: str, identity_id: UUID, conf: Conf) -> datetime | None:
    """When this identity last changed, if it does not have this address at Ory, verified or not.

    ``None`` if it has the address, or if that is not known. The time says what the answer is worth, even when it is
    kept: a state of the identity that is older than the one you know proves nothing.

    Needs ``ADMIN_URL`` or ``API_KEY``. If Ory does not find the identity, the answer is ``None``, since a wrong server
    would say the same. Takes ``TIMEOUT`` at most; raises nothing.
    Follows https://www.ory.com/docs/reference/api#operation/getIdentity.
    """
    if conf.admin_url == conf.sdk_url and not conf.api_key:
        return None
    key = conf.admin_url, identity_id, address
    with _lock, suppress(KeyError):
        return _answers[key]
    answer = _ask(identity_id, address, conf)
    with _lock:
        _answers[key] = answer
    return answer


def _ask(identity_id: UUID, address: str, conf: Conf) -> datetime | None:
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
        if any(is_same_text(text, address) for text in _texts(identity)):
            return None
        return read_last_change(identity)
    except Exception:  # no answer, or one that is not an identity
        return None


def _texts(value: Any) -> Iterator[str]:
    """Every text in it, whatever the schema calls the field."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def forget() -> None:
    """Start anew, as a forked process does."""
    global _answers, _lock
    _answers, _lock = TTLCache(1000, SECONDS), threading.Lock()


after_fork(forget)
