"""Which calls were carried out here, so that a repeated one changes nothing, and so that ``ory_check`` can tell."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from django.db import Error
from django.db.models import Max

from ..models import OryWebhookCall
from ..users.database import stored_time
from ..users.database_errors import log_database_error

KEEP = timedelta(days=1)  # Ory repeats a call within about two minutes
PRUNE_SECONDS = 60.0  # between two deletions of old rows, in each process

_next_pruning = 0.0  # monotonic


def was_carried_out(key: str, using: str) -> bool:
    return OryWebhookCall.objects.using(using).filter(pk=key).exists()


def remember(kind: str, key: str, using: str) -> bool:
    """Store the call; ``False`` if it is stored already. Call it in the transaction of the effects.

    Another transaction with the same call waits here until this one is over.
    """
    values = {"kind": kind, "received_at": stored_time(datetime.now(UTC), using)}
    is_new: bool = OryWebhookCall.objects.using(using).get_or_create(pk=key, defaults=values)[1]
    return is_new


def remember_if_possible(kind: str, key: str, using: str) -> None:
    """:func:`remember` for a call that must be answered even if the database fails."""
    try:
        remember(kind, key, using)
    except Error as error:
        log_database_error(error, at="webhook")


def prune(using: str) -> None:
    """Delete old rows, at most once a minute. The newest of each kind stays, for ``ory_check``."""
    global _next_pruning
    now = time.monotonic()
    if now < _next_pruning:
        return
    _next_pruning = now + PRUNE_SECONDS
    rows = OryWebhookCall.objects.using(using)
    old = rows.filter(received_at__lt=stored_time(datetime.now(UTC) - KEEP, using))
    if old.exists():
        newest = rows.order_by().values("kind").annotate(at=Max("received_at")).values_list("at", flat=True)
        old.exclude(received_at__in=list(newest)).delete()


def reset() -> None:
    """Prune at the next call."""
    global _next_pruning
    _next_pruning = 0.0
