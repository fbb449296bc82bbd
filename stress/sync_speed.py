"""How long ``ory_sync`` takes, and how much memory it needs.

    ORY_TEST_KRATOS=/usr/local/bin/kratos python -m stress.sync_speed --people 100000

The users are in a new PostgreSQL, which this command starts, as those of Kratos are: see ``stress/kratos.py``. Another
Ory keeps the identities, so use one that is for tests only. The next measurement with it finds them.
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import django
from django.core.management import call_command

from stress.kratos import real_ory
from stress.servers import postgresql
from stress.usage import run_measured

BATCH = 1000  # identities in one request


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stress.sync_speed", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--people", type=int, default=100_000, help="how many identities (default: %(default)s)")
    options = parser.parse_args()
    with postgresql() as server, real_ory(server) as ory:
        server.run("CREATE DATABASE synchronized")
        os.environ.update(ORY_TEST_PUBLIC_URL=ory.public_url, ORY_TEST_ADMIN_URL=ory.admin_url)
        os.environ.update(SYNC_PORT=str(server.port), DJANGO_SETTINGS_MODULE="stress.sync_settings")
        django.setup()
        call_command("migrate", verbosity=0)
        number = _create_people(options.people)
        _run("all links are new, as after an import", number)
        _run("everybody is in sync", number)
        changed = _change_names()
        _run(f"{changed:,} names were changed", number)
        _run("dry run", number, "--dry-run")


def _create_people(wanted: int) -> int:
    """Identities at Ory, and a user with a link for each. Returns how many there are."""
    from ory_auth.conf import conf
    from ory_auth.ory.admin_client import AdminClient

    client = AdminClient(conf(), timeout=120)
    existing = _save_links(_all_identities(client))
    created: list[dict[str, Any]] = []
    while existing + len(created) < wanted:
        size = min(BATCH, wanted - existing - len(created))
        people = [{"create": _describe_person(uuid.uuid4().hex)} for _ in range(size)]
        results = client.patch_identities(people)
        created += [
            {"id": result["identity"], **person["create"]} for result, person in zip(results, people, strict=True)
        ]
    return existing + _save_links(iter(created))


def _describe_person(name: str) -> dict[str, Any]:
    traits = {"email": f"{name}@example.org", "name": {"first": "Ada", "last": "Lovelace"}}
    return {"schema_id": "person", "traits": traits}


def _all_identities(client: Any) -> Iterator[dict[str, Any]]:
    page = client.list_identities(500)
    yield from page.identities
    while page.next_token:
        page = client.list_identities(500, page.next_token)
        yield from page.identities


def _save_links(identities: Iterator[dict[str, Any]]) -> int:
    from django.contrib.auth import get_user_model

    from ory_auth.models import OryIdentity

    epoch, number, model = datetime(1970, 1, 1, tzinfo=UTC), 0, get_user_model()
    while batch := list(islice(identities, BATCH)):
        users = model.objects.bulk_create([model(username=data["id"], **_fields(data["traits"])) for data in batch])
        links = [
            OryIdentity(id=data["id"], user=user, updated_at=epoch, authenticated_at=epoch)
            for data, user in zip(batch, users, strict=True)
        ]
        number += len(OryIdentity.objects.bulk_create(links))
    return number


def _fields(traits: dict[str, Any]) -> dict[str, str]:
    name = traits.get("name") or {}
    return {"email": traits["email"], "first_name": name.get("first", ""), "last_name": name.get("last", "")}


def _change_names() -> int:
    """One user in a hundred has a name that is not the one at Ory."""
    from django.contrib.auth import get_user_model
    from django.db.models import F
    from django.db.models.functions import Mod

    users = get_user_model().objects.annotate(place=Mod(F("pk"), 100)).filter(place=0)
    return int(users.update(first_name="Eve"))


def _run(name: str, number: int, *arguments: str) -> None:
    command = [sys.executable, "-m", "django", "ory_sync", "--verbosity", "0", *arguments]
    usage = run_measured(command, os.environ)
    print(f"{name}: {usage}, {number / usage.seconds:,.0f} identities per second", flush=True)


if __name__ == "__main__":
    main()
