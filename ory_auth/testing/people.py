"""People of the local Ory, and their sessions."""

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
from ory_auth.local.model.second_factors import totp_code
from ory_auth.signals import user_created
from ory_auth.types import OrySession
from ory_auth.users import provisioning

from . import clients

AAL = Literal["aal1", "aal2"]
NEVER = "1970-01-01T00:00:00Z"


class Person:
    """An identity at the local Ory. Its changes are seen by the next request."""

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
        """The traits as they are now; see :meth:`change`."""
        return dict(self._local.state.get_identity(self._id).traits)

    @property
    def email(self) -> str:
        """The trait ``email``, empty where there is none."""
        return str(self.traits.get("email", ""))

    @cached_property
    def user(self) -> Any:
        """The Django user of this person, made as the first request would make it where there is none yet.

        It is read once: ``user.refresh_from_db()`` shows what requests have changed. Raises
        :class:`~ory_auth.exceptions.NotAdmitted` where the project lets this person have none.
        """
        session = self._local.preview_session(self._id, "aal2" if self.has_second_factor else "aal1")
        facts = {**session, "authenticated_at": NEVER}  # the first request is still the first sign-in
        imagined = OrySession.from_json(json.dumps(facts).encode())
        found = provisioning.load_user(imagined, conf())
        if found.user is None:
            raise NotAdmitted(found.refused or Event.NOT_ADMITTED)
        if found.created:
            news = {"user": found.user, "identity": imagined.identity, "request": HttpRequest()}
            tell = partial(user_created.send, sender=type(found.user), **news)
            transaction.on_commit(tell, using=router.db_for_write(type(found.user)))
        return found.user

    async def auser(self) -> Any:
        """:attr:`user` for coroutines."""
        return await sync_to_async(lambda: self.user)()

    def sign_in(self, client: Any = None, url: str = "", *, aal: AAL = "aal1", age: timedelta | float = 0) -> SignIn:
        """A new session, ``age`` old (a ``timedelta``, or seconds), whose cookie the client gets if there is one.

        ``aal="aal2"`` is a session with a second factor, which the person gets where they had none. ``url`` is the
        live server's, for a browser.
        """
        if aal not in ("aal1", "aal2"):
            raise ValueError("aal has to be 'aal1' or 'aal2'")
        if aal == "aal2":
            self.add_second_factor()
        seconds = age.total_seconds() if isinstance(age, timedelta) else age
        given = self._local.create_session(self._id, aal, age=seconds)
        signed_in = SignIn(self._local, self.identity_id, UUID(given.id), given.token, given.cookie)
        if client is not None:
            clients.give(client, signed_in.cookie, url)
        return signed_in

    @property
    def has_second_factor(self) -> bool:
        """Whether Ory wants a second factor of this person."""
        return self._local.state.get_identity(self._id).has_second_factor

    def add_second_factor(self) -> None:
        """Give this person an authenticator app, where they have none."""
        if not self.has_second_factor:
            self._local.change_identity(self._id, totp=pyotp.random_base32())

    def totp_code(self) -> str:
        """What the authenticator app shows now, by Ory's clock."""
        return totp_code(self._local.state.get_identity(self._id).credential_config("totp"), self._local.clock.now())

    def change(
        self, *, traits: Mapping[str, Any] | None = None, metadata_public: Any = None, verified: bool = False
    ) -> None:
        """Change these traits, and leave the others; replace ``metadata_public``; verify the e-mail address.

        Raises ``ValueError`` for traits that the identity schema refuses.
        """
        members = {
            **({"traits": {**self.traits, **traits}} if traits else {}),
            **({"metadata_public": metadata_public} if metadata_public is not None else {}),
        }
        with told_by_the_schema():
            self._local.change_identity(self._id, verified=verified, **members)

    def deactivate(self) -> None:
        """Ory lets this person in no more."""
        self._local.change_identity(self._id, state="inactive")

    def activate(self) -> None:
        """Undo :meth:`deactivate`."""
        self._local.change_identity(self._id, state="active")

    def delete(self) -> None:
        """Delete the identity and its sessions at Ory; the Django user stays."""
        self._local.delete_identity(self._id)


class SignIn(Person):
    """A person with a session at Ory: who they are, what proves it, and what becomes of it."""

    def __init__(self, local: LocalOry, identity_id: UUID, session_id: UUID, token: str, cookie: str) -> None:
        super().__init__(local, identity_id)
        self.session_id = session_id
        self.token = token
        self.cookie = cookie

    @property
    def headers(self) -> dict[str, str]:
        """What an app sends to prove the session: ``client.get("/api", headers=sign_in.headers)``.

        Send them with a client that has no Ory cookie: the cookie would count, as at Ory.
        """
        return {"Authorization": f"Bearer {self.token}"}

    def step_up(self) -> None:
        """Prove a second factor: from now on this is a session with AAL2."""
        self.add_second_factor()
        self._local.complete_factor(str(self.session_id), "totp")

    def sign_in_again(self) -> None:
        """Prove the password again, which ``max_age`` guards ask for; the session and its cookie stay the same."""
        self._local.complete_factor(str(self.session_id), "password")

    def revoke(self) -> None:
        """End the session at Ory, as signing out elsewhere does; the client still has the cookie."""
        self._local.revoke_session(str(self.session_id))


@contextmanager
def told_by_the_schema() -> Iterator[None]:
    """What the identity schema refuses as a ``ValueError``: it is the caller's own data, so its values are told."""
    try:
        yield
    except OryError as error:
        raise ValueError(
            f"The local Ory does not take this: {error.reason or error.message}. "
            "Its identity schema is set with ory.configure(schema=…)."
        ) from None
