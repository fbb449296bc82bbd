"""When ``ory_sync`` has run, and whether it was complete."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from ...models import OrySyncRun
from ...users.database import stored_time, writing_alias
from ..facts.model import Synchronizations


def probe_synchronizations() -> Synchronizations | None:
    """``None`` if there was no run, or if the database does not answer, which another line says."""
    started, using = time.perf_counter(), writing_alias()
    now = stored_time(datetime.now(UTC), using)
    try:
        runs = OrySyncRun.objects.using(using).order_by("-pk")
        last, complete = runs.first(), runs.exclude(finished_at=None).first()
    except Exception:  # of any driver
        return None
    if last is None:
        return None
    is_interrupted = last.finished_at is None and (last.leased_until is None or last.leased_until < now)
    return Synchronizations(
        complete_age=(now - complete.finished_at).total_seconds() if complete and complete.finished_at else None,
        identities=complete.identities if complete else 0,
        interrupted_age=(now - last.started_at).total_seconds() if is_interrupted else None,
        seconds=time.perf_counter() - started,
    )
