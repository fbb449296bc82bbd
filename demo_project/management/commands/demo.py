"""manage.py demo: this site and a local Ory, or this site alone in front of the Ory that ORY_SDK_URL names."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from demo_project.people import SUPERUSER, Person, people

if TYPE_CHECKING:
    from ory_auth.local import LocalOry

HOST = "127.0.0.1"  # the address to listen on
NAME = "localhost"  # the name in URLs: passkeys belong to a name, never to an address
PATIENCE = 60  # seconds until the site has to answer
MANAGE = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py")]


class Command(BaseCommand):
    help = "Starts the demo: this site and, unless ORY_SDK_URL is set, a local Ory with three people."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _end)
        with ExitStack() as running:
            try:
                site = running.enter_context(self._local() if settings.DEMO_LOCAL_ORY else self._remote())
                site.wait()
            except KeyboardInterrupt:
                self.stdout.write("")
        self.stdout.write("The demo has ended.")

    @contextmanager
    def _local(self) -> Iterator[subprocess.Popen[bytes]]:
        _refuse_taken(DEMO_PORT=settings.DEMO_PORT)
        with tempfile.TemporaryDirectory(prefix="ory-demo-") as directory, _local_ory() as ory:
            environment = {**os.environ, "DATABASE_URL": f"sqlite:///{directory}/demo.sqlite3"}
            identities = {person.email: _created(ory, person)["id"] for person in people()}
            _manage("migrate", "--verbosity", "0", environment=environment)
            _manage("ory_link", SUPERUSER, identities[SUPERUSER], "--create", "--superuser", environment=environment)
            _manage("ory_export_users", environment=environment)  # the others, before they have signed in
            with _site(environment) as site:
                self._introduce(f"{settings.ORY_AUTH['SDK_URL']}  (local; nothing is saved)", people())
                yield site

    @contextmanager
    def _remote(self) -> Iterator[subprocess.Popen[bytes]]:
        _refuse_taken(DEMO_PORT=settings.DEMO_PORT)
        _manage("migrate", "--verbosity", "0", environment=os.environ)
        with _site(os.environ) as site:
            self._introduce(f"{settings.ORY_SDK_URL}  (ORY_SDK_URL)", [])
            yield site

    def _introduce(self, ory: str, known: list[Person]) -> None:
        self.stdout.write("")
        self.stdout.write(f"  Site   {self.style.SUCCESS(_site_url())}")
        self.stdout.write(f"  Ory    {ory}")
        if known:
            self.stdout.write("")
            widths = [max(len(person.email) for person in known), max(len(person.password) for person in known)]
            for person in known:
                cells = (person.email.ljust(widths[0]), person.password.ljust(widths[1]), person.note)
                self.stdout.write(f"  {'   '.join(cells)}")
            self.stdout.write("")
            self.stdout.write(f"  Codes for the second step   {_site_url()}demo/codes/")
            self.stdout.write(f"  Mail that Ory sends         {settings.DEMO_MAIL_URL}")
            self.stdout.write("")
        self.stdout.write("  Press Ctrl-C to stop.\n")
        self.stdout.flush()


def _site_url() -> str:
    return f"http://{NAME}:{settings.DEMO_PORT}/"


def _end(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _refuse_taken(**ports: int) -> None:
    for name, port in ports.items():
        try:
            socket.create_server((HOST, port)).close()
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used ({error.strerror}). Stop what is listening there, or choose another one: "
                f"{name}={port + 10} python manage.py demo"
            ) from None


@contextmanager
def _local_ory() -> Iterator[LocalOry]:
    from ory_auth.local import Config, LocalOry

    _refuse_taken(ORY_PUBLIC_PORT=settings.ORY_PUBLIC_PORT, ORY_ADMIN_PORT=settings.ORY_ADMIN_PORT)
    config = Config(
        public_port=settings.ORY_PUBLIC_PORT,
        admin_port=settings.ORY_ADMIN_PORT,
        ui_base=f"{_site_url()}auth",
        default_return_url=_site_url(),
        # At 127.0.0.1 a person comes back without a cookie, and sees the page that explains it.
        allowed_return_urls=(_site_url().rstrip("/"), f"http://{HOST}:{settings.DEMO_PORT}"),
        base_url=f"{_site_url()}.ory/",
        code_passwordless_enabled=True,
        passkey_enabled=True,
        webauthn_enabled=True,
        oidc_providers={"google": "Google", "github": "GitHub"},
        registration_login_hints=True,
        hooks=_hooks(),
    )
    with LocalOry(config) as ory:
        yield ory


def _hooks() -> dict[str, Any]:
    """The web hooks with which Ory tells this site at once what people change."""
    output = StringIO()
    site = f"http://{HOST}:{settings.DEMO_PORT}"
    call_command("ory_webhooks", site=site, format="json", show_secret=True, stdout=output, stderr=StringIO())
    hooks: dict[str, Any] = json.loads(output.getvalue())["selfservice"]["flows"]
    return hooks


def _created(ory: LocalOry, person: Person) -> dict[str, Any]:
    return ory.create_identity(
        email=person.email,
        password=person.password,
        traits=person.traits,
        totp=person.totp,
        lookup_codes=person.lookup_codes,
        verified=person.verified,
    )


def _manage(*command: str, environment: Mapping[str, str]) -> None:
    done = subprocess.run([*MANAGE, *command], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandError(f"manage.py {' '.join(command)} failed:\n{done.stderr.strip()}")


@contextmanager
def _site(environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Django's own server, with its reloader; yields once it answers."""
    site = subprocess.Popen(
        [*MANAGE, "runserver", f"{HOST}:{settings.DEMO_PORT}"], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        _wait_for_answer(site)
        yield site
    finally:
        site.terminate()
        try:
            site.wait(timeout=5)
        except subprocess.TimeoutExpired:
            site.kill()


def _wait_for_answer(site: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and site.poll() is None:
        try:
            socket.create_connection((HOST, settings.DEMO_PORT), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise CommandError("The site does not answer; what it says is above.")
