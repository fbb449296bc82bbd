"""The row of a run: how far it is, so that it can go on after an interruption, and that no other one is under way.

A run holds a lease, which it renews. A process that is killed loses it after ``LEASE_SECONDS``.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, models, transaction

from ..models import OryIdentity, OrySyncRun
from ..users.database import stored_time, writing_alias
from .errors import SyncStopped

LEASE_SECONDS = 120
RESUME_HOURS = 24  # an older run is not continued
KEEP_DAYS = 90
LISTED = "listed"  # instead of a page token: all pages were read, and deletions come next


class RunRecord:
    """The row of this run. Each method that saves something also renews the lease."""

    def __init__(self, row: OrySyncRun, using: str) -> None:
        self._row, self._using = row, using
        self.compared_before = row.identities

    @classmethod
    def start(cls, *, restart: bool) -> RunRecord:
        """Continue the last run if it was interrupted, or begin a new one. Raises :class:`SyncStopped`."""
        using = writing_alias()
        last = OrySyncRun.objects.using(using).order_by("-pk").first()
        now = datetime.now(UTC)
        if last is not None and last.finished_at is None:
            _check_lease(last, now, using)
            is_recent = last.started_at > stored_time(now - timedelta(hours=RESUME_HOURS), using)
            if is_recent and not restart:
                record = cls(last, using)
                record._save(record._lease_end())
                return record
        return cls(_create(last, now, using), using)

    @property
    def started_at(self) -> datetime:
        return self._row.started_at

    @property
    def page_token(self) -> str:
        """Where to go on: ``""`` for the first page."""
        return self._row.page_token

    def save_page(self, next_token: str, identities: int) -> None:
        """A page was carried out."""
        self._row.page_token = next_token
        self._row.pages += 1
        self._row.identities += identities
        self._save(self._lease_end())

    def renew(self) -> None:
        """Renew the lease, if it is time to."""
        left = (self._row.leased_until or self.started_at) - stored_time(datetime.now(UTC), self._using)
        if left < timedelta(seconds=LEASE_SECONDS / 2):
            self._save(self._lease_end())

    def finish(self) -> None:
        """The run is complete."""
        now = datetime.now(UTC)
        self._row.finished_at = stored_time(now, self._using)
        self._save(None)
        old = stored_time(now - timedelta(days=KEEP_DAYS), self._using)
        OrySyncRun.objects.using(self._using).filter(started_at__lt=old).exclude(pk=self._row.pk).delete()

    def release(self) -> None:
        """The run is interrupted. The next one may go on at once."""
        if self._row.finished_at is None:
            self._save(None)

    def _lease_end(self) -> datetime:
        return stored_time(datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS), self._using)

    def _save(self, leased_until: datetime | None) -> None:
        """Save the row, if this run still has the lease: its end is what this run has written last."""
        rows = OrySyncRun.objects.using(self._using).filter(pk=self._row.pk, leased_until=self._row.leased_until)
        values = {name: getattr(self._row, name) for name in ("page_token", "pages", "identities", "finished_at")}
        if not rows.update(**values, leased_until=leased_until):
            raise SyncStopped("Another synchronization has taken over, because this one had stopped responding.")
        self._row.leased_until = leased_until


def _check_lease(last: OrySyncRun, now: datetime, using: str) -> None:
    if last.leased_until is not None and last.leased_until > stored_time(now, using):
        seconds = int((last.leased_until - stored_time(now, using)).total_seconds()) + 1
        raise SyncStopped(
            "Another synchronization is under way. Wait until it is complete. If its process was killed, this one can "
            f"begin in {seconds} seconds."
        )


def _create(last: OrySyncRun | None, now: datetime, using: str) -> OrySyncRun:
    """A new row. Its primary key follows the last one, so that of two processes at once only one succeeds."""
    row = OrySyncRun(
        pk=1 if last is None else last.pk + 1,
        started_at=stored_time(now, using),
        leased_until=stored_time(now + timedelta(seconds=LEASE_SECONDS), using),
    )
    with suppress(IntegrityError), transaction.atomic(using=using):
        row.save(force_insert=True, using=using)
        if last is not None and last.finished_at is None:
            OrySyncRun.objects.using(using).filter(pk=last.pk).delete()  # it will not be continued
        return row
    raise SyncStopped("Another synchronization has begun at the same moment. Wait until it is complete.")


def expected_total(using: str) -> int:
    """About how many identities Ory has: as many as the last complete run has compared, or as this site knows."""
    last = OrySyncRun.objects.using(using).exclude(finished_at=None).aggregate(models.Max("identities"))
    return max(OryIdentity.objects.using(using).filter(deleted_at=None).count(), last["identities__max"] or 0)
