"""Exactly one credential of a request, chosen as Kratos does, and the hash that stands for it everywhere else.

Order: ``X-Session-Token``, the session cookie, ``Authorization: Bearer ory_st_…``. The first that is present and not
empty is *the* credential. Follows https://www.ory.com/docs/kratos/session-management/overview.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b

from django.conf import settings

from .events import Event, log

MAX_BYTES = 8 * 1024
FORMAT = b"1"  # of cache entries: another number makes all older ones misses
TOKEN_PREFIX = "ory_st_"
_SENDABLE = re.compile(r"[\x20-\x7e]+")


class Kind(StrEnum):
    """Where the credential came from, which is also how it is sent on."""

    TOKEN = "token"
    COOKIE = "cookie"
    BEARER = "bearer"

    @property
    def by_header(self) -> bool:
        """Whether a program sent it of its own will: a browser adds cookies unasked, never these headers."""
        return self is not Kind.COOKIE


@dataclass(frozen=True, slots=True)
class Credential:
    """What proves a session to Ory: ``value`` is sent as it stands, and to Ory alone."""

    kind: Kind
    value: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The one header that carries it to Ory."""
        match self.kind:
            case Kind.TOKEN:
                return {"X-Session-Token": self.value}
            case Kind.COOKIE:
                return {"Cookie": self.value}
            case Kind.BEARER:
                return {"Authorization": f"Bearer {self.value}"}

    def key(self, ory_url: str) -> str:
        """The name of its cache entry: a keyed hash over Ory's URL, the kind, the exact bytes and the format."""
        parts = (FORMAT, ory_url.encode(), self.kind.value.encode(), self.value.encode())
        return blake2b(b"\0".join(parts), key=secret(b"cache"), digest_size=20).hexdigest()

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that tell credentials apart in a log and open nothing."""
        return blake2b(self.value.encode(), key=secret(b"log"), digest_size=4).hexdigest()


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something that claims to be a credential and cannot be one: signed out, and nothing else is tried."""

    kind: Kind


def find(meta: Mapping[str, str], cookie_name: str) -> Credential | Malformed | None:
    """The credential of a request, from its WSGI-style headers."""
    candidates = [(kind, value) for kind, value in _candidates(meta, cookie_name) if value]
    if not candidates:
        return None
    if len(candidates) > 1:
        log(Event.MULTI_CREDENTIAL, kinds="+".join(kind for kind, _ in candidates))
    kind, value = candidates[0]
    if len(value) > MAX_BYTES or not _SENDABLE.fullmatch(value):
        log(Event.MALFORMED, kind=kind)
        return Malformed(kind)
    return Credential(kind, value)


def _candidates(meta: Mapping[str, str], cookie_name: str) -> tuple[tuple[Kind, str], ...]:
    return (
        (Kind.TOKEN, meta.get("HTTP_X_SESSION_TOKEN", "").strip(" \t")),
        (Kind.COOKIE, cookie_pairs(meta.get("HTTP_COOKIE", ""), cookie_name)),
        (Kind.BEARER, _bearer(meta.get("HTTP_AUTHORIZATION", ""))),
    )


def cookie_pairs(header: str, name: str) -> str:
    """The pairs of that one exact name, as they came; empty where there is none, or none with a value."""
    if name not in header:
        return ""
    prefix = name + "="
    pairs = [pair for pair in (part.strip(" \t") for part in header.split(";")) if pair.startswith(prefix)]
    return "; ".join(pairs) if any(len(pair) > len(prefix) for pair in pairs) else ""


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    # Anything without Ory's prefix (a JWT, an OAuth2 token, an API key) belongs to somebody else.
    return token if scheme.lower() == "bearer" and token.startswith(TOKEN_PREFIX) else ""


def secret(purpose: bytes) -> bytes:
    """A key for one purpose, derived from ``SECRET_KEY``."""
    return _derived(settings.SECRET_KEY, purpose)


@lru_cache(maxsize=8)
def _derived(secret_key: str | bytes, purpose: bytes) -> bytes:
    secret = secret_key if isinstance(secret_key, bytes) else secret_key.encode()
    return blake2b(b"ory_auth." + purpose + b"\0" + secret).digest()
