"""Everything that one local Ory knows."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from typing import Any

from .clock import SECOND, Clock
from .config import Config
from .errors import OryError, not_found
from .flow import Flow
from .identity import Identity
from .session import Device, Method, Session


class State:
    """Identities, sessions, flows and errors, in memory. It is not thread-safe: `LocalOry` holds the lock."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = Clock()
        self.secret = secrets.token_bytes(32)
        self.listens_at = self.admin_url = ""
        self.identities: dict[str, Identity] = {}
        self.sessions: dict[str, Session] = {}
        self.flows: dict[str, Flow] = {}
        self.errors: dict[str, tuple[OryError, int]] = {}
        self.database_is_up = True
        self.ready_status = 200

    @property
    def public_url(self) -> str:
        """Where this Ory takes itself to be."""
        return self.config.base_url or self.listens_at

    def ui_url(self, page: str) -> str:
        return f"{self.config.ui_base}/{page}"

    def identity(self, identity_id: str) -> Identity:
        """The identity, or the error 404."""
        if identity_id not in self.identities:
            raise not_found()
        return self.identities[identity_id]

    def identity_by_identifier(self, identifier: str) -> Identity | None:
        """Whose login name that is, in whatever case."""
        wanted = identifier.strip().lower()
        return next((one for one in self.identities.values() if wanted in one.identifiers), None)

    def conflicts(self, identity: Identity) -> bool:
        """Whether another identity has one of its login names, or its `external_id`."""
        return any(
            not set(identity.identifiers).isdisjoint(other.identifiers)
            or (identity.external_id is not None and identity.external_id == other.external_id)
            for other in self.identities.values()
            if other.id != identity.id
        )

    def save(self, identity: Identity) -> None:
        """Add an identity, or let the one of that id become like it: sessions and flows hold on to the object.

        Raises the error 409 for a login name or an `external_id` that is taken.
        """
        if self.conflicts(identity):
            new = identity.id not in self.identities
            raise OryError(409, reason="another identity has the same login name or external_id" if new else "")
        vars(self.identities.setdefault(identity.id, identity)).update(vars(identity))

    def delete_identity(self, identity_id: str) -> None:
        del self.identities[self.identity(identity_id).id]
        for session in list(self.sessions_of(identity_id)):
            del self.sessions[session.id]

    def sessions_of(self, identity_id: str) -> Iterator[Session]:
        """Latest first, as Kratos lists them."""
        return (session for session in reversed(self.sessions.values()) if session.identity.id == identity_id)

    def session(self, session_id: str) -> Session:
        """The session, or the error 404; the error 400 for what is no UUID."""
        try:
            uuid.UUID(session_id)
        except ValueError:
            raise OryError(400, message="the session id is no UUID") from None
        if session_id not in self.sessions:
            raise not_found()
        return self.sessions[session_id]

    def session_by_token(self, token: str) -> Session | None:
        """The session if it is active; nobody's when the database is down, as with Kratos."""
        now = self.clock.now()
        found = (one for one in self.sessions.values() if one.token == token and one.is_active(now))
        return next(found, None) if self.database_is_up else None

    def add_session(self, identity: Identity, methods: list[Method], device: Device) -> Session:
        now = self.clock.now()
        session = Session(identity, now, now, self.session_end(), methods, [device])
        self.keep_session(session)
        return session

    def keep_session(self, session: Session) -> None:
        self.sessions[session.id] = session

    def renew_session(self, session: Session, method: Method) -> None:
        """Its person has proven a factor just now."""
        session.methods.append(method)
        session.begin(self.clock.now(), self.session_end())

    def session_end(self) -> int:
        """When a session that begins now is to end."""
        return self.clock.now() + int(self.config.session_lifespan * SECOND)

    def remember_error(self, error: OryError) -> str:
        """Keep an error for the error page; gives its id."""
        error_id = str(uuid.uuid4())
        self.errors[error_id] = (error, self.clock.now())
        return error_id

    def session_json(self, session: Session, extra_device: Device | None = None) -> dict[str, Any]:
        """The session in full, as whoami and the ends of flows show it."""
        devices = [*session.devices, *([extra_device] if extra_device else [])]
        return session.json(
            self.clock.now(),
            identity=session.identity.json(self.public_url),
            devices=[device.json() for device in devices],
        )
