"""``manage.py ory_export_users``: create users in this project for the identities at Ory, so that you can move back."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ory_auth.conf import conf
from ory_auth.management.arguments import positive
from ory_auth.management.output import AGAIN, explain_errors, open_report, text_width
from ory_auth.management.progress import NoOutput, Progress
from ory_auth.management.stopping import stop_on_signals
from ory_auth.moving.exporting import Export, Outcome
from ory_auth.moving.pace import Pace
from ory_auth.moving.summary import Notices
from ory_auth.ory.addresses import redact
from ory_auth.ory.admin_client import NO_ADMIN_ACCESS, AdminClient, has_admin_access, uses_ory_network

CALL_SECONDS = 30.0  # for one page
NETWORK_RATE = 20.0  # pages per minute: below the limit of Ory Network's smallest plan


class Command(BaseCommand):
    help = (
        "Creates a user of this project for each identity at Ory that has none, without a password. Users who are "
        "linked already stay as they are. If a run was interrupted, the same command continues it. The exit status is "
        "1 if an identity could not become a user."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Show what would happen. Change nothing.")
        parser.add_argument(
            "--report", type=Path, metavar="CSV", help="Write the identities that did not become users, and why."
        )
        parser.add_argument(
            "--rate",
            type=positive(float),
            metavar="N",
            help=f"Calls per minute at most. The default is {NETWORK_RATE:g} at Ory Network, and no limit at Kratos.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        settings = conf()
        if not has_admin_access(settings):
            raise CommandError(NO_ADMIN_ACCESS)
        say = self.stdout.write if options["verbosity"] else NoOutput().write
        say(f"Ory's admin API is {redact(settings.admin_url)}.")
        client = AdminClient(settings, timeout=CALL_SECONDS)
        rate = options["rate"] or (NETWORK_RATE if uses_ory_network(settings) else None)
        numbers: Counter[Outcome] = Counter()
        refusals = Notices("Identities")
        with stop_on_signals() as stop, open_report(options["report"]) as report, explain_errors():
            export = Export(client, settings, Pace(stop, per_minute=rate), stop, dry_run=options["dry_run"])
            with Progress(self.stderr if options["verbosity"] else NoOutput(), "Identities", None) as bar:
                for page in export.run():
                    for exported in page:
                        numbers[exported.outcome] += 1
                        if exported.notice is not None:
                            refusals.add(exported.notice, str(exported.identity_id))
                            report.add(exported.notice, identity_id=exported.identity_id)
                    report.flush()
                    bar.advance(len(page))
        for outcome in Outcome:
            if numbers[outcome] or outcome is Outcome.CREATED:
                say(f"  {numbers[outcome]:>7,}  {outcome.value}")
        for line in refusals.lines("Without a user", text_width(self.stdout)):
            say(line)
        if options["dry_run"]:
            say("\nThis was a dry run: nothing was changed.")
        if stop.is_set():
            say(f"Stopped. {AGAIN}")
            sys.exit(128 + stop.signal)
        if numbers[Outcome.REFUSED]:
            sys.exit(1)
