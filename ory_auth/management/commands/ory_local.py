"""manage.py ory_local: runs a local Ory."""

from __future__ import annotations

import os
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

if TYPE_CHECKING:
    from ory_auth.local import Config, LocalOry

EDGE_TOKEN = "ory_pat_local"  # any string will do: it protects nothing
WARNING = "This is a local Ory, for development and tests only. When it stops, all data is lost."
LIBRARIES = ("starlette", "uvicorn", "h11", "pyotp", "segno", "jsonschema")
PORT_OPTIONS = {  # name of a port → its option, and what else has to change
    "public": ("--port", "set ORY_AUTH['SDK_URL'] to it"),
    "admin": ("--admin-port", "set ORY_AUTH['ADMIN_URL'] to it, if you use that key"),
}


class Command(BaseCommand):
    help = "Runs a local Ory for development and tests: Kratos' HTTP APIs, without pages."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (default: %(default)s).")
        parser.add_argument("--allow-remote", action="store_true", help="Allow a --host that other machines can reach.")
        parser.add_argument("--port", type=int, default=4433, help="Port of the public API (default: %(default)s).")
        parser.add_argument(
            "--admin-port", type=int, default=4434, help="Port of the admin API (default: %(default)s)."
        )
        parser.add_argument(
            "--identities", type=Path, metavar="FILE.json", help="JSON list of identities to create at the start."
        )
        parser.add_argument(
            "--ui-base",
            default="http://127.0.0.1:8000/auth",
            help="URL of the project's pages for login, registration and so on (default: %(default)s).",
        )
        parser.add_argument(
            "--allow-return-to",
            action="append",
            default=[],
            metavar="URL",
            help="Another URL that flows may return to, such as a single-page app's. You can repeat this option.",
        )
        parser.add_argument(
            "--session-lifespan",
            type=float,
            default=86400,
            metavar="SECONDS",
            help="How long a session lasts (default: %(default)s).",
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="Change a field of ory_auth.local.Config, such as passkey_enabled=true. You can repeat this option.",
        )
        parser.add_argument(
            "--edge",
            action="store_true",
            help="Behave like a project of Ory Network: cookies for its own host, its own URLs and pages. Sites on "
            f"other hosts need the gateway. GATEWAY_TOKEN is {EDGE_TOKEN!r}.",
        )
        parser.add_argument("--no-session-caching", action="store_true", help="Don't send Ory-Session-Cache-For.")

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_remote(options["host"], options["allow_remote"])
        ory = _create_local_ory(options)
        people = _create_people(ory, options["identities"]) if options["identities"] else []
        with _stop_signal() as stop, _running(ory):
            self._print_introduction(ory, options["ui_base"], people)
            stop.wait()
        self.stdout.write("The local Ory has stopped.")

    def _print_introduction(self, ory: LocalOry, ui_base: str, people: list[dict[str, Any]]) -> None:
        self.stdout.write(self.style.WARNING(WARNING))
        rows = [
            ("public API", ory.public_url),
            ("admin API", ory.admin_url),
            ("pages", ui_base),
            ("mailbox", f"{ory.public_url}/mailbox"),
        ]
        self._write_table(rows)
        if people:
            self.stdout.write("People:")
            self._write_table([_describe(person) for person in people])
        self.stdout.write("Press Ctrl-C to stop.")
        self.stdout.flush()

    def _write_table(self, rows: Sequence[tuple[str, ...]]) -> None:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write(f"  {'   '.join(cells)}".rstrip())


def _refuse_remote(host: str, allowed: bool) -> None:
    try:
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback and not allowed:
        raise CommandError(
            f"Other machines may be able to connect to --host {host}, and the admin API needs no credentials. "
            "If that is what you want, add --allow-remote."
        )


def _create_local_ory(options: dict[str, Any]) -> LocalOry:
    try:
        from ory_auth.local import Config, LocalOry
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in LIBRARIES:
            raise
        raise CommandError(f"{missing.name} is not installed. Run: pip install 'django-ory[local]'") from None
    from ory_auth.local.control.config_options import ConfigOptionError, parse_config_options

    try:
        changes = parse_config_options(options["set"])
    except ConfigOptionError as error:
        raise CommandError(f"--set: {error}") from None
    pages = urlsplit(options["ui_base"])
    site = f"{pages.scheme}://{pages.netloc}"
    config = Config(
        host=options["host"],
        public_port=options["port"],
        admin_port=options["admin_port"],
        ui_base=options["ui_base"].rstrip("/"),
        default_return_url=f"{site}/",
        allowed_return_urls=(site, *options["allow_return_to"]),
        follow_loopback_name=True,
        session_lifespan=options["session_lifespan"],
        cacheable_sessions=not options["no_session_caching"],
    )
    if options["edge"]:
        config = _with_edge(config, site)
    return LocalOry(replace(config, **changes))


def _with_edge(config: Config, site: str) -> Config:
    """The configuration of a new project of Ory Network: its own pages, and keys for the pages of this site."""
    host = f"[{config.host}]" if ":" in config.host else config.host
    own_url = f"http://{host}:{config.public_port}"
    return replace(
        config,
        edge=True,
        kratos_version="newer",
        follow_loopback_name=False,
        edge_token=EDGE_TOKEN,
        ui_base=f"{own_url}/ui",
        default_return_url=f"{own_url}/ui/welcome",
        rp_id=config.relying_party_id,
        rp_origins=(site,),
    )


def _create_people(ory: LocalOry, path: Path) -> list[dict[str, Any]]:
    from ory_auth.local.control.seed_file import SeedFileError, read_seed_file
    from ory_auth.local.model.errors import OryError

    try:
        people = read_seed_file(path)
    except SeedFileError as error:
        raise CommandError(f"--identities: {error}") from None
    for number, person in enumerate(people, 1):
        try:
            ory.create_identity(**{name: value for name, value in person.items() if name != "note"})
        except OryError as error:
            raise CommandError(f"--identities: {path}, entry {number}: {error.summary}") from None
        except ValueError as error:
            raise CommandError(f"--identities: {path}, entry {number}: 'totp': {error}") from None
    return people


def _describe(person: dict[str, Any]) -> tuple[str, ...]:
    """One row of the table: address, password and other facts."""
    facts = [
        "inactive" if person.get("state") == "inactive" else "",
        "authenticator app" if person.get("totp") else "",
        "backup codes" if person.get("lookup_codes") else "",
        *person.get("social", {}),
        person.get("note", ""),
    ]
    email = person.get("email") or person.get("traits", {}).get("email", "(no address)")
    return email, person.get("password", "(no password)"), ", ".join(filter(None, facts))


@contextmanager
def _running(ory: LocalOry) -> Iterator[None]:
    from ory_auth.local import PortUnavailable

    try:
        ory.start()
    except PortUnavailable as error:
        option, setting = PORT_OPTIONS[error.name]
        reason = os.strerror(error.errno or 0)
        raise CommandError(
            f"Port {error.port} cannot be used ({reason}). Choose another with {option}, and {setting}."
        ) from None
    try:
        yield
    finally:
        ory.stop()


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets."""
    stop = threading.Event()
    previous = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
