"""The Ory of a campaign: the one that the environment names, or a local one in another process.

For a real one, set ``ORY_TEST_PUBLIC_URL`` and ``ORY_TEST_ADMIN_URL``, and ``ORY_TEST_DATABASE_DOWN`` and
``ORY_TEST_DATABASE_UP`` to shell commands that stop and start its database.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from stress.processes import Process, private_directory, running
from tests.support import ory as ories


@dataclass
class CreatedSession:
    """One session at Ory, and its person. A real Ory gives a token and a cookie only for two sessions."""

    identity: str
    email: str
    session: str
    token: str = field(repr=False)
    cookie: str = field(repr=False)
    cookie_session: str = ""

    def __post_init__(self) -> None:
        self.cookie_session = self.cookie_session or self.session

    @property
    def by_token(self) -> dict[str, str]:
        return {"X-Session-Token": self.token}

    @property
    def by_bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def by_cookie(self) -> dict[str, str]:
        return {"Cookie": self.cookie}


class OryProcess(Process):
    """`stress.local_ory`, which answers commands on its standard output."""

    def answers(self) -> bool:
        return self.running  # its first line comes once it listens, and is waited for

    def read(self) -> Any:
        assert self.popen
        assert self.popen.stdout
        return json.loads(self.popen.stdout.readline() or "null")

    def run_command(self, do: str, arguments: Mapping[str, Any]) -> Any:
        assert self.popen
        assert self.popen.stdin
        print(json.dumps({"do": do, **arguments}), file=self.popen.stdin, flush=True)
        return self.read()


class Ory:
    """One Ory. ``http`` creates people and changes them over HTTP; ``people`` creates many at once.

    With a real Ory, ``start``, ``stop``, ``freeze`` and ``thaw`` raise `NotLocal`.
    """

    def __init__(self, public_url: str, admin_url: str, process: OryProcess | None = None) -> None:
        self.public_url, self.admin_url = public_url.rstrip("/"), admin_url.rstrip("/")
        self.http = ories.Ory(public_url, admin_url)
        self._process = process

    @property
    def is_local(self) -> bool:
        return self._process is not None

    @property
    def process(self) -> OryProcess:
        if self._process is None:
            raise NotLocal("this needs the local Ory: unset ORY_TEST_PUBLIC_URL")
        return self._process

    def people(self, count: int, sessions: int = 1) -> list[CreatedSession]:
        """So many new people, each with that many sessions."""
        if self.is_local:
            return [CreatedSession(**row) for row in self.command("people", count=count, sessions=sessions)]
        return [
            self.signed_in(person) for person in (self.http.person() for _ in range(count)) for _ in range(sessions)
        ]

    def signed_in(self, person: ories.Person) -> CreatedSession:
        """The person, signed in as in an app and in a browser."""
        by_token, by_cookie = person.app_session(), person.browser_session()
        return CreatedSession(person.id, person.email, by_token.id, by_token.token, by_cookie.cookie, by_cookie.id)

    def command(self, do: str, **arguments: Any) -> Any:
        """Run a command of `stress.local_ory`."""
        return self.process.run_command(do, arguments)

    def database(self, *, down: bool) -> None:
        """Stop Ory's database, or start it again."""
        if self.is_local:
            self.command("database", down=down)
        else:
            command = os.environ.get("ORY_TEST_DATABASE_DOWN" if down else "ORY_TEST_DATABASE_UP")
            if not command:
                raise NotLocal("ORY_TEST_DATABASE_DOWN and ORY_TEST_DATABASE_UP must be commands that do it")
            subprocess.run(command, shell=True, check=True)

    def stop(self) -> None:
        """Close the ports. No data is lost."""
        self.command("down")

    def start(self) -> None:
        self.command("up")

    def freeze(self) -> None:
        self.process.freeze()

    def thaw(self) -> None:
        self.process.thaw()


class NotLocal(RuntimeError):
    """A real Ory cannot be started and stopped from here."""


@contextmanager
def ory(**config: Any) -> Iterator[Ory]:
    """The Ory that the environment names, or a local one in another process; ``config`` is for the local one."""
    public, admin = os.environ.get("ORY_TEST_PUBLIC_URL"), os.environ.get("ORY_TEST_ADMIN_URL")
    if public and admin:
        yield Ory(public, admin)
        return
    with private_directory() as directory:
        command = [sys.executable, "-m", "stress.local_ory", json.dumps(config)]
        with running(OryProcess(command, directory=directory, pipes=True)) as process:
            yield Ory(**process.read(), process=process)
