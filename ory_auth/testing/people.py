"""People in the local Ory, and their sessions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property, partial
from typing import Any, Literal
from uuid import UUID

import pyotp
from asgiref.sync import sync_to_async
from django.db import router, transaction
from django.http import HttpRequest

from ory_auth.conf import conf
from ory_auth.events import Event
from ory_auth.exceptions import NotAdmitted
from ory_auth.local import LocalOry
from ory_auth.local.model.errors import OryError
from ory_auth.local.model.factors import second_factors
from ory_auth.local.model.second_factors import totp_code
from ory_auth.signals import user_created
from ory_auth.types import OrySession
from ory_auth.users import provisioning

from . import clients

AAL = Literal["aal1", "aal2"]
NEVER = "1970-01-01T00:00:00Z"


class Person:
    """An identity in the local Ory. The next request sees every change."""

    def __init__(self, local: LocalOry, identity_id: UUID) -> None:
        self._local = local
        self.identity_id = identity_id

    def __repr__(self) -> str:
        return f"{type(self).__name__}(identity_id={str(self.identity_id)!r})"

    @property
    def _id(self) -> str:
        return str(self.identity_id)

    @property
    def traits(self) -> dict[str, Any]:
        """The current traits. :meth:`change` changes them."""
        return dict(self._local.state.get_identity(self._id).traits)

    @property
    def email(self) -> str:
        """The trait ``email``, empty if there is none."""
        return str(self.traits.get("email", ""))

    @cached_property
    def user(self) -> Any:
        """The Django user of this person. If there is none yet, it is created as the first request would create it.

        It is read from the database once: call ``user.refresh_from_db()`` to see changes by requests. Raises
        :class:`~ory_auth.exceptions.NotAdmitted` if the project does not admit this person.
        """
        session = self._local.preview_session(self._id, "aal2" if self.has_second_factor else "aal1")
        session["authenticated_at"] = NEVER  # so that the first request still counts as the first sign-in
        ory_session = OrySession.from_json(json.dumps(session).encode())
        result = provisioning.load_user(ory_session, conf())
        if result.user is None:
            raise NotAdmitted(result.refused or Event.NOT_ADMITTED)
        if result.created:
            arguments = {"user": result.user, "identity": ory_session.identity, "request": HttpRequest()}
            send_signal = partial(user_created.send, sender=type(result.user), **arguments)
            transaction.on_commit(send_signal, using=router.db_for_write(type(result.user)))
        return result.user

    async def auser(self) -> Any:
        """:attr:`user` for coroutines."""
        return await sync_to_async(lambda: self.user)()

    def sign_in(self, client: Any = None, url: str = "", *, aal: AAL = "aal1", age: timedelta | float = 0) -> SignIn:
        """Create a session that began ``age`` ago (a ``timedelta``, or seconds), and set its cookie in the client.

        ``aal="aal2"`` is a session with a second factor; a person without one gets one. ``url`` is that of the live
        server; browsers need it.
        """
        if aal not in ("aal1", "aal2"):
            raise ValueError("aal must be 'aal1' or 'aal2'")
        if aal == "aal2":
            self.add_second_factor()
        seconds = age.total_seconds() if isinstance(age, timedelta) else age
        session = self._local.create_session(self._id, aal, age=seconds)
        signed_in = SignIn(self._local, self.identity_id, UUID(session.id), session.token, session.cookie)
        if client is not None:
            clients.set_cookie(client, signed_in.cookie, url)
        return signed_in

    @property
    def has_second_factor(self) -> bool:
        """Whether this person has an authenticator app or backup codes."""
        state = self._local.state
        return bool(second_factors(state.get_identity(self._id), state.config))

    def add_second_factor(self) -> None:
        """Add an authenticator app, if this person has no second factor."""
        if not self.has_second_factor:
            self._local.change_identity(self._id, totp=pyotp.random_base32())

    def totp_code(self) -> str:
        """The current code of the authenticator app, by Ory's clock."""
        return totp_code(self._local.state.get_identity(self._id).credential_config("totp"), self._local.clock.now())

    def change(
        self, *, traits: Mapping[str, Any] | None = None, metadata_public: Any = None, verified: bool = False
    ) -> None:
        """Change these traits (others stay), replace ``metadata_public``, or mark the e-mail address as verified.

        Raises ``ValueError`` if the identity schema refuses the traits.
        """
        members = {
            **({"traits": {**self.traits, **traits}} if traits else {}),
            **({"metadata_public": metadata_public} if metadata_public is not None else {}),
        }
        with schema_errors_as_value_errors():
            self._local.change_identity(self._id, verified=verified, **members)

    def deactivate(self) -> None:
        """Make the identity inactive: the person can no longer sign in."""
        self._local.change_identity(self._id, state="inactive")

    def activate(self) -> None:
        """Undo :meth:`deactivate`."""
        self._local.change_identity(self._id, state="active")

    def delete(self) -> None:
        """Delete the identity and its sessions. The Django user stays."""
        self._local.delete_identity(self._id)


class SignIn(Person):
    """A person with a session: the result of ``ory_login``."""

    def __init__(self, local: LocalOry, identity_id: UUID, session_id: UUID, token: str, cookie: str) -> None:
        super().__init__(local, identity_id)
        self.session_id = session_id
        self.token = token
        self.cookie = cookie

    @property
    def headers(self) -> dict[str, str]:
        """The headers that an app sends: ``client.get("/api", headers=sign_in.headers)``.

        Use a client without an Ory cookie, because the cookie would count instead.
        """
        return {"Authorization": f"Bearer {self.token}"}

    def step_up(self) -> None:
        """Complete a second factor: the session now has AAL2."""
        self.add_second_factor()
        self._local.add_authentication_method(str(self.session_id), "totp")

    def sign_in_again(self) -> None:
        """Enter the password again, as guards with ``max_age`` demand. The session and its cookie stay the same."""
        self._local.add_authentication_method(str(self.session_id), "password")

    def revoke(self) -> None:
        """End the session at Ory, as signing out elsewhere does. The client still has the cookie."""
        self._local.revoke_session(str(self.session_id))


@contextmanager
def schema_errors_as_value_errors() -> Iterator[None]:
    """Raise an error of the identity schema as ``ValueError``. Its text may contain values from the test."""
    try:
        yield
    except OryError as error:
        raise ValueError(
            f"The local Ory refuses this identity: {error.summary}. "
            "To use your own identity schema, call ory.configure(schema=…)."
        ) from None
