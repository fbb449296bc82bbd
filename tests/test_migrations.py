"""Migrations: nothing is left to migrate, none that was published has changed, and data goes along."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps

import ory_auth
from ory_auth.models import OryIdentity
from tests.support.types import User

ROOT = Path(__file__).parent.parent
FOLDER = Path(ory_auth.__file__).parent / "migrations"
# A published migration is never edited, renamed or taken out; a new one gets a line here when it is published.
PUBLISHED = {
    "0001_initial": "c8e80d5839ada3115a224c84509ab4c937956282afcaabe5961a233c11b1ef8e",
    "0002_user_may_be_deleted": "2d4aef16f42125d0aa53a6b3966e0f5c0eb1c7a488db4daa311220c7937b7066",
    "0003_sign_ins": "cfb744504f9cef9b38a7ea91e7696c3d993148614a6d134a533fc97eed13678d",
    "0004_move_sync_and_impersonate": "d1546dec974dd183b878508044b988d7c50c71add001b5ba67f28a85543031bf",
}
PROJECTS = ["tests.project.settings", "tests.uuid_project.settings", "demo_project.settings"]


def test_every_migration_is_listed() -> None:
    assert {path.stem for path in FOLDER.glob("[0-9]*.py")} == PUBLISHED.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_migration_is_not_changed(name: str) -> None:
    content = (FOLDER / f"{name}.py").read_text().encode()
    assert hashlib.sha256(content).hexdigest() == PUBLISHED[name], "undo the change, and make a new migration"


@pytest.mark.parametrize("settings", PROJECTS)
def test_no_migration_is_missing(settings: str) -> None:
    pytest.importorskip("environ" if settings.startswith("demo") else "django")
    command = [sys.executable, "-m", "django", "makemigrations", "ory_auth", "--check", "--dry-run"]
    done = subprocess.run([*command, f"--settings={settings}"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "No changes detected in app 'ory_auth'"), done.stderr


def migrate(name: str | None) -> StateApps:
    """Bring the app to a migration (``None``: to before the first), and give its models as they were then."""
    executor = MigrationExecutor(connection)
    executor.migrate([("ory_auth", name)])
    return MigrationExecutor(connection).loader.project_state([("ory_auth", name)] if name else []).apps


@pytest.mark.django_db(transaction=True)
def test_data_of_the_first_release_survives_all_migrations() -> None:
    user = User.objects.create(
        email="ada@example.org", **({} if User.USERNAME_FIELD == "email" else {"username": "ada"})
    )
    key, moment = uuid.uuid4(), datetime(2026, 11, 23, 10, tzinfo=UTC)
    try:
        migrate(None)
        first = migrate("0001_initial").get_model("ory_auth", "OryIdentity")
        first.objects.create(id=key, user_id=user.pk, updated_at=moment, authenticated_at=moment)
    finally:
        migrate(max(PUBLISHED))
    identity = OryIdentity.objects.get(pk=key)
    assert (identity.user, identity.updated_at, identity.authenticated_at) == (user, moment, moment)
