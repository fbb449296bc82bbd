"""The last step of a move: make the Django passwords of the people who are at Ory unusable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.db import transaction

from ..exceptions import OryAuthError
from ..ory.admin_client import AdminClient
from ..users.database import writing_alias
from .hashes import MigrationHook, convert_hash
from .pace import Pace
from .selection import Selection, read_batches

BATCH_SIZE = 200


@dataclass
class Forgotten:
    """How many passwords are unusable now, and how many stay because Ory still needs them."""

    users: int = 0
    needed: int = 0


def forget_passwords(selection: Selection, client: AdminClient, pace: Pace) -> Iterator[Forgotten]:
    """Make the passwords unusable, and yield the numbers of each batch. Sessions of Django end with the password.

    A password that only this site can check stays until its owner has signed in at Ory.
    """
    users = selection.linked().exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX).select_related("ory_identity")
    for batch in read_batches(users, lambda: BATCH_SIZE):
        numbers = Forgotten()
        needed = {user.pk for user in batch if _is_needed(user, client, pace)}
        with transaction.atomic(using=writing_alias()):
            for user in batch:
                if user.pk not in needed:
                    numbers.users += _forget(user)
        numbers.needed = len(needed)
        yield numbers


def _forget(user: Any) -> int:
    """Whether it was done, as 0 or 1: not if the password has changed since it was read."""
    rows = type(user)._default_manager.using(writing_alias()).filter(pk=user.pk, password=user.password)
    return int(rows.update(password=make_password(None)))


def _is_needed(user: Any, client: AdminClient, pace: Pace) -> bool:
    """Whether Ory asks this site for the password at the next sign-in. ``True`` also if Ory does not say."""
    if not isinstance(convert_hash(user.password), MigrationHook):
        return False

    def uses_hook() -> bool:
        identity = client.get_identity(user.ory_identity.pk, include_credentials=["password"])
        password = (identity.get("credentials") or {}).get("password") or {}
        return bool((password.get("config") or {}).get("use_password_migration_hook"))

    answer = pace.call(uses_hook)
    return True if isinstance(answer, OryAuthError) else answer
