"""``manage.py ory_import_users``: create identities at Ory for the users of this project, with their passwords."""

from __future__ import annotations

import sys
import textwrap
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ory_auth.conf import Conf, conf
from ory_auth.exceptions import NotFound
from ory_auth.management.import_options import (
    add_import_arguments,
    read_batch_size,
    read_move_options,
    read_pace,
    read_selection,
)
from ory_auth.management.output import AGAIN, count, explain_errors, open_report, text_width
from ory_auth.management.progress import NoOutput, Progress, format_seconds
from ory_auth.management.stopping import Stop, stop_on_signals
from ory_auth.moving.capabilities import ask_ory
from ory_auth.moving.failure_report import FailureReport
from ory_auth.moving.forgetting import forget_passwords
from ory_auth.moving.importing import Import
from ory_auth.moving.pace import Pace, Stopped
from ory_auth.moving.results import NotImported
from ory_auth.moving.sending import RunFailed, Sender
from ory_auth.moving.summary import WARNINGS_HEADING, Notices, Plan, Tally
from ory_auth.ory.addresses import redact
from ory_auth.ory.admin_client import NO_ADMIN_ACCESS, NOT_THE_ADMIN_API, AdminClient, has_admin_access

CALL_SECONDS = 60.0  # for one batch
HOOK_REMINDER = (
    "{} a password that only this site can check. They can sign in after you have set up the password migration hook "
    "(docs/how-to/password-migration.md)."
)


class Command(BaseCommand):
    help = (
        "Creates an identity at Ory for each user of this project that has none, with the user's password, second "
        "factor and social accounts, and links the two. Begin with --dry-run. A second run changes nothing. If a run "
        "was interrupted, the same command continues it. The exit status is 1 if a user could not be imported."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_import_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        settings = conf()
        if not has_admin_access(settings):
            raise CommandError(NO_ADMIN_ACCESS)
        self._quiet = options["verbosity"] == 0
        client = AdminClient(settings, timeout=CALL_SECONDS)
        with stop_on_signals() as stop, open_report(options["report"]) as report, explain_errors():
            run = self._prepare(settings, client, stop, options)
            if options["dry_run"]:
                failed = self._show_plan(run, report)
            else:
                parallel, rate = read_pace(options, settings)
                pace = Pace(stop, per_minute=rate)
                failed = self._import(run, report, Sender(client, pace, run.batch_size), pace, parallel)
                if options["forget_passwords"] and not stop.is_set():
                    self._forget_passwords(run, client, pace)
        if options["report"] and not report.is_empty:
            self.stdout.write(f"{options['report']} lists all of them.")
        if stop.is_set():
            sys.exit(128 + stop.signal)
        if failed:
            sys.exit(1)

    def _prepare(self, settings: Conf, client: AdminClient, stop: Stop, options: dict[str, Any]) -> Import:
        """Everything that can be found out before anything is sent."""
        move_options, selection = read_move_options(options), read_selection(options)
        try:
            capabilities = ask_ory(client, settings, move_options.schema_id)
        except ValueError as error:
            raise CommandError(str(error)) from None
        except NotFound:
            raise CommandError(NOT_THE_ADMIN_API) from None
        schema_id = capabilities.schema.id if capabilities.schema else ""
        self._say(f"Ory's admin API is {redact(settings.admin_url)}, the identity schema {schema_id!r}.")
        self._say(f"{count(selection.count(), 'user')} to import, {selection.linked().count():,} at Ory already.")
        return Import(selection, move_options, capabilities, stop, read_batch_size(options))

    def _show_plan(self, run: Import, report: FailureReport) -> bool:
        """Show what an import would do; returns whether anyone could not be imported."""
        plan, problems, failed = Plan(), Notices(), 0
        self._find_duplicates(run)
        for people in run.describe():
            for person in people:
                problem = run.problem_of(person)
                if problem is None:
                    plan.add(person, warnings := run.warnings_of(person))
                    for warning in warnings:
                        report.add(warning, user=person.external_id, moved=True)
                    continue
                failed += 1
                problems.add(problem.notice, person.external_id)
                report.add(problem.notice, user=person.external_id, other_users=problem.other_users)
        self._say(f"{count(plan.people, 'user')} can be imported, {failed:,} cannot.")
        width = text_width(self.stdout)
        for line in (*plan.lines(width), *problems.lines("Cannot be imported", width)):
            self._say(line)
        self._remind_of_hook(plan.hooks)
        self._say("\nThis was a dry run: nothing was changed.")
        return bool(failed)

    def _find_duplicates(self, run: Import) -> None:
        with self._progress("Reading", run.selection.count()) as bar:
            for number in run.find_duplicates():
                bar.advance(number)

    def _import(self, run: Import, report: FailureReport, sender: Sender, pace: Pace, parallel: int) -> bool:
        """Import the users; returns whether anyone was not imported."""
        total, start, tally = run.selection.count(), time.monotonic(), Tally()
        if not total:
            self._say("Nothing to do.")
            return False
        self._find_duplicates(run)
        failure = ""
        try:
            with self._progress("Importing", total) as bar:
                for results in run.run(sender, parallel):
                    for result in results:
                        tally.add(result)
                        if isinstance(result, NotImported):
                            report.add(
                                result.notice,
                                user=result.person.external_id,
                                identity_id=result.identity_id,
                                other_users=result.other_users,
                            )
                            continue
                        for warning in result.person.warnings:
                            report.add(
                                warning, user=result.person.external_id, identity_id=result.identity_id, moved=True
                            )
                    report.flush()
                    bar.advance(len(results))
                    bar.show("Stopping after this batch" if run.stop.is_set() else pace.note())
        except RunFailed as error:
            failure = str(error)
        except Stopped:
            pass
        self._say_result(run, tally, total, time.monotonic() - start)
        self._remind_of_hook(tally.hooks)
        if failure:
            raise CommandError(f"{failure} {AGAIN}") from None
        return bool(tally.failed)

    def _say_result(self, run: Import, tally: Tally, total: int, seconds: float) -> None:
        rate = f"{tally.imported / seconds:,.0f} per second" if seconds else ""
        self._say(
            self.style.SUCCESS(f"{count(tally.imported, 'user')} imported in {format_seconds(seconds)} ({rate}).")
        )
        if tally.found:
            self._say(f"Ory had {tally.found:,} of them from a run that was interrupted.")
        width = text_width(self.stdout)
        for line in (*tally.warnings.lines(WARNINGS_HEADING, width), *tally.failures.lines("Not imported", width)):
            self._say(line)
        left = total - tally.imported - tally.failed
        if left > 0:
            self._say(f"{count(left, 'user is', 'users are')} left. {AGAIN}")

    def _forget_passwords(self, run: Import, client: AdminClient, pace: Pace) -> None:
        forgotten = needed = 0
        with self._progress("Passwords", run.selection.linked().count()) as bar:
            for numbers in forget_passwords(run.selection, client, pace):
                forgotten, needed = forgotten + numbers.users, needed + numbers.needed
                bar.advance(numbers.users + numbers.needed)
                if run.stop.is_set():
                    break
        self._say(f"{count(forgotten, 'Django password is', 'Django passwords are')} unusable now.")
        if needed == 1:
            self._say("1 stays, because only this site can check it until its owner signs in at Ory.")
        elif needed:
            self._say(f"{needed:,} stay, because only this site can check them until their owners sign in at Ory.")

    def _remind_of_hook(self, people: int) -> None:
        if people:
            have = count(people, "person has", "people have")
            text = textwrap.fill(HOOK_REMINDER.format(have), text_width(self.stdout))
            self._say(self.style.WARNING(f"\n{text}"))

    def _say(self, text: str) -> None:
        if not self._quiet:
            self.stdout.write(text)

    def _progress(self, noun: str, total: int) -> Progress:
        return Progress(NoOutput() if self._quiet else self.stderr, noun, total)
