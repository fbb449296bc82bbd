"""The one credential of a request, and the keyed hash that stands for it in caches and logs.

The order is that of Kratos: ``X-Session-Token``, the session cookie, ``Authorization: Bearer ory_st_…``. The first that
is not empty is *the* credential. Follows https://www.ory.com/docs/kratos/session-management/overview.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest

from django.conf import settings

from ..conf import Conf
from ..events import Event

MAX_BYTES = 8 * 1024
FORMAT = "3"  # of cache entries; a new number invalidates all older entries
TOKEN_PREFIX = "ory_st_"
PRINTABLE = bytes(range(0x20, 0x7F))


class Kind(StrEnum):
    """How the credential was sent to this site, and is sent to Ory."""

    TOKEN = "token"
    COOKIE = "cookie"
    BEARER = "bearer"

    @property
    def by_header(self) -> bool:
        """Whether it came in another header than ``Cookie``. Browsers do not add those by themselves: no CSRF."""
        return self is not Kind.COOKIE


@dataclass(slots=True)  # not frozen, because one is created at every request; never changed
class Credential:
    """The proof of a session. ``value`` is sent unchanged, and to Ory only."""

    kind: Kind
    value: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The header that carries it to Ory."""
        match self.kind:
            case Kind.TOKEN:
                return {"X-Session-Token": self.value}
            case Kind.COOKIE:
                return {"Cookie": self.value}
            case Kind.BEARER:
                return {"Authorization": f"Bearer {self.value}"}

    def key(self, conf: Conf) -> CredentialKey:
        """The key of this credential in caches: its digest and its kind."""
        hashed = f"{FORMAT}\0{conf.sdk_url}\0{conf.cache_namespace}\0{self.value}".encode()
        digest, *older = (_digest(secret_key, hashed) for secret_key in secret_keys())
        return CredentialKey(f"{digest}.{self.kind}", tuple(older))

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that identify the credential in the log. Nobody can sign in with them."""
        fingerprint = make_hasher(b"log", 4)
        fingerprint.update(self.value.encode())
        return fingerprint.hexdigest()


class CredentialKey(str):
    """``<digest>.<kind>``. The digest is a keyed hash of the exact bytes, of Ory's URL and of ``CACHE_NAMESPACE``.

    A token can come in two headers. It then has two keys, and so two cache entries, but only one digest. Records about
    the secret (that it was signed out, or was valid) use the digest, so they count for both.
    """

    __slots__ = ("older_digests",)
    older_digests: tuple[str, ...]  # the digests that the secret had under SECRET_KEY_FALLBACKS

    def __new__(cls, text: str, older_digests: tuple[str, ...] = ()) -> CredentialKey:
        key = super().__new__(cls, text)
        key.older_digests = older_digests
        return key

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)  # pickles as a plain string


def digest_of(key: str) -> str:
    """The part of a key that depends on the secret alone, not on the header."""
    return key.partition(".")[0]


def digests_of(key: str) -> tuple[str, ...]:
    """The digest under ``SECRET_KEY``, then those under ``SECRET_KEY_FALLBACKS``."""
    return digest_of(key), *(key.older_digests if isinstance(key, CredentialKey) else ())


def matches_key(credential: Credential, stored_key: str, conf: Conf) -> bool:
    """Whether a stored key is this credential's, under ``SECRET_KEY`` or one of ``SECRET_KEY_FALLBACKS``.

    Compares in constant time.
    """
    key, stored = credential.key(conf), str(stored_key).encode()
    same = [compare_digest(f"{digest}.{credential.kind}".encode(), stored) for digest in digests_of(key)]
    return any(same)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A credential that cannot be valid. The request is signed out, and no other credential is tried."""

    kind: Kind


EventsToLog = list[tuple[Event, dict[str, str]]]  # each with its facts


def find_credential(
    meta: Mapping[str, str], cookie_name: str, events: EventsToLog | None = None
) -> Credential | Malformed | None:
    """The credential in the headers of a request (``request.META``). Appends what has to be logged to ``events``."""
    events = [] if events is None else events
    candidates = _candidates(meta, cookie_name)
    if not candidates:
        return None
    kind, value = candidates[0]
    if len(candidates) > 1 or "; " in value:
        events += _several_credentials(candidates)
    if len(value) > MAX_BYTES or not value.isascii() or value.encode().translate(None, PRINTABLE):
        events.append((Event.MALFORMED, {"kind": kind}))
        return Malformed(kind)
    return Credential(kind, value)


def _candidates(meta: Mapping[str, str], cookie_name: str) -> list[tuple[Kind, str]]:
    found = []
    if (header := meta.get("HTTP_X_SESSION_TOKEN")) and (value := header.strip(" \t")):
        found.append((Kind.TOKEN, value))
    if (header := meta.get("HTTP_COOKIE")) and (value := cookie_pairs(header, cookie_name)):
        found.append((Kind.COOKIE, value))
    if (header := meta.get("HTTP_AUTHORIZATION")) and (value := _bearer(header)):
        found.append((Kind.BEARER, value))
    return found


def _several_credentials(candidates: list[tuple[Kind, str]]) -> EventsToLog:
    """Two different session cookies are two credentials: a sibling domain may have set one of them."""
    kinds: list[Kind] = []
    for kind, value in candidates:
        twice = kind is Kind.COOKIE and len(set(value.split("; "))) > 1
        kinds += [kind, kind] if twice else [kind]
    return [(Event.MULTI_CREDENTIAL, {"kinds": "+".join(kinds)})] if len(kinds) > 1 else []


def cookie_pairs(header: str, name: str) -> str:
    """The unchanged cookie pairs with exactly this name; ``""`` if none has a value."""
    if name not in header:
        return ""
    prefix = name + "="
    pairs = [pair for part in header.split(";") if (pair := part.strip(" \t")).startswith(prefix)]
    return "" if pairs.count(prefix) == len(pairs) else "; ".join(pairs)


def _bearer(header: str) -> str:
    scheme, _, token = header.strip(" \t").partition(" ")
    # Without Ory's prefix, it is a token of another kind: a JWT, an OAuth2 token, an API key.
    return token if scheme.lower() == "bearer" and token.startswith(TOKEN_PREFIX) else ""


def make_hasher(purpose: bytes, size: int) -> blake2b:
    """A new keyed hash of ``size`` bytes for one purpose. Its key is derived from ``SECRET_KEY``."""
    return _keyed_hash(settings.SECRET_KEY, purpose, size).copy()


def secret_keys() -> list[str | bytes]:
    """``SECRET_KEY`` and then ``SECRET_KEY_FALLBACKS``."""
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def _digest(secret_key: str | bytes, hashed: bytes) -> str:
    digest = _keyed_hash(secret_key, b"cache", 20).copy()
    digest.update(hashed)
    return digest.hexdigest()


@lru_cache(maxsize=32)
def _keyed_hash(secret_key: str | bytes, purpose: bytes, size: int) -> blake2b:
    secret = secret_key if isinstance(secret_key, bytes) else secret_key.encode()
    key = blake2b(b"ory_auth." + purpose + b"\0" + secret).digest()
    return blake2b(key=key, digest_size=size)
