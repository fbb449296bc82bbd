"""The values that views see: a session and its identity, after Ory's ``session`` and ``identity`` schemas.

IDs and times must be valid. Values that Ory adds later (a new method, a new AAL) raise no error. Nothing here prints a
trait. What every request needs (IDs, times, the level) is in a :class:`SessionSummary`, so the JSON of a cached session
is parsed only when code reads more.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

from django.http import HttpRequest

from .events import Event, log

__all__ = ["AAL", "AuthenticationMethod", "Identity", "OryHttpRequest", "OrySession"]


class AAL(StrEnum):
    """Authenticator assurance level: an ordered enum of Ory's words, such as ``AAL.AAL2 == "aal2"``."""

    AAL0 = "aal0"
    AAL1 = "aal1"
    AAL2 = "aal2"

    @classmethod
    def parse(cls, value: object) -> AAL:
        """The level that Ory names. An unknown one counts as the lowest."""
        try:
            return cls(str(value))
        except ValueError:
            log(Event.UNKNOWN_ENUM, field="aal")
            return cls.AAL0


NO_SESSION = bytes(16)  # instead of the ID of the session, in the summary of an identity from the admin API
UNKNOWN = -1  # instead of a time that Ory did not send
# These are second factors if their level is aal2. A provider (oidc, saml) may vouch for both factors at once.
SECOND_FACTORS = frozenset({"totp", "lookup_secret", "webauthn", "code"})
_LEVELS = tuple(AAL)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _refuse_change(self: object, *args: object, **kwargs: object) -> NoReturn:
    raise TypeError("This value is read-only. copy.deepcopy() makes a copy that you can change.")


class ReadOnlyDict(dict[str, Any]):
    """A ``dict`` that refuses changes, so that every JSON encoder takes it. Copies and pickles are ordinary dicts."""

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = _refuse_change
    clear = pop = popitem = setdefault = update = _refuse_change

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return dict, (dict(self),)


class ReadOnlyList(list[Any]):
    """A ``list`` that refuses changes. Copies and pickles of it are ordinary lists."""

    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse_change
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse_change

    def __reduce__(self) -> tuple[type, tuple[list[Any]]]:
        return list, (list(self),)


def _read_only(value: Any) -> Any:
    """The same JSON, read-only at every level."""
    if isinstance(value, dict):
        return ReadOnlyDict({name: _read_only(inner) for name, inner in value.items()})
    if isinstance(value, list):
        return ReadOnlyList(map(_read_only, value))
    return value


@dataclass(frozen=True, slots=True)
class AuthenticationMethod:
    """One factor that the person used to sign in. ``method`` is Ory's word ("password", "totp", …)."""

    method: str
    aal: AAL
    completed_at: datetime | None


class SessionSummary(NamedTuple):
    """What every request needs of a session. It is stored and compared without parsing Ory's JSON.

    IDs are 16 bytes, times are microseconds since 1970, and ``aal`` is the level's number.
    """

    session_id: bytes
    identity_id: bytes
    expires_at: int
    authenticated_at: int
    updated_at: int  # the identity's; may be UNKNOWN
    aal: int


class _Document:
    """Ory's JSON, parsed on first use."""

    __slots__ = ("body", "parsed")

    def __init__(self, body: bytes) -> None:
        self.body, self.parsed = body, None

    @property
    def session(self) -> dict[str, Any]:
        if self.parsed is None:
            self.parsed = _read_only(json.loads(self.body))
        return self.parsed  # type: ignore[return-value]

    @property
    def identity(self) -> dict[str, Any]:
        return self.session["identity"]  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Document) and self.body == other.body

    def __hash__(self) -> int:
        return hash(self.body)


@dataclass(frozen=True, repr=False)
class Identity:
    """A person's account at Ory. ``raw`` is Ory's JSON, parsed each time you read it."""

    __slots__ = ("_document", "_summary")
    _summary: SessionSummary
    _document: _Document

    @property
    def id(self) -> UUID:
        return UUID(bytes=self._summary.identity_id)

    @property
    def updated_at(self) -> datetime | None:
        """When the identity was last changed, or one of its addresses verified."""
        return None if self._summary.updated_at == UNKNOWN else _from_microseconds(self._summary.updated_at)

    @property
    def schema_id(self) -> str:
        return str(self._document.identity.get("schema_id") or "")

    @property
    def state(self) -> str:
        return str(self._document.identity.get("state") or "active")

    @property
    def traits(self) -> Mapping[str, Any]:
        """A ``dict`` that is read-only at every level. ``copy.deepcopy()`` makes one that you can change."""
        return _require_object(self._document.identity.get("traits") or ReadOnlyDict())

    @property
    def metadata_public(self) -> Any:
        """Any JSON, read-only like ``traits``."""
        return self._document.identity.get("metadata_public")

    @property
    def verifiable_addresses(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(_require_object(address) for address in self._document.identity.get("verifiable_addresses") or ())

    @property
    def metadata_admin(self) -> Any:
        """Any JSON, read-only like ``traits``. Only the admin API returns it, so a session's identity has ``None``."""
        return self._document.identity.get("metadata_admin")

    @property
    def external_id(self) -> str | None:
        """The ID that your project has given to the identity."""
        return self._document.identity.get("external_id") or None

    @property
    def created_at(self) -> datetime | None:
        return _parse_optional_time(self._document.identity.get("created_at"))

    @property
    def credential_types(self) -> tuple[str, ...]:
        """Ory's words, such as "password". Only the admin API returns them; a session's identity has none."""
        credentials = self._document.identity.get("credentials") or {}
        return tuple(sorted(name for name in credentials if name != "webauthn" or _may_have_keys(credentials)))

    @property
    def organization_id(self) -> UUID | None:
        organization = self._document.identity.get("organization_id")
        return UUID(organization) if organization else None

    @property
    def raw(self) -> dict[str, Any]:
        return dict(json.loads(self._document.body)["identity"])

    def verified_emails(self) -> list[str]:
        """The e-mail addresses that Ory has verified."""
        verified = (a for a in self.verifiable_addresses if a.get("via") == "email" and a.get("verified") is True)
        return [a["value"] for a in verified if isinstance(a.get("value"), str)]

    @classmethod
    def from_json(cls, body: bytes) -> Identity:
        """Read an identity as the admin API returns it. Raises ``ValueError``, which does not quote it."""
        document = _Document(b'{"identity":' + body + b"}")
        try:
            data = document.identity
            changed_at = read_last_change(data)
            updated_at = _to_microseconds(changed_at) if changed_at else UNKNOWN
            identity = cls(SessionSummary(NO_SESSION, UUID(data["id"]).bytes, 0, 0, updated_at, 0), document)
            # These are parsed on access. Read them once now, so that no later access fails.
            _ = identity.traits, identity.verifiable_addresses, identity.organization_id, identity.created_at
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"not an identity ({type(error).__name__})") from None
        return identity

    def __reduce__(self) -> tuple[Callable[..., Identity], tuple[bytes, int]]:
        return _restore_identity, (self._document.body, self._summary.aal)

    def __repr__(self) -> str:
        return f"Identity(id={self.id!r}, schema_id={self.schema_id!r}, state={self.state!r})"


@dataclass(frozen=True, repr=False)
class OrySession:
    """A valid session at Ory. Times are aware. ``raw`` is Ory's JSON, parsed each time you read it."""

    __slots__ = ("_document", "_summary")
    _summary: SessionSummary
    _document: _Document

    @property
    def id(self) -> UUID:
        return UUID(bytes=self._summary.session_id)

    @property
    def identity(self) -> Identity:
        return Identity(self._summary, self._document)

    @property
    def aal(self) -> AAL:
        return _LEVELS[self._summary.aal]

    @property
    def authenticated_at(self) -> datetime:
        return _from_microseconds(self._summary.authenticated_at)

    @property
    def expires_at(self) -> datetime:
        return _from_microseconds(self._summary.expires_at)

    @property
    def issued_at(self) -> datetime | None:
        return _parse_optional_time(self._document.session.get("issued_at"))

    @property
    def authentication_methods(self) -> tuple[AuthenticationMethod, ...]:
        return tuple(_parse_method(m) for m in self._document.session.get("authentication_methods") or ())

    @property
    def active(self) -> bool:
        return _require_bool(self._document.session["active"])

    @property
    def raw(self) -> dict[str, Any]:
        return dict(json.loads(self._document.body))

    @property
    def summary(self) -> SessionSummary:
        """What caches store beside the body."""
        return self._summary

    @property
    def first_factor_at(self) -> datetime:
        """When a first factor was last used.

        ``authenticated_at`` does not tell: newer releases of Kratos also change it when a second factor is set up.
        """
        methods = self.authentication_methods
        times = [m.completed_at for m in methods if m.aal != AAL.AAL2 or m.method not in SECOND_FACTORS]
        return max((time for time in times if time), default=self.authenticated_at)

    def authenticated_with(self, aal: AAL) -> datetime | None:
        """When a factor of this level was last used; ``None`` if none was."""
        times = [method.completed_at for method in self.authentication_methods if method.aal == aal]
        return max((time for time in times if time), default=None)

    def capped_at(self, aal: AAL) -> OrySession:
        """The same session, whose level is at most ``aal``."""
        return OrySession(self._summary._replace(aal=min(self._summary.aal, _LEVELS.index(aal))), self._document)

    def __reduce__(self) -> tuple[Callable[..., OrySession], tuple[bytes, int]]:
        return _restore_session, (self._document.body, self._summary.aal)

    def __repr__(self) -> str:
        return f"OrySession(id={self.id!r}, identity={self.identity!r}, aal={self.aal.value!r})"

    @classmethod
    def from_json(cls, body: bytes) -> OrySession:
        """Read the body of a whoami response. Raises ``ValueError``, which does not quote it, if it is invalid."""
        document = _Document(body)
        try:
            session = cls(_summarize(document.session), document)
            identity = session.identity
            # These are parsed on access. Read them once now, so that no later access fails.
            _ = session.issued_at, session.authentication_methods, session.active
            _ = identity.traits, identity.verifiable_addresses, identity.organization_id
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"not a session ({type(error).__name__})") from None
        return session

    @classmethod
    def from_cache(cls, summary: SessionSummary, body: bytes) -> OrySession:
        """A cached session. Both values must come from a session that :meth:`from_json` has read."""
        return cls(summary, _Document(body))


def _may_have_keys(credentials: Any) -> bool:
    """Kratos also lists ``webauthn`` for people without security keys: only its configuration has the keys."""
    try:
        config = credentials["webauthn"]["config"]
        return not isinstance(config, dict) or bool(config.get("credentials"))
    except (KeyError, TypeError):
        return True  # Ory was not asked for the configuration


def _restore_session(body: bytes, level: int) -> OrySession:
    """Rebuild a session from a pickle or a copy. Pickles contain the name of this function."""
    return OrySession.from_json(body).capped_at(_LEVELS[level])


def _restore_identity(body: bytes, level: int) -> Identity:
    data = json.loads(body)
    if "id" in data:
        return _restore_session(body, level).identity
    return Identity.from_json(json.dumps(data["identity"]).encode())


def _summarize(data: Mapping[str, Any]) -> SessionSummary:
    identity = data["identity"]
    updated_at = read_last_change(identity)
    return SessionSummary(
        session_id=UUID(data["id"]).bytes,
        identity_id=UUID(identity["id"]).bytes,
        expires_at=_to_microseconds(_parse_time(data["expires_at"])),
        authenticated_at=_to_microseconds(_parse_time(data["authenticated_at"])),
        updated_at=_to_microseconds(updated_at) if updated_at else UNKNOWN,
        aal=_LEVELS.index(AAL.parse(data.get("authenticator_assurance_level"))),
    )


def read_last_change(identity: Mapping[str, Any]) -> datetime | None:
    """When this identity (Ory's JSON) last changed, or one of its addresses was verified.

    Ory does not change ``updated_at`` when an address is verified.
    """
    verified = [a.get("verified_at") for a in identity.get("verifiable_addresses") or () if a.get("verified") is True]
    times = [_parse_optional_time(time) for time in (identity.get("updated_at"), *verified)]
    return max((time for time in times if time), default=None)


def _parse_method(data: Mapping[str, Any]) -> AuthenticationMethod:
    return AuthenticationMethod(
        method=str(data.get("method") or ""),
        aal=AAL.parse(data.get("aal")),
        completed_at=_parse_optional_time(data.get("completed_at")),
    )


def _parse_time(value: str) -> datetime:
    time = datetime.fromisoformat(value)  # any number of decimals; Python keeps microseconds
    if time.tzinfo is None:
        raise ValueError("a time without a time zone")
    return time


def _to_microseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def _from_microseconds(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _parse_optional_time(value: str | None) -> datetime | None:
    return _parse_time(value) if value else None


def _require_object(value: object) -> ReadOnlyDict:
    if not isinstance(value, ReadOnlyDict):
        raise TypeError("not a JSON object")
    return value


def _require_bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("not a boolean")
    return value


class OryHttpRequest(HttpRequest):
    """A request behind ``OryMiddleware``, for type hints only.

    ``ory_unavailable`` is true in a view with ``ory_optional`` while Ory is down. ``actor`` is the staff member who
    impersonates ``user``, or ``None``; ``ory_session`` is then that of the staff member.
    """

    ory_session: OrySession | None
    aory_session: Callable[[], Awaitable[OrySession | None]]
    actor: Any
    aactor: Callable[[], Awaitable[Any]]
    ory_unavailable: bool
