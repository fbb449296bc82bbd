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
DECISION_ACCURACY = timedelta(minutes=1)
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


def note_decision(flow: str, using: str) -> None:
    """Store, to the minute, when Ory last asked for a decision. Raises nothing: the question must be answered.

    One row for each flow, since visitors can make Ory ask as often as they like.
    """
    kind, now = f"{flow}_decision", datetime.now(UTC)
    values = {"kind": kind, "received_at": stored_time(now, using)}
    rows = OryWebhookCall.objects.using(using).filter(pk=kind)
    try:
        if not rows.filter(received_at__lt=stored_time(now - DECISION_ACCURACY, using)).update(**values):
            rows.get_or_create(pk=kind, defaults=values)
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
