"""Users and identities for tests about users, for each of the test projects."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection

from ory_auth.models import OryIdentity
from tests.support.ory import Person
from tests.support.types import Json, User

USERNAME_IS_EMAIL = User.USERNAME_FIELD == "email"


def make_user(name: str = "old", *, email: str = "", **fields: Any) -> User:
    email = email or f"{name}@example.org"
    named: Json = {} if USERNAME_IS_EMAIL else {"username": name}
    return User.objects.create_user(**named, email=email, password="Sleipnir-8-legs", **fields)


def user_of(person: Person) -> User:
    user: User = OryIdentity.objects.get(pk=person.id).user
    return user


def set_metadata(person: Person, value: object) -> None:
    operation = {"op": "add", "path": "/metadata_public", "value": value}
    reply = person.ory.admin("PATCH", f"/admin/identities/{person.id}", body=[operation])
    assert reply.status == 200, reply.body


def verify_address(person: Person) -> None:
    """Mark the e-mail address as verified, without a change of the identity's ``updated_at``."""
    if person.ory.local:
        person.ory.local.change_identity(person.id, verified=True)
    else:
        person.patch("/verifiable_addresses/0/verified", True)


def new_address() -> str:
    return f"{uuid.uuid4().hex[:12]}@example.org"


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"
