"""The values that views see: who Ory says this is. Both follow Ory's ``session`` and ``identity`` schemas.

They are read tolerantly: what Ory adds later (a new method, a new AAL) breaks nobody, and what is needed to know
a person (ids, times) has to be right. Nothing here prints a trait. What every request needs (ids, times, the level) is
kept apart as :class:`Facts`, so that a kept answer is parsed only where somebody reads more.
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
    """Authenticator assurance level. Ordered, and equal to Ory's word: ``AAL.AAL2 == "aal2"``."""

    AAL0 = "aal0"
    AAL1 = "aal1"
    AAL2 = "aal2"

    @classmethod
    def read(cls, value: object) -> AAL:
        """Ory's name of a level as a level. An unknown one counts as the lowest."""
        try:
            return cls(str(value))
        except ValueError:
            log(Event.UNKNOWN_ENUM, field="aal")
            return cls.AAL0


UNKNOWN = -1
# A second factor where their level is aal2. A provider (oidc, saml) may vouch for both factors at once.
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
    """One thing that the person did to sign in: ``method`` is Ory's word ("password", "totp", …)."""

    method: str
    aal: AAL
    completed_at: datetime | None


class Facts(NamedTuple):
    """What every request needs of a session, in a form that is packed and compared without reading the whole answer.

    Ids are 16 bytes, times microseconds since 1970, and ``aal`` is the level's number.
    """

    session_id: bytes
    identity_id: bytes
    expires_at: int
    authenticated_at: int
    updated_at: int  # the identity's; UNKNOWN where Ory does not say
    aal: int


class _Answer:
    """The body of an answer, parsed once somebody reads what is not among the facts."""

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
        return isinstance(other, _Answer) and self.body == other.body

    def __hash__(self) -> int:
        return hash(self.body)


@dataclass(frozen=True, repr=False)
class Identity:
    """A person as Ory knows them. ``raw`` is Ory's JSON, parsed anew at each reading."""

    __slots__ = ("_answer", "_facts")
    _facts: Facts
    _answer: _Answer

    @property
    def id(self) -> UUID:
        return UUID(bytes=self._facts.identity_id)

    @property
    def updated_at(self) -> datetime | None:
        """When the identity was changed last, or one of its addresses was verified."""
        return None if self._facts.updated_at == UNKNOWN else _at(self._facts.updated_at)

    @property
    def schema_id(self) -> str:
        return str(self._answer.identity.get("schema_id") or "")

    @property
    def state(self) -> str:
        return str(self._answer.identity.get("state") or "active")

    @property
    def traits(self) -> Mapping[str, Any]:
        """A read-only ``dict``; so is what is in it. ``copy.deepcopy`` makes one that you can change."""
        return _object(self._answer.identity.get("traits") or ReadOnlyDict())

    @property
    def metadata_public(self) -> Any:
        """Any JSON, read-only as ``traits`` are."""
        return self._answer.identity.get("metadata_public")

    @property
    def verifiable_addresses(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(_object(address) for address in self._answer.identity.get("verifiable_addresses") or ())

    @property
    def organization_id(self) -> UUID | None:
        organization = self._answer.identity.get("organization_id")
        return UUID(organization) if organization else None

    @property
    def raw(self) -> dict[str, Any]:
        return dict(json.loads(self._answer.body)["identity"])

    def verified_emails(self) -> list[str]:
        """The e-mail addresses that Ory has verified."""
        verified = (a for a in self.verifiable_addresses if a.get("via") == "email" and a.get("verified") is True)
        return [a["value"] for a in verified if isinstance(a.get("value"), str)]

    def __reduce__(self) -> tuple[Callable[..., Identity], tuple[bytes, int]]:
        return _restore_identity, (self._answer.body, self._facts.aal)

    def __repr__(self) -> str:
        return f"Identity(id={self.id!r}, schema_id={self.schema_id!r}, state={self.state!r})"


@dataclass(frozen=True, repr=False)
class OrySession:
    """A session that Ory answers for. Times are aware; ``raw`` is Ory's JSON, parsed anew at each reading."""

    __slots__ = ("_answer", "_facts")
    _facts: Facts
    _answer: _Answer

    @property
    def id(self) -> UUID:
        return UUID(bytes=self._facts.session_id)

    @property
    def identity(self) -> Identity:
        return Identity(self._facts, self._answer)

    @property
    def aal(self) -> AAL:
        return _LEVELS[self._facts.aal]

    @property
    def authenticated_at(self) -> datetime:
        return _at(self._facts.authenticated_at)

    @property
    def expires_at(self) -> datetime:
        return _at(self._facts.expires_at)

    @property
    def issued_at(self) -> datetime | None:
        return _optional_time(self._answer.session.get("issued_at"))

    @property
    def authentication_methods(self) -> tuple[AuthenticationMethod, ...]:
        return tuple(_method(m) for m in self._answer.session.get("authentication_methods") or ())

    @property
    def active(self) -> bool:
        return _flag(self._answer.session["active"])

    @property
    def raw(self) -> dict[str, Any]:
        return dict(json.loads(self._answer.body))

    @property
    def facts(self) -> Facts:
        """What a cache keeps beside the body."""
        return self._facts

    @property
    def first_factor_at(self) -> datetime:
        """When the person last proved a first factor.

        Not ``authenticated_at``: newer releases of Kratos move that when a second factor is set up as well.
        """
        methods = self.authentication_methods
        times = [m.completed_at for m in methods if m.aal != AAL.AAL2 or m.method not in SECOND_FACTORS]
        return max((time for time in times if time), default=self.authenticated_at)

    def authenticated_with(self, aal: AAL) -> datetime | None:
        """When a factor of this level was last used, or ``None`` where none was."""
        times = [method.completed_at for method in self.authentication_methods if method.aal == aal]
        return max((time for time in times if time), default=None)

    def at_most(self, aal: AAL) -> OrySession:
        """The same session, vouched for up to this level only."""
        return OrySession(self._facts._replace(aal=min(self._facts.aal, _LEVELS.index(aal))), self._answer)

    def __reduce__(self) -> tuple[Callable[..., OrySession], tuple[bytes, int]]:
        return _restore_session, (self._answer.body, self._facts.aal)

    def __repr__(self) -> str:
        return f"OrySession(id={self.id!r}, identity={self.identity!r}, aal={self.aal.value!r})"

    @classmethod
    def from_json(cls, body: bytes) -> OrySession:
        """Read the body of a whoami answer; raises ``ValueError`` where it is not one, without quoting it."""
        answer = _Answer(body)
        try:
            session = cls(_facts(answer.session), answer)
            identity = session.identity
            # Read once what is read when asked for later, so that nothing in it can fail then.
            _ = session.issued_at, session.authentication_methods, session.active
            _ = identity.traits, identity.verifiable_addresses, identity.organization_id
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"not a session ({type(error).__name__})") from None
        return session

    @classmethod
    def kept(cls, facts: Facts, body: bytes) -> OrySession:
        """A session from a cache: both were taken from a session that :meth:`from_json` has read."""
        return cls(facts, _Answer(body))


def _restore_session(body: bytes, level: int) -> OrySession:
    """A session that was pickled or copied: Ory's JSON, which holds no credential, and up to which level it counts.

    Pickles contain the name of this function.
    """
    return OrySession.from_json(body).at_most(_LEVELS[level])


def _restore_identity(body: bytes, level: int) -> Identity:
    return _restore_session(body, level).identity


def _facts(data: Mapping[str, Any]) -> Facts:
    identity = data["identity"]
    updated_at = read_last_change(identity)
    return Facts(
        session_id=UUID(data["id"]).bytes,
        identity_id=UUID(identity["id"]).bytes,
        expires_at=_microseconds(_time(data["expires_at"])),
        authenticated_at=_microseconds(_time(data["authenticated_at"])),
        updated_at=_microseconds(updated_at) if updated_at else UNKNOWN,
        aal=_LEVELS.index(AAL.read(data.get("authenticator_assurance_level"))),
    )


def read_last_change(identity: Mapping[str, Any]) -> datetime | None:
    """When this JSON of an identity last changed, verified addresses included.

    Ory moves an identity's ``updated_at`` when an address is changed, and not when it is verified.
    """
    verified = [a.get("verified_at") for a in identity.get("verifiable_addresses") or () if a.get("verified") is True]
    times = [_optional_time(time) for time in (identity.get("updated_at"), *verified)]
    return max((time for time in times if time), default=None)


def _method(data: Mapping[str, Any]) -> AuthenticationMethod:
    return AuthenticationMethod(
        method=str(data.get("method") or ""),
        aal=AAL.read(data.get("aal")),
        completed_at=_optional_time(data.get("completed_at")),
    )


def _time(value: str) -> datetime:
    time = datetime.fromisoformat(value)  # any number of decimals; Python keeps microseconds
    if time.tzinfo is None:
        raise ValueError("a time without its zone")
    return time


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def _at(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _optional_time(value: str | None) -> datetime | None:
    return _time(value) if value else None


def _object(value: object) -> ReadOnlyDict:
    if not isinstance(value, ReadOnlyDict):
        raise TypeError("not an object of JSON")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("not a boolean")
    return value


class OryHttpRequest(HttpRequest):
    """A request behind ``OryMiddleware``, to annotate views with; nothing is ever made of it.

    ``ory_unavailable`` is true in a view under ``ory_optional`` while Ory is down.
    """

    ory_session: OrySession | None
    aory_session: Callable[[], Awaitable[OrySession | None]]
    ory_unavailable: bool
