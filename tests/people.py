"""What several tests about users need: users of whichever project is under test, and what is known of them."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection

from ory_auth.models import OryIdentity
from tests.kinds import Json, User
from tests.ories import Person

NAMED_BY_EMAIL = User.USERNAME_FIELD == "email"


def make_user(name: str = "old", *, email: str = "", **fields: Any) -> User:
    email = email or f"{name}@example.org"
    named: Json = {} if NAMED_BY_EMAIL else {"username": name}
    return User.objects.create_user(**named, email=email, password="Sleipnir-8-legs", **fields)


def user_of(person: Person) -> User:
    user: User = OryIdentity.objects.get(pk=person.id).user
    return user


def metadata(person: Person, value: object) -> None:
    operation = {"op": "add", "path": "/metadata_public", "value": value}
    reply = person.ory.admin("PATCH", f"/admin/identities/{person.id}", body=[operation])
    assert reply.status == 200, reply.body


def verify(person: Person) -> None:
    """Let the person prove that the address is theirs; Ory's ``updated_at`` of the identity stays as it is."""
    if person.ory.switches:
        person.ory.switches.change_identity(person.id, verified=True)
    else:
        person.patch("/verifiable_addresses/0/verified", True)


def new_address() -> str:
    return f"{uuid.uuid4().hex[:12]}@example.org"


def on_postgresql() -> bool:
    return connection.vendor == "postgresql"
