"""What all parts of one synchronization share."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from uuid import UUID

from ..conf import Conf
from ..users.fields import has_field
from ..users.handler import UserHandler
from .listing import Listing
from .options import DEACTIVATE, KEEP, Options
from .run_record import RunRecord
from .summary import Summary

MAX_UNRESOLVED = 10_000  # people; the next run finds the rest


class Stopped(Exception):
    """The caller has asked to stop."""


@dataclass
class Sync:
    """One synchronization. In a dry run, ``listed`` has the IDs in Ory's list that have a link, as bytes."""

    conf: Conf
    handler: UserHandler
    options: Options
    summary: Summary
    using: str
    record: RunRecord | None = None  # None: nothing is saved
    total: int = 0
    listed: set[bytes] = field(default_factory=set)
    unresolved: list[UUID] = field(default_factory=list)
    listing: Listing = field(init=False)

    def __post_init__(self) -> None:
        self.listing = Listing(self.conf, self.options.page_size, self.wait)

    @property
    def follows_inactive(self) -> bool:
        """Whether something is to be done about a user whose identity was deactivated."""
        return self.options.inactive != KEEP and (self.options.inactive != DEACTIVATE or has_field("is_active"))

    def keep_alive(self, note: str = "") -> None:
        """Show the progress, renew the lease, and stop if the caller has asked to."""
        if self.record is not None:
            self.record.renew()
        if self.options.on_progress is not None:
            done = self.summary.compared_before + self.summary.identities
            self.options.on_progress(done, max(self.total, done), note)
        if self.options.stop is not None and self.options.stop.is_set():
            raise Stopped

    def try_again_later(self, identity_id: UUID) -> None:
        """Look at this person again when the other changes are known."""
        if len(self.unresolved) < MAX_UNRESOLVED:
            self.unresolved.append(identity_id)

    def wait(self, seconds: float, why: str) -> None:
        """Sleep, and show why."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.keep_alive(why)
            time.sleep(min(left, 0.5))
