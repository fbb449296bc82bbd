"""Deactivating a user because of Ory, and activating them again. ``deactivated_at`` of the link tells who did it.

A user whom the project has deactivated has no ``deactivated_at``, and stays inactive whatever Ory says.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from ..events import Event, log
from ..models import OryIdentity
from ..types import Identity
from .database import stored_time
from .fields import has_field


def reactivate(user: Any, identity: Identity, using: str) -> bool:
    """Activate the user, if the identity is active and this package had deactivated them. Needs a transaction."""
    links = OryIdentity.objects.using(using).filter(pk=identity.id, user=user.pk).exclude(deactivated_at=None)
    if identity.state != "active" or not links.update(deactivated_at=None):
        return False
    if user.is_active or not has_field("is_active"):
        return False
    user.is_active = True
    user.save(update_fields=["is_active"], using=using)
    log(Event.USER_REACTIVATED, identity=str(identity.id), user=str(user.pk))
    return True


def deactivate(user: Any, links: Any, why: str, using: str) -> bool:
    """Deactivate the user, unless ``links`` (a queryset of their link) finds that this is no longer right.

    Returns whether the user was active. Without a field ``is_active``, nothing changes.
    """
    if not has_field("is_active"):
        return False
    with transaction.atomic(using=using):
        now = stored_time(datetime.now(UTC), using)
        if not user.is_active or not links.filter(user=user.pk).update(deactivated_at=now):
            return False
        user.is_active = False
        user.save(update_fields=["is_active"], using=using)
    log(Event.USER_DEACTIVATED, user=str(user.pk), why=why)
    return True
