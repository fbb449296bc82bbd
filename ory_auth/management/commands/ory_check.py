"""``manage.py ory_check``: whether this project can work with this Ory, and what to do where it cannot."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.management.color import no_style
from django.views.decorators.debug import sensitive_variables

from ory_auth.conf import Conf
from ory_auth.ory.addresses import Origin, redact
from ory_auth.ory_check.facts.model import Given
from ory_auth.ory_check.probes.collect import look, wait_until_ready
from ory_auth.ory_check.probes.project import look_at_project
from ory_auth.ory_check.probes.session import given_cookie, given_token
from ory_auth.ory_check.report.json_report import report
from ory_auth.ory_check.report.terminal import SYMBOLS, Look, lines
from ory_auth.ory_check.rules.evaluate import judge
from ory_auth.ory_check.rules.findings import Level, exit_status

ENVIRONMENT = {"token": "ORY_CHECK_TOKEN", "cookie": "ORY_CHECK_COOKIE"}


class Command(BaseCommand):
    help = (
        "Looks whether this project can work with this Ory, and says what to do where it cannot. Changes nothing. "
        "Ends with 0; with 1 for warnings under --strict; with 2 for failures."
    )
    requires_system_checks: list[str] = []  # it shows those of this app itself, and goes on

    def add_arguments(self, parser: CommandParser) -> None:
        credential = parser.add_mutually_exclusive_group()
        for name in ENVIRONMENT:
            credential.add_argument(
                f"--{name}",
                metavar="VALUE",
                help=f"A session {name}, to see whose it is and what it may do here. '-' reads it from standard input; "
                f"better than here, where the shell's history and 'ps' show it, is {ENVIRONMENT[name]}.",
            )
        parser.add_argument(
            "--site",
            action="append",
            default=[],
            metavar="URL",
            help="Where people open this project, instead of what ALLOWED_HOSTS and the like tell. May be repeated.",
        )
        parser.add_argument(
            "--wait", type=float, default=0, metavar="SECONDS", help="Wait so long for Ory to be ready."
        )
        parser.add_argument("--strict", action="store_true", help="End with 1 where there are warnings.")
        parser.add_argument("--json", action="store_true", help="JSON, as docs/ory_check.schema.json describes it.")

    @sensitive_variables()
    def handle(self, *args: Any, **options: Any) -> None:
        wrong = next((url for url in options["site"] if Origin.of(url) is None), None)
        if wrong is not None:
            raise CommandError("--site needs an http or https URL, such as https://app.example.org.")
        project = look_at_project(tuple(options["site"]))
        given = None
        if project.conf is not None:
            given = self._given(project.conf, options)
            self._wait(project.conf, options["wait"])
        facts = look(project, given)
        findings = judge(facts)
        status = exit_status(findings, strict=options["strict"])
        if options["json"]:
            self.stdout.write(json.dumps(report(facts, findings, status), indent=2))
        else:
            for line in lines(facts, findings, self._look(options)):
                self.stdout.write(line if self._shows(line) else ascii(line)[1:-1])
        if status:
            sys.exit(status)

    @sensitive_variables()
    def _given(self, conf: Conf, options: dict[str, Any]) -> Given | None:
        read = {"token": given_token, "cookie": given_cookie}
        for name in ENVIRONMENT:
            if (value := options[name]) is not None:
                return read[name](sys.stdin.read() if value == "-" else value, conf)
        for name, variable in ENVIRONMENT.items():
            if value := os.environ.get(variable):
                return read[name](value, conf)
        return None

    def _wait(self, conf: Conf, seconds: float) -> None:
        if seconds > 0 and not wait_until_ready(conf, seconds):
            self.stderr.write(f"Ory at {redact(conf.sdk_url)} was not ready within {seconds:g} seconds.")

    def _look(self, options: dict[str, Any]) -> Look:
        """Symbols and wrapping on a terminal that can show them, colours where nobody has asked for none."""
        terminal = bool(self.stdout.isatty())
        if os.environ.get("NO_COLOR") and not options["force_color"]:
            self.style = no_style()
        paint = {Level.OK: self.style.SUCCESS, Level.WARNING: self.style.WARNING, Level.FAILURE: self.style.ERROR}
        width = min(shutil.get_terminal_size().columns, 140) if terminal else 0
        symbols = terminal and self._shows("".join(SYMBOLS.values()))
        return Look(width, symbols, paint, self.style.MIGRATE_HEADING)

    def _shows(self, text: str) -> bool:
        """Whether this output has the letters for it."""
        encoding = getattr(self.stdout, "encoding", None) or "ascii"
        try:
            text.encode(encoding)
        except (LookupError, UnicodeEncodeError):
            return False
        return True
