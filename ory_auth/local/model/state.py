"""The data of one local Ory, in memory."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from .clock import SECOND, Clock
from .config import LOOPBACK_NAMES, Config
from .errors import OryError, not_found
from .flow import Flow
from .identity import Identity
from .identity_index import IdentityIndex
from .mailbox import Mailbox
from .session import AuthenticationMethod, Device, Session
from .social import SocialAccount, SocialAccounts


class State:
    """Identities, sessions, flows and errors. Not thread-safe: hold `LocalOry.lock` while you use it."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = Clock()
        self.secret = secrets.token_bytes(32)
        self.listening_url = self.admin_url = ""
        self.loopback_name = ""  # by which the current request came, if URLs have to follow it
        self.identities: dict[str, Identity] = {}
        self.index = IdentityIndex()
        self.sessions: dict[str, Session] = {}
        self._sessions_by_token: dict[str, Session] = {}
        self.flows: dict[str, Flow] = {}
        self.errors: dict[str, tuple[OryError, int]] = {}
        self.mailbox = Mailbox(self.clock)
        self.social = SocialAccounts()
        self.emit: Callable[[str, dict[str, str]], None] = lambda name, attributes: None  # sends a live event
        self.database_is_up = True
        self.ready_status = 200

    @property
    def public_url(self) -> str:
        """The public URL that responses contain."""
        return self._with_loopback_name(self.own_url)

    @property
    def own_url(self) -> str:
        """The public URL, which names the CSRF cookie. It is the same for all requests."""
        return (self.config.base_url or self.listening_url).rstrip("/")

    @property
    def default_return_url(self) -> str:
        return self._with_loopback_name(self.config.default_return_url)

    @property
    def allowed_return_urls(self) -> tuple[str, ...]:
        configured = self.config.allowed_return_urls
        return (*configured, *map(self._with_loopback_name, configured), f"{self.public_url}/self-service")

    def follow_loopback_name(self, host: str) -> None:
        """Use the name by which this request came in the URLs of its response, if it is one of this machine's."""
        name = urlsplit(f"//{host}").hostname or ""
        may_follow = self.config.follow_loopback_name and not self.config.base_url
        self.loopback_name = name if may_follow and name in LOOPBACK_NAMES else ""

    def _with_loopback_name(self, url: str) -> str:
        parts = urlsplit(url)
        if not self.loopback_name or parts.hostname not in LOOPBACK_NAMES:
            return url
        host = f"[{self.loopback_name}]" if ":" in self.loopback_name else self.loopback_name
        return parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host).geturl()

    @property
    def provider_url(self) -> str:
        """The origin of what the local Ory pretends. Browsers don't reach it through a gateway, as with a real one."""
        has_path = urlsplit(self.public_url).path.strip("/")
        return self.listening_url if has_path else self.public_url

    def ui_url(self, page: str) -> str:
        return f"{self._with_loopback_name(self.config.ui_base)}/{page}"

    def get_identity(self, identity_id: str) -> Identity:
        """Raises `OryError` with status 404 if the identity does not exist."""
        if identity_id not in self.identities:
            raise not_found()
        return self.identities[identity_id]

    def find_identity_by_identifier(self, identifier: str) -> Identity | None:
        """The identity with this login name. Case does not matter."""
        return self.find_identity_by_key("login", identifier.strip().lower())

    def find_identity_by_social_account(self, account: SocialAccount) -> Identity | None:
        """The identity to which this account at a provider is linked."""
        return self.find_identity_by_key("oidc", account.identifier)

    def find_identity_by_key(self, kind: str, value: str) -> Identity | None:
        """The identity that has this key: see `Identity.unique_keys`."""
        owner = self.index.owner((kind, value))
        return None if owner is None else self.identities[owner]

    def find_conflict(self, identity: Identity) -> Identity | None:
        """Another identity that has one of the same login names, social accounts or addresses, or the same ID."""
        owner = self.index.other_owner(identity.id, identity.unique_keys)
        return None if owner is None else self.identities[owner]

    def has_conflict(self, identity: Identity) -> bool:
        accounts = identity.social_identifiers
        return len(accounts) > len(set(accounts)) or self.find_conflict(identity) is not None

    def save(self, identity: Identity) -> None:
        """Add an identity. If its ID exists, change that object in place, because sessions and flows refer to it.

        Raises `OryError` with status 409 if a login name, a social account, an address or the `external_id` is taken.
        """
        if self.has_conflict(identity):
            new = identity.id not in self.identities
            raise OryError(409, reason="another identity has the same login name or external_id" if new else "")
        stored = self.identities.setdefault(identity.id, identity)
        if stored is identity:
            self.index.put(identity.id, identity.unique_keys)
            self.emit("IdentityCreated", {"IdentityID": identity.id})
        else:
            vars(stored).update(vars(identity))
            self.update_index(stored)

    def update_index(self, identity: Identity) -> None:
        """Note a change of a stored identity that was made in place, for example by linking a social account."""
        self.index.put(identity.id, identity.unique_keys)
        self.emit("IdentityUpdated", {"IdentityID": identity.id})

    def delete_identity(self, identity_id: str) -> None:
        del self.identities[self.get_identity(identity_id).id]
        self.index.remove(identity_id)
        self.emit("IdentityDeleted", {"IdentityID": identity_id})
        for session in list(self.sessions_of(identity_id)):
            self.delete_session(session)
        for flow in self.flows.values():
            flow.challenges.forget(identity_id)

    def sessions_of(self, identity_id: str) -> Iterator[Session]:
        """The sessions of an identity, the latest first."""
        return (session for session in reversed(self.sessions.values()) if session.identity.id == identity_id)

    def get_session(self, session_id: str) -> Session:
        """Raises `OryError`: status 400 if the ID is not a UUID, 404 if the session does not exist."""
        try:
            uuid.UUID(session_id)
        except ValueError:
            raise OryError(400, message="the session id is not a UUID") from None
        if session_id not in self.sessions:
            raise not_found()
        return self.sessions[session_id]

    def find_session_by_token(self, token: str) -> Session | None:
        """The active session with this token. `None` if the database is down, as with Kratos."""
        if not self.database_is_up:
            return None
        session = self._sessions_by_token.get(token)
        return session if session and session.is_active(self.clock.now()) else None

    def add_session(self, identity: Identity, methods: list[AuthenticationMethod], device: Device) -> Session:
        session = self.new_session(identity, methods, device)
        self.store_session(session)
        return session

    def new_session(self, identity: Identity, methods: list[AuthenticationMethod], device: Device) -> Session:
        """A session that begins now, and is not stored yet."""
        now = self.clock.now()
        return Session(identity, now, now, self.new_session_expiry(), methods, [device])

    def store_session(self, session: Session) -> None:
        self.sessions[session.id] = self._sessions_by_token[session.token] = session
        self.emit("SessionIssued", {"SessionID": session.id, "IdentityID": session.identity.id})

    def revoke_session(self, session: Session) -> None:
        if not session.revoked:
            session.revoked = True
            self.emit("SessionRevoked", {"SessionID": session.id, "IdentityID": session.identity.id})

    def delete_session(self, session: Session) -> None:
        self.revoke_session(session)
        del self.sessions[session.id], self._sessions_by_token[session.token]

    def renew_session(self, session: Session, method: AuthenticationMethod) -> None:
        """Add a method that the person has just completed, and restart the lifespan."""
        session.methods.append(method)
        session.renew(self.clock.now(), self.new_session_expiry())

    def new_session_expiry(self) -> int:
        """The expiry of a session that begins now."""
        return self.clock.now() + int(self.config.session_lifespan * SECOND)

    def store_error(self, error: OryError) -> str:
        """Store an error for the error page. Returns its ID."""
        error_id = str(uuid.uuid4())
        self.errors[error_id] = (error, self.clock.now())
        return error_id

    def session_json(
        self, session: Session, extra_device: Device | None = None, identity: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The whole session, as whoami and completed flows show it. A web hook may have changed the `identity`."""
        devices = [*session.devices, *([extra_device] if extra_device else [])]
        content = session.to_json(
            self.clock.now(),
            identity=identity or session.identity.to_json(self.public_url),
            devices=[device.to_json() for device in devices],
        )
        return {**content, "active": content["active"] and content["identity"]["state"] == "active"}
