"""Users to move to Ory, and ``manage.py`` in another process."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import connection

from ory_auth.models import OryIdentity
from tests.support.ory import Ory, send
from tests.support.types import User
from tests.support.users import USERNAME_IS_EMAIL, new_address

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "Sleipnir-8-legs"


def make_users(number: int, **fields: Any) -> list[User]:
    """Users with a password, each with their own address."""
    hashed = make_password(PASSWORD)
    users = []
    for index in range(number):
        address = new_address()
        names: dict[str, str] = {} if USERNAME_IS_EMAIL else {"username": address}
        users.append(User(**{**names, "email": address, "password": hashed, "first_name": f"N{index}", **fields}))
    users = list(User.objects.bulk_create(users))
    if "ORY_TEST_ADMIN_URL" in os.environ:
        _delete_identities(users, os.environ["ORY_TEST_ADMIN_URL"].rstrip("/"))
    return users


def run_import(*arguments: str, exit_status: int = 0, **options: Any) -> str:
    """The output of ``ory_import_users``."""
    return run_command("ory_import_users", *arguments, exit_status=exit_status, **options)


def run_command(name: str, *arguments: str, exit_status: int = 0, **options: Any) -> str:
    out = io.StringIO()
    status: object = 0
    try:
        call_command(name, *arguments, stdout=out, stderr=io.StringIO(), no_color=True, **options)
    except SystemExit as end:
        status = end.code
    assert status == exit_status, out.getvalue()
    return out.getvalue()


def identity_of(user: User, ory: Ory) -> dict[str, Any] | None:
    """The identity that has the user's primary key as ``external_id``."""
    reply = ory.admin("GET", f"/admin/identities/by/external/{user.pk}")
    found: dict[str, Any] | None = reply.json if reply.status == 200 else None
    return found


def can_sign_in(address: str, ory: Ory, password: str = PASSWORD) -> bool:
    flow = ory.public("GET", "/self-service/login/api").json
    body = {"method": "password", "identifier": address, "password": password}
    return ory.public("POST", f"/self-service/login?flow={flow['id']}", body=body).status == 200


def links() -> dict[Any, Any]:
    """Identity → user, by their primary keys."""
    return dict(OryIdentity.objects.values_list("pk", "user_id"))


def _delete_identities(users: list[User], admin_url: str) -> None:
    """A real Ory still has those of earlier tests, whose users had the same primary keys."""
    for user in users:
        found = send("GET", f"{admin_url}/admin/identities/by/external/{user.pk}")
        if found.status == 200:
            send("DELETE", f"{admin_url}/admin/identities/{found.json['id']}")


@contextmanager
def manage_py(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """``manage.py`` in another process, with the database and the Ory of this test."""
    database = {key: value for key, value in connection.settings_dict.items() if key in _DATABASE_KEYS}
    variables = {
        "DJANGO_SETTINGS_MODULE": "tests.support.moving_settings",
        "MOVING_PROJECT": os.environ["DJANGO_SETTINGS_MODULE"],
        "MOVING_DATABASE": json.dumps({**database, "NAME": str(database["NAME"])}),
        "MOVING_ORY_AUTH": json.dumps(settings.ORY_AUTH),
    }
    command = [sys.executable, "manage.py", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **variables}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


_DATABASE_KEYS = {"ENGINE", "NAME", "HOST", "PORT", "USER", "PASSWORD"}
