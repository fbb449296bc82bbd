"""Makes people who have been here before, so that nobody's first sign-in is measured.

A process: ``python -m trials.load.people COUNT`` gives the site's database so many users, each with the identity of the
same number at `trials.bench.stand_in` and with a Django session, whose key is ``session_key(number)``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import django
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model

from trials.bench.project import DJANGO_BACKEND
from trials.bench.stand_in import identity_id

BATCH = 5_000
LATER = datetime(2100, 1, 1, tzinfo=UTC)  # nothing that Ory says is news


def session_key(number: int) -> str:
    """The key of the Django session of this person."""
    return f"{number:032d}"


def main() -> None:
    django.setup()
    count = int(sys.argv[1])
    for start in range(0, count, BATCH):
        _make(range(start, min(start + BATCH, count)))


def _make(numbers: range) -> None:
    from django.contrib.sessions.models import Session  # models are there once Django is set up

    from ory_auth.models import OryIdentity

    users = get_user_model()._default_manager.bulk_create(_users(numbers))
    OryIdentity.objects.bulk_create(
        OryIdentity(id=identity_id(number), user=user, updated_at=LATER, authenticated_at=LATER)
        for number, user in zip(numbers, users, strict=True)
    )
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    end = datetime.now(UTC) + timedelta(days=1)
    Session.objects.bulk_create(
        Session(
            session_key=session_key(number),
            session_data=store.encode(
                {
                    SESSION_KEY: str(user.pk),
                    BACKEND_SESSION_KEY: DJANGO_BACKEND,
                    HASH_SESSION_KEY: user.get_session_auth_hash(),
                }
            ),
            expire_date=end,
        )
        for number, user in zip(numbers, users, strict=True)
    )


def _users(numbers: range) -> Iterator[Any]:
    for number in numbers:
        address = f"person-{number}@example.org"
        yield get_user_model()(username=identity_id(number), email=address, first_name="Ada", password="!none")


if __name__ == "__main__":
    main()
