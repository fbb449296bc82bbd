"""Methods of `LocalOry` that create and change identities and sessions directly, without a flow and without HTTP."""

from __future__ import annotations

import threading
from typing import Any, Literal

from ..http.cookies import SessionCookie
from ..model.clock import SECOND
from ..model.identity_changes import add_identity, change_identity, to_admin_json
from ..model.second_factors import backup_codes_config, totp_config
from ..model.session import AuthenticationMethod, Device, Session
from ..model.social import claims_from_traits
from ..model.state import State


class CreatedSession:
    """A session that `create_session` has created: its ID, and its credential as a token and as a cookie."""

    def __init__(self, session: Session, cookie: str) -> None:
        self.id = session.id
        self.token = session.token
        self.cookie = cookie


class DirectAccess:
    """The methods of `LocalOry` for identities and sessions. You may call them from any thread.

    All of them raise `OryError` if the identity or the session does not exist.
    """

    lock: threading.RLock
    state: State

    # ---- identities

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
        social: dict[str, str] | None = None,
        verified: bool = False,
    ) -> dict[str, Any]:
        """Create an identity. Returns its JSON as in the admin API.

        `totp` is a base32 secret of at least 112 bits (otherwise `ValueError`). `lookup_codes` are backup codes.
        `social` links accounts at providers: the ID of a provider → the ID of the account there, its `sub`.
        `verified` marks the e-mail address as verified. Raises `OryError` if the schema refuses the traits, or if the
        login name is taken.
        """
        second_factors: dict[str, dict[str, Any]] = {}
        if totp:
            second_factors["totp"] = totp_config(totp, email or "somebody")
        if lookup_codes:
            second_factors["lookup_secret"] = backup_codes_config(lookup_codes)
        content = {
            "traits": {**({"email": email} if email else {}), **(traits or {})},
            "state": state,
            "metadata_public": metadata_public,
            "credentials": {"password": {"config": {"password": password}}} if password else {},
        }
        with self.lock:
            identity = add_identity(self.state, content)
            for credential_type, config in second_factors.items():
                identity.set_credential_config(credential_type, config, self.state.clock.now())
            for provider, subject in (social or {}).items():
                claims = {**claims_from_traits(identity.traits), "sub": subject}
                identity.link_social_account(self.state.social.add_account(provider, claims), self.state.clock.now())
            if social:
                self.state.update_index(identity)
            if verified:
                self._verify_addresses(identity.id)
            return to_admin_json(self.state, identity)

    def find_identity(self, identifier: str) -> dict[str, Any] | None:
        """The identity with this login name, as in the admin API."""
        with self.lock:
            identity = self.state.find_identity_by_identifier(identifier)
            return to_admin_json(self.state, identity) if identity else None

    def change_identity(
        self, identity_id: str, *, totp: str | None = None, verified: bool = False, **members: Any
    ) -> dict[str, Any]:
        """Change an identity. `members` are those of the admin API: `traits`, `state`, `metadata_public` and so on.

        Members that you do not pass stay as they are. Raises the same errors as `create_identity`.
        """
        with self.lock:
            identity = self.state.get_identity(identity_id)
            if members:
                change_identity(self.state, identity, members)
            if totp:
                config = totp_config(totp, identity.traits.get("email") or "somebody")
                identity.set_credential_config("totp", config, self.state.clock.now())
            if verified:
                self._verify_addresses(identity_id)
            return to_admin_json(self.state, identity)

    def delete_identity(self, identity_id: str) -> None:
        """Delete an identity and its sessions."""
        with self.lock:
            self.state.delete_identity(identity_id)

    def _verify_addresses(self, identity_id: str) -> None:
        for address in self.state.get_identity(identity_id).verifiable_addresses:
            address.mark_verified(self.state.clock.now())

    # ---- sessions

    def create_session(self, identity_id: str, aal: Literal["aal1", "aal2"] = "aal1", age: float = 0) -> CreatedSession:
        """Sign an identity in, `age` seconds ago."""
        with self.lock:
            session = self._new_session(identity_id, aal, age)
            self.state.store_session(session)
            cookie_value = SessionCookie(session.token, session.expires_at).sign(self.state.secret)
            return CreatedSession(session, f"{self.state.config.session_cookie_name}={cookie_value}")

    def preview_session(self, identity_id: str, aal: Literal["aal1", "aal2"] = "aal1") -> dict[str, Any]:
        """The JSON that whoami would send for a new session of this identity. No session is created."""
        with self.lock:
            return self.state.session_json(self._new_session(identity_id, aal, age=0))

    def add_authentication_method(self, session_id: str, name: str = "password") -> None:
        """Add a completed authentication method, such as "totp", to a session. This renews the session."""
        with self.lock:
            session = self.state.get_session(session_id)
            self.state.renew_session(session, AuthenticationMethod(name, self.state.clock.now()))

    def revoke_session(self, session_id: str) -> None:
        """End a session."""
        with self.lock:
            self.state.revoke_session(self.state.get_session(session_id))

    def _new_session(self, identity_id: str, aal: str, age: float) -> Session:
        age_in_nanoseconds = round(age * SECOND)
        began = self.state.clock.now() - age_in_nanoseconds
        expires = self.state.new_session_expiry() - age_in_nanoseconds
        device = Device("127.0.0.1:0", None)
        methods = [AuthenticationMethod("password", began)]
        if aal == "aal2":
            methods.append(AuthenticationMethod("totp", began))
        return Session(self.state.get_identity(identity_id), began, began, expires, methods, [device])
