"""One synchronization, from the first page to the last conflict."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Event as ThreadEvent
from uuid import UUID

from django.db import Error

from ..conf import Conf, conf
from ..events import Event, log
from ..models import OryIdentity
from ..ory.admin_client import MAX_PAGE_SIZE, require_admin_access
from ..users.database import writing_alias
from ..users.handler import import_handler_class
from .conflicts import resolve_conflicts
from .context import Stopped, Sync
from .deletions import sync_deletions
from .errors import SyncStopped
from .listing import check_server
from .options import DEACTIVATE, OnProgress, Options, Policy, read_policy
from .page import sync_page
from .run_record import LISTED, RunRecord, expected_total
from .summary import Summary

SERVER_SAMPLE = 100  # identities of which Ory must know at least one


def synchronize(
    *,
    inactive: Policy = DEACTIVATE,
    deleted: Policy = DEACTIVATE,
    create: bool = False,
    dry_run: bool = False,
    restart: bool = False,
    allow_deletions: int | None = None,
    page_size: int = MAX_PAGE_SIZE,
    on_progress: OnProgress | None = None,
    stop: ThreadEvent | None = None,
) -> Summary:
    """Compare all identities at Ory with the users of this site, and let the users follow. For periodic tasks.

    :param inactive: what becomes of an active user whose identity was deactivated at Ory. ``"deactivate"``, ``"keep"``,
        or a function ``f(user, identity)``.
    :param deleted: the same for a deleted identity. The function is ``f(user, identity_id)``. Rows are never deleted.
    :param create: create users for identities that have never signed in here.
    :param dry_run: change nothing, and report what differs.
    :param restart: begin with the first page, also if the last run was interrupted.
    :param allow_deletions: how many people may have been deleted at Ory. By default at most 10 % of them, or 5.
    :param page_size: identities in each call to Ory, at most 500.
    :param on_progress: called with the number of identities done, about how many there are, and a note.
    :param stop: the run stops soon after this is set.

    Raises :class:`SyncStopped` if another run is under way, if more people than allowed are missing at Ory, or if
    ``stop`` was set; :class:`~ory_auth.exceptions.OryUnavailable` if Ory does not answer. The next run then goes on at
    the same place. Raises ``ValueError`` if an argument is wrong, and ``ImproperlyConfigured`` without access to Ory's
    admin API.

    Follows https://www.ory.com/docs/reference/api#operation/listIdentities.
    """
    options = Options(
        inactive=read_policy("inactive", inactive),
        deleted=read_policy("deleted", deleted),
        create=create,
        dry_run=dry_run,
        restart=restart,
        allow_deletions=allow_deletions,
        page_size=min(max(page_size, 1), MAX_PAGE_SIZE),
        on_progress=on_progress,
        stop=stop,
    )
    current = conf()
    require_admin_access(current)
    return _Run(options, current).run()


class _Run:
    def __init__(self, options: Options, current: Conf) -> None:
        using, handler = writing_alias(), import_handler_class(current.user_handler)(current)
        self._sync = Sync(current, handler, options, Summary(dry_run=options.dry_run), using)

    def run(self) -> Summary:
        sync, begun = self._sync, time.monotonic()
        if not sync.options.dry_run:
            sync.record = RunRecord.start(restart=sync.options.restart)
            sync.summary.compared_before = sync.record.compared_before
        try:
            self._steps()
        except Stopped:
            stopped = True
        else:
            stopped = False
        finally:
            if sync.record is not None:
                with suppress(Error, SyncStopped):  # the first error is the one to report
                    sync.record.release()
        if stopped:
            raise SyncStopped("The synchronization was stopped. Run it again to go on at the same place.")
        sync.summary.seconds = time.monotonic() - begun
        self._log()
        return sync.summary

    def _steps(self) -> None:
        sync = self._sync
        sync.total = expected_total(sync.using)
        if sync.options.allow_deletions is None:
            check_server(sync.listing, self._some_identities())
        self._pages()
        sync_deletions(sync)
        resolve_conflicts(sync)
        if sync.record is not None:
            sync.record.finish()

    def _some_identities(self) -> list[UUID]:
        links = OryIdentity.objects.using(self._sync.using).filter(deleted_at=None)
        return list(links.order_by("-authenticated_at").values_list("pk", flat=True)[:SERVER_SAMPLE])

    def _pages(self) -> None:
        sync, token = self._sync, "" if self._sync.record is None else self._sync.record.page_token
        if token == LISTED:
            return
        for page in sync.listing.pages(token):
            sync_page(page, sync)
            if sync.record is not None:
                sync.record.save_page(page.next_token or LISTED, len(page.identities) + page.unreadable)
            sync.keep_alive()

    def _log(self) -> None:
        summary = self._sync.summary
        if not summary.dry_run:
            counts = {drift.name.lower(): number for drift, number in summary.counts.items()}
            seconds = round(summary.seconds, 1)
            log(Event.SYNCHRONIZED, identities=summary.identities, in_sync=summary.in_sync, **counts, seconds=seconds)
