"""What sign-ins and pages need of the admin API: an identity's addresses, its credentials, and its deletion.

The admin API returns secrets. What leaves this module are times, numbers and the names of providers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cachetools import TTLCache

from ..conf import Conf
from ..exceptions import NotFound
from ..process.forks import after_fork
from ..types import read_last_change
from .admin_client import admin_client_of, has_admin_access
from .same_text import is_same_text

CACHE_SECONDS = 60  # so that a person who is refused does not cause a call at each request
PAUSE_SECONDS = 60  # without credential facts after a failure, so that pages do not wait for an admin API that is down

_results: TTLCache[tuple[str, UUID, str], datetime | None] = TTLCache(1000, CACHE_SECONDS)
_lock = threading.Lock()
_paused_until = 0.0  # monotonic


@dataclass(frozen=True, slots=True)
class CredentialFacts:
    """What only the admin API says about an identity's credentials. Anything is ``None`` or empty if not known."""

    password_changed_at: datetime | None
    authenticator_app_added_at: datetime | None
    backup_codes_created_at: datetime | None
    backup_codes_used_at: tuple[datetime, ...]
    backup_codes_left: int | None
    providers: tuple[str, ...]


def last_change_if_without_address(address: str, identity_id: UUID, conf: Conf) -> datetime | None:
    """When this identity last changed, if it does not have this address, verified or not.

    ``None`` if it has the address, or if that is not known. Compare the time with the state that you know: an older
    state of the identity proves nothing.

    Needs ``ADMIN_URL`` or ``API_KEY``. If Ory does not find the identity, the result is ``None``, because a wrong
    server would say the same. Takes ``TIMEOUT`` at most. Raises nothing.
    Follows https://www.ory.com/docs/reference/api#operation/getIdentity.
    """
    if not has_admin_access(conf):
        return None
    key = conf.admin_url, identity_id, address
    with _lock, suppress(KeyError):
        return _results[key]
    result = _fetch(identity_id, address, conf)
    with _lock:
        _results[key] = result
    return result


def _fetch(identity_id: UUID, address: str, conf: Conf) -> datetime | None:
    try:
        identity = admin_client_of(conf).get_identity(identity_id)
        if UUID(identity["id"]) != identity_id:
            return None
        if any(is_same_text(text, address) for text in _walk_texts(identity)):
            return None
        return read_last_change(identity)
    except Exception:  # no response, or one that is not an identity
        return None


def fetch_credential_facts(identity_id: UUID, conf: Conf) -> CredentialFacts | None:
    """What the admin API says about the credentials of an identity, or ``None`` if it cannot be asked. Raises nothing.

    The response contains backup codes, so no error with its frames leaves this function.
    Follows https://www.ory.com/docs/reference/api#operation/getIdentity.
    """
    global _paused_until
    if not has_admin_access(conf) or time.monotonic() < _paused_until:
        return None
    try:
        identity = admin_client_of(conf).get_identity(identity_id, include_credentials=["lookup_secret"])
        return _read_credential_facts(identity, identity_id)
    except Exception:  # noqa: S110  (no response, or one that is not an identity: the pages do without)
        pass
    _paused_until = time.monotonic() + PAUSE_SECONDS
    return None


def _read_credential_facts(identity: Any, identity_id: UUID) -> CredentialFacts:
    if UUID(identity["id"]) != identity_id:
        raise ValueError("another identity")
    credentials = identity.get("credentials") or {}
    password, app = credentials.get("password") or {}, credentials.get("totp") or {}
    backup, social = credentials.get("lookup_secret") or {}, credentials.get("oidc") or {}
    codes = (backup.get("config") or {}).get("recovery_codes")
    uses = [_read_time(code.get("used_at")) for code in codes or ()]
    created_at, updated_at = _read_time(password.get("created_at")), _read_time(password.get("updated_at"))
    return CredentialFacts(
        # Ory lists a password that was never set; then both times are the same.
        password_changed_at=updated_at if created_at and updated_at and updated_at > created_at else None,
        authenticator_app_added_at=_read_time(app.get("created_at")),
        backup_codes_created_at=_read_time(backup.get("created_at")),
        backup_codes_used_at=tuple(time for time in uses if time),
        backup_codes_left=None if codes is None else uses.count(None),
        providers=tuple(str(name).partition(":")[0] for name in social.get("identifiers") or ()),
    )


def _read_time(value: object) -> datetime | None:
    time = datetime.fromisoformat(value) if isinstance(value, str) and value else None
    return time if time is not None and time.tzinfo is not None and time.year > 1 else None


def delete_identity(identity_id: UUID, conf: Conf) -> bool:
    """Delete an identity with its sessions. ``False`` if Ory does not know it.

    Raises :class:`OryUnavailable` if the identity may still exist.
    Follows https://www.ory.com/docs/reference/api#operation/deleteIdentity.
    """
    try:
        admin_client_of(conf).delete_identity(identity_id)
    except NotFound:
        return False
    return True


def has_identity(identity_id: UUID, conf: Conf) -> bool:
    """Whether Ory says that the identity exists. ``False`` also if Ory cannot be asked. Raises nothing.

    Follows https://www.ory.com/docs/reference/api#operation/getIdentity.
    """
    try:
        return UUID(admin_client_of(conf).get_identity(identity_id)["id"]) == identity_id
    except Exception:  # no response, or one that is not an identity
        return False


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
    global _results, _lock, _paused_until
    _results, _lock, _paused_until = TTLCache(1000, CACHE_SECONDS), threading.Lock(), 0.0


after_fork(reset)
