"""``manage.py ory_check``: tests whether this project can work with this Ory."""

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
from ory_auth.ory_check.facts.model import SuppliedCredential
from ory_auth.ory_check.probes.collect import collect_facts, wait_until_ready
from ory_auth.ory_check.probes.project import probe_project
from ory_auth.ory_check.probes.session import read_cookie, read_token
from ory_auth.ory_check.report.json_report import build_report
from ory_auth.ory_check.report.terminal import SYMBOLS, Style, render_lines
from ory_auth.ory_check.rules.evaluate import evaluate_rules
from ory_auth.ory_check.rules.findings import Level, exit_status

ENVIRONMENT = {"token": "ORY_CHECK_TOKEN", "cookie": "ORY_CHECK_COOKIE"}
READERS = {"token": read_token, "cookie": read_cookie}


class Command(BaseCommand):
    help = (
        "Tests whether this project can work with this Ory, and says how to fix problems. Changes nothing. The exit "
        "status is 2 if there are failures, 1 if there are warnings and --strict is given, else 0."
    )
    requires_system_checks: list[str] = []  # it reports those of this app, and goes on

    def add_arguments(self, parser: CommandParser) -> None:
        credential = parser.add_mutually_exclusive_group()
        for name, variable in ENVIRONMENT.items():
            credential.add_argument(
                f"--{name}",
                metavar="VALUE",
                help=f"A session {name}: also show whose session it is and what it is allowed here. '-' reads it from "
                f"standard input. An option is visible in the shell's history and in 'ps', so {variable} is safer.",
            )
        parser.add_argument(
            "--site",
            action="append",
            default=[],
            metavar="URL",
            help="The URL at which people open this project. Otherwise it is derived from ALLOWED_HOSTS and other "
            "settings. You can repeat this option.",
        )
        parser.add_argument(
            "--wait", type=float, default=0, metavar="SECONDS", help="Wait up to this long until Ory is ready."
        )
        parser.add_argument("--strict", action="store_true", help="Exit with status 1 if there are warnings.")
        parser.add_argument("--json", action="store_true", help="Print JSON. Its schema is docs/ory_check.schema.json.")

    @sensitive_variables()
    def handle(self, *args: Any, **options: Any) -> None:
        if any(Origin.of(url) is None for url in options["site"]):
            raise CommandError("--site needs an http or https URL, such as https://app.example.org.")
        project = probe_project(tuple(options["site"]))
        supplied = None
        if project.conf is not None:
            supplied = self._read_credential(project.conf, options)
            self._wait(project.conf, options["wait"])
        facts = collect_facts(project, supplied)
        findings = evaluate_rules(facts)
        status = exit_status(findings, strict=options["strict"])
        if options["json"]:
            self.stdout.write(json.dumps(build_report(facts, findings, status), indent=2))
        else:
            for line in render_lines(facts, findings, self._choose_style(options)):
                self.stdout.write(line if self._can_show(line) else ascii(line)[1:-1])
        if status:
            sys.exit(status)

    @sensitive_variables()
    def _read_credential(self, conf: Conf, options: dict[str, Any]) -> SuppliedCredential | None:
        for name, read in READERS.items():
            if (value := options[name]) is not None:
                return read(sys.stdin.read() if value == "-" else value, conf)
        for name, variable in ENVIRONMENT.items():
            if value := os.environ.get(variable):
                return READERS[name](value, conf)
        return None

    def _wait(self, conf: Conf, seconds: float) -> None:
        if seconds > 0 and not wait_until_ready(conf, seconds):
            self.stderr.write(f"Ory at {redact(conf.sdk_url)} was not ready within {seconds:g} seconds.")

    def _choose_style(self, options: dict[str, Any]) -> Style:
        """Symbols and wrapped lines on a terminal that can show them; colors unless NO_COLOR is set."""
        is_terminal = bool(self.stdout.isatty())
        if os.environ.get("NO_COLOR") and not options["force_color"]:
            self.style = no_style()
        colors = {Level.OK: self.style.SUCCESS, Level.WARNING: self.style.WARNING, Level.FAILURE: self.style.ERROR}
        width = min(shutil.get_terminal_size().columns, 140) if is_terminal else 0
        symbols = is_terminal and self._can_show("".join(SYMBOLS.values()))
        return Style(width, symbols, colors, self.style.MIGRATE_HEADING)

    def _can_show(self, text: str) -> bool:
        """Whether the encoding of the output has these characters."""
        encoding = getattr(self.stdout, "encoding", None) or "ascii"
        try:
            text.encode(encoding)
        except (LookupError, UnicodeEncodeError):
            return False
        return True
