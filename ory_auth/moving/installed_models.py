"""The rows that other packages store about users. Their models are found by label, and never imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.db import router


def find_model(label: str, package: str) -> Any:
    """The model with this label if that package defines it, else ``None``.

    A label is ambiguous: a project may have an app "account" that has nothing to do with django-allauth.
    """
    try:
        model = apps.get_model(label)
    except LookupError:
        return None
    return model if model.__module__.partition(".")[0] == package else None


def rows_by_user(label: str, package: str, users: Sequence[Any]) -> dict[Any, list[Any]]:
    """The rows of each of these users, by the user's primary key, in the order of their creation. One query at most."""
    model = find_model(label, package)
    if model is None or not users:
        return {}
    rows: dict[Any, list[Any]] = {}
    found = model._base_manager.using(router.db_for_read(model)).filter(user__in=[user.pk for user in users])
    for row in found.order_by("pk"):
        rows.setdefault(row.user_id, []).append(row)
    return rows
