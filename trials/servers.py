"""The servers of a trial, each a process on loopback for as long as a ``with`` block lasts.

    with ory() as identities, postgresql() as database, redis() as cache:
        environment = {
            "SITE_ORY_URL": identities.public_url,
            "SITE_DATABASE_URL": database.database("site"),
            "SITE_REDIS_URL": cache.url,
        }
        with gunicorn(environment) as site:
            ...  # site.url, site.pids, site.log

Each has ``start()``, ``stop()``, ``freeze()`` and ``thaw()``.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests import ories
from trials.processes import Process, free_port, need, private_directory, running

POSTGRESQL = "/usr/lib/postgresql/*/bin"


# ---- PostgreSQL


class PostgreSQL(Process):
    """A cluster of its own. It has no password and listens on loopback only."""

    programs: Path

    @property
    def url(self) -> str:
        """The maintenance database."""
        return self._url("postgres")

    def _url(self, name: str) -> str:
        return f"postgres://site@127.0.0.1:{self.port}/{name}"

    def database(self, name: str, user_model: str = "auth.User") -> str:
        """The URL of a new database with the site's tables; migrated once for a user model, then copied."""
        template = "template_" + user_model.lower().replace(".", "_")
        if template not in self.run("SELECT datname FROM pg_database"):
            self.run(f"CREATE DATABASE {template}")
            migrate(self._url(template), user_model)
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._url(name)

    def answers(self) -> bool:
        command = [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def run(self, sql: str, database: str = "postgres") -> str:
        """What psql prints for one statement: values only, one row a line."""
        command = [str(self.programs / "psql"), "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", self._url(database), "-c", sql]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def migrate(database_url: str, user_model: str = "auth.User") -> None:
    """Make the site's tables in an empty database."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "trials.site.settings",
        "SITE_DATABASE_URL": database_url,
        "SITE_USER_MODEL": user_model,
    }
    subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, check=True)


@contextmanager
def postgresql(max_connections: int = 200) -> Iterator[PostgreSQL]:
    """A PostgreSQL that has just been initialised. It refuses to run as root: there, the user postgres runs it."""
    programs = Path(need("postgres", "postgresql", POSTGRESQL)).parent
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        pwd.getpwnam(user)
    with private_directory(user) as directory:
        data, port = directory / "data", free_port()
        initialise = [str(programs / "initdb"), "--pgdata", str(data), "--username=site", "--auth=trust", "--no-sync"]
        subprocess.run(initialise, user=user, group=user, cwd=directory, stdout=subprocess.DEVNULL, check=True)
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": max_connections,
            "fsync": "off",
        }
        server = PostgreSQL(
            [str(programs / "postgres"), "-D", str(data), *(f"--{name}={value}" for name, value in options.items())],
            directory=directory,
            port=port,
            user=user,
            end=signal.SIGINT,
        )
        server.programs = programs
        with running(server):
            yield server


# ---- Redis


class Redis(Process):
    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"


@contextmanager
def redis() -> Iterator[Redis]:
    """A Redis that keeps nothing on disk."""
    program, port = need("redis-server", "redis-server"), free_port()
    with private_directory() as directory:
        options = {"port": port, "bind": "127.0.0.1", "dir": directory, "save": "", "appendonly": "no"}
        command = [program, *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
        with running(Redis(command, directory=directory, port=port)) as server:
            yield server


# ---- the site


class Site(Process):
    """The project under one server; ``workers`` processes answer at ``url``."""

    workers: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pids(self) -> list[int]:
        """The workers that can answer."""
        loaded = {int(file.name) for file in (self.directory / "ready").iterdir()}
        return sorted(process.pid for process in self.everyone() if process.pid in loaded and _lives(process))

    def answers(self) -> bool:
        return len(self.pids) >= self.workers and super().answers()


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


@contextmanager
def gunicorn(environment: Mapping[str, str], workers: int = 2, threads: int = 4) -> Iterator[Site]:
    """The project under gunicorn; ``environment`` holds the ``SITE_…`` variables of `trials.site.settings`."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "trials.site.wsgi:application", "--worker-class=gthread",
               f"--bind=127.0.0.1:{port}", f"--workers={workers}", f"--threads={threads}", "--keep-alive=30",
               "--graceful-timeout=1", "--timeout=120", "--log-level=warning", "--no-control-socket"]  # fmt: skip
    with _site(command, environment, port, workers) as site:
        yield site


@contextmanager
def uvicorn(environment: Mapping[str, str], workers: int = 2) -> Iterator[Site]:
    """The project under uvicorn, as `gunicorn`."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "trials.site.asgi:application", "--host=127.0.0.1",
               f"--port={port}", f"--workers={workers}", "--lifespan=off", "--log-level=warning",
               "--timeout-keep-alive=30", "--timeout-graceful-shutdown=2",
               "--timeout-worker-healthcheck=60"]  # fmt: skip
    with _site(command, environment, port, workers) as site:
        yield site


@contextmanager
def _site(command: list[str], environment: Mapping[str, str], port: int, workers: int) -> Iterator[Site]:
    with private_directory() as directory:
        (directory / "ready").mkdir()
        given = {"SITE_READY": str(directory / "ready"), **environment}
        site = Site(command, directory=directory, port=port, environment=given)
        site.workers = workers
        with running(site):
            yield site


# ---- Ory


@dataclass
class Given:
    """One session at Ory, and whose it is."""

    identity: str
    email: str
    session: str
    token: str = field(repr=False)
    cookie: str = field(repr=False)

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
    """`trials.ory`, which answers on its standard output."""

    def answers(self) -> bool:
        return self.running  # its first line comes once it listens, and is waited for

    def read(self) -> Any:
        assert self.popen
        assert self.popen.stdout
        return json.loads(self.popen.stdout.readline() or "null")

    def order(self, do: str, arguments: Mapping[str, Any]) -> Any:
        assert self.popen
        assert self.popen.stdin
        print(json.dumps({"do": do, **arguments}), file=self.popen.stdin, flush=True)
        return self.read()


class Ory:
    """One Ory. ``http`` makes people and changes them over HTTP; ``people`` makes many at once.

    With the real one, which nobody here started, ``start``, ``stop``, ``freeze`` and ``thaw`` raise `NotLocal`.
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

    def people(self, count: int, sessions: int = 1) -> list[Given]:
        """So many new people, each with that many sessions."""
        if self.is_local:
            return [Given(**row) for row in self.order("people", count=count, sessions=sessions)]
        return [
            self.signed_in(person) for person in (self.http.person() for _ in range(count)) for _ in range(sessions)
        ]

    def signed_in(self, person: ories.Person) -> Given:
        """A new session of somebody. Over HTTP a session has one credential, so the cookie's session is another's."""
        by_token, by_cookie = person.token(), person.cookie()
        return Given(person.id, person.email, by_token.id, by_token.token, by_cookie.cookie)

    def order(self, do: str, **arguments: Any) -> Any:
        """Tell the local Ory's process something, see `trials.ory`."""
        return self.process.order(do, arguments)

    def database(self, *, down: bool) -> None:
        """Take its own database away, or give it back: here, or by the shell commands that the environment names."""
        if self.is_local:
            self.order("database", down=down)
        else:
            command = os.environ.get("ORY_TEST_DATABASE_DOWN" if down else "ORY_TEST_DATABASE_UP")
            if not command:
                raise NotLocal("ORY_TEST_DATABASE_DOWN and ORY_TEST_DATABASE_UP must be commands that do it")
            subprocess.run(command, shell=True, check=True)

    def stop(self) -> None:
        """Close its ports; it forgets nothing."""
        self.order("down")

    def start(self) -> None:
        self.order("up")

    def freeze(self) -> None:
        self.process.freeze()

    def thaw(self) -> None:
        self.process.thaw()


class NotLocal(RuntimeError):
    """The real Ory cannot be started and stopped from here."""


@contextmanager
def ory(**config: Any) -> Iterator[Ory]:
    """The Ory that the environment names, else a local one in a process of its own; ``config``: of the local one."""
    public, admin = os.environ.get("ORY_TEST_PUBLIC_URL"), os.environ.get("ORY_TEST_ADMIN_URL")
    if public and admin:
        yield Ory(public, admin)
        return
    with private_directory() as directory:
        command = [sys.executable, "-m", "trials.ory", json.dumps(config)]
        with running(OryProcess(command, directory=directory, pipes=True)) as process:
            yield Ory(**process.read(), process=process)
