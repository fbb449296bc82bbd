"""People and sessions made and changed without walking a flow."""

from __future__ import annotations

import threading
from typing import Any, Literal

from ..http.cookies import SessionCookie
from ..model import identity_json
from ..model.clock import SECOND
from ..model.second_factors import backup_config, totp_config
from ..model.session import Device, Method, Session
from ..model.state import State


class GivenSession:
    """A session made without walking a flow: its id, and its credential in both forms."""

    def __init__(self, session: Session, cookie: str) -> None:
        self.id = session.id
        self.token = session.token
        self.cookie = cookie


class ByHand:
    """What a `LocalOry` lets its owner do to people and sessions. Every method may be called from any thread."""

    lock: threading.RLock
    state: State

    def create_identity(
        self,
        *,
        email: str | None = None,
        password: str | None = None,
        traits: dict[str, Any] | None = None,
        state: str = "active",
        metadata_public: Any = None,
        totp: str | None = None,
        lookup_codes: list[str] | None = None,
        verified: bool = False,
    ) -> dict[str, Any]:
        """Add a person; gives what the admin API would.

        `totp` is a secret in base32 (of 112 bits at least: a ValueError if not), `lookup_codes` are backup codes,
        `verified` is about the e-mail address. Raises `OryError` for traits that the schema refuses and for a login
        name that is taken.
        """
        configs = {
            "password": {"password": password} if password else None,
            "totp": totp_config(totp, email or "somebody") if totp else None,
            "lookup_secret": backup_config(lookup_codes) if lookup_codes else None,
        }
        content = {
            "traits": {**({"email": email} if email else {}), **(traits or {})},
            "state": state,
            "metadata_public": metadata_public,
            "credentials": {kind: {"config": config} for kind, config in configs.items() if config},
        }
        with self.lock:
            identity = identity_json.add_identity(self.state, content)
            for address in identity.verifiable if verified else []:
                address.verify(self.state.clock.now())
            return identity_json.to_admin_json(self.state, identity)

    def find_identity(self, identifier: str) -> dict[str, Any] | None:
        """Whose login name that is, as the admin API shows them."""
        with self.lock:
            identity = self.state.identity_by_identifier(identifier)
            return identity_json.to_admin_json(self.state, identity) if identity else None

    def change_identity(
        self, identity_id: str, *, totp: str | None = None, verified: bool = False, **members: Any
    ) -> dict[str, Any]:
        """Change somebody, by the admin API's names: `traits`, `state`, `metadata_public`, …; what is left out stays.

        Raises `OryError` as `create_identity` does.
        """
        with self.lock:
            identity, now = self.state.identity(identity_id), self.state.clock.now()
            if members:
                identity_json.change_identity(self.state, identity, members)
            if totp:
                identity.set_config("totp", totp_config(totp, identity.traits.get("email") or "somebody"), now)
            for address in identity.verifiable if verified else []:
                address.verify(now)
            return identity_json.to_admin_json(self.state, identity)

    def delete_identity(self, identity_id: str) -> None:
        """Delete somebody, and their sessions."""
        with self.lock:
            self.state.delete_identity(identity_id)

    def create_session(
        self,
        identity_id: str,
        aal: Literal["aal1", "aal2"] = "aal1",
        via: Literal["token", "cookie"] = "token",
        age: float = 0,
    ) -> GivenSession:
        """Sign somebody in without a flow, `age` seconds ago. Both credentials are given, whatever `via` says."""
        with self.lock:
            session = self._session(identity_id, aal, age)
            self.state.keep_session(session)
            value = SessionCookie(session.token, session.expires_at).sign(self.state.secret)
            return GivenSession(session, f"{self.state.config.session_cookie_name}={value}")

    def imagine_session(self, identity_id: str, aal: Literal["aal1", "aal2"] = "aal1") -> dict[str, Any]:
        """What whoami would say of a session of this person; there is none."""
        with self.lock:
            return self.state.session_json(self._session(identity_id, aal, age=0))

    def _session(self, identity_id: str, aal: str, age: float) -> Session:
        nanoseconds = round(age * SECOND)
        then, end = self.state.clock.now() - nanoseconds, self.state.session_end() - nanoseconds
        methods = [Method("password", then), *([Method("totp", then)] if aal == "aal2" else [])]
        return Session(self.state.identity(identity_id), then, then, end, methods, [Device("127.0.0.1:0", None)])

    def prove(self, session_id: str, method: str = "password") -> None:
        """Let the person of a session prove a factor ("password", "totp", …) now, which renews the session."""
        with self.lock:
            self.state.renew_session(self.state.session(session_id), Method(method, self.state.clock.now()))

    def revoke_session(self, session_id: str) -> None:
        """End a session, whatever cookie or token its person still has."""
        with self.lock:
            self.state.session(session_id).revoked = True
