"""``manage.py ory_sync``: compare all identities at Ory with the users of this site."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ory_auth.exceptions import OryAuthError, OryUnavailable
from ory_auth.management.arguments import positive
from ory_auth.management.output import AGAIN, count
from ory_auth.management.progress import Progress, format_seconds
from ory_auth.management.stopping import stop_on_signals
from ory_auth.ory.admin_client import MAX_PAGE_SIZE
from ory_auth.synchronization import Drift, Summary, synchronize

POLICY = "'deactivate' (default), 'keep', or the dotted path of a function"


class Command(BaseCommand):
    help = (
        "Compares all identities at Ory with the users of this site, and updates the users: their fields, groups and "
        "whether they are active. Never deletes a row. An interrupted run goes on if you run it again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Change nothing, and print what differs.")
        parser.add_argument(
            "--inactive",
            default="deactivate",
            metavar="WHAT",
            help=f"What becomes of users whose identity was deactivated at Ory: {POLICY} f(user, identity).",
        )
        parser.add_argument(
            "--deleted",
            default="deactivate",
            metavar="WHAT",
            help=f"What becomes of users whose identity was deleted at Ory: {POLICY} f(user, identity_id).",
        )
        parser.add_argument("--create", action="store_true", help="Create users for people who never signed in here.")
        parser.add_argument(
            "--allow-deletions",
            type=int,
            metavar="N",
            help="Accept that up to N people were deleted at Ory. By default the run stops if more than 10 %% of all "
            "people (and more than 5) are missing.",
        )
        parser.add_argument(
            "--restart", action="store_true", help="Begin with the first page, also after an interrupted run."
        )
        parser.add_argument(
            "--page-size",
            type=positive(int),
            default=MAX_PAGE_SIZE,
            metavar="N",
            help=f"Identities in each call to Ory. The default, {MAX_PAGE_SIZE}, is also the maximum.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        quiet = options["verbosity"] == 0
        with stop_on_signals() as stop, ExitStack() as stack:
            bar = _Bar(self.stderr, stack)
            try:
                summary = synchronize(
                    inactive=options["inactive"],
                    deleted=options["deleted"],
                    create=options["create"],
                    dry_run=options["dry_run"],
                    restart=options["restart"],
                    allow_deletions=options["allow_deletions"],
                    page_size=options["page_size"],
                    on_progress=None if quiet else bar.show,
                    stop=stop,
                )
            except OryUnavailable as error:
                raise CommandError(f"{error} {AGAIN}") from None
            except (OryAuthError, ImproperlyConfigured, ValueError) as error:
                raise CommandError(str(error)) from None
        if not quiet:
            self._print(summary, options)
        if failed := summary.counts[Drift.FAILED]:
            raise CommandError(
                f"{count(failed, 'person', 'people')} could not be synchronized. The log says why (sync_failed)."
            )

    def _print(self, summary: Summary, options: dict[str, Any]) -> None:
        before = f" ({summary.compared_before:,} more before it was interrupted)" if summary.compared_before else ""
        number = count(summary.identities, "identity", "identities")
        self.stdout.write(f"{number} compared in {format_seconds(summary.seconds)}{before}.\n\n")
        rows = [("in sync", f"{summary.in_sync:,}", "")]
        for drift in Drift:
            if people := summary.counts[drift]:
                rows.append((drift.value, f"{people:,}", "  ".join(map(str, summary.examples[drift][:2]))))
        name_width, number_width = (max(len(row[column]) for row in rows) for column in (0, 1))
        for name, amount, examples in rows:
            self.stdout.write(f"  {name:<{name_width}}  {amount:>{number_width}}  {examples}".rstrip())
        self.stdout.write("")
        for people, what in ((summary.created, "created"), (summary.deactivated, "deactivated")):
            if people:
                self.stdout.write(f"{count(people, 'user was', 'users were')} {what}.")
        if summary.dry_run:
            self.stdout.write("Nothing was changed (--dry-run).")
        elif summary.counts[Drift.NEVER_HERE] and not options["create"]:
            self.stdout.write("People who never signed in here have no user yet. To create them, add --create.")


class _Bar:
    """The progress bar, which begins when the synchronization knows how much there is to do."""

    def __init__(self, stream: Any, stack: ExitStack) -> None:
        self._stream, self._stack = stream, stack
        self._progress: Progress | None = None

    def show(self, done: int, total: int | None, note: str) -> None:
        if self._progress is None:
            self._progress = self._stack.enter_context(Progress(self._stream, "Identities", total))
        self._progress.done = done
        self._progress.show(note)
