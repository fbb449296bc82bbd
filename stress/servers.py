"""The servers of a campaign, each a process on loopback for as long as a ``with`` block lasts.

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

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from stress.ory import CreatedSession, Ory, ory
from stress.processes import HTTPServer, Process, free_port, need, private_directory, running

__all__ = [
    "CreatedSession", "Ory", "PostgreSQL", "Redis", "Site",
    "gunicorn", "haproxy", "nginx", "ory", "postgresql", "redis", "uvicorn",
]  # fmt: skip

POSTGRESQL = "/usr/lib/postgresql/*/bin"


# ---- PostgreSQL


class PostgreSQL(Process):
    """A cluster without a password that listens on loopback only."""

    programs: Path

    @property
    def url(self) -> str:
        """The maintenance database."""
        return self._url("postgres")

    def _url(self, name: str) -> str:
        return f"postgres://site@127.0.0.1:{self.port}/{name}"

    def database(self, name: str, user_model: str = "auth.User") -> str:
        """The URL of a new database with the site's tables: migrated once for each user model, then copied."""
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
        """The output of psql for one statement: values only, one row a line."""
        command = [str(self.programs / "psql"), "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", self._url(database), "-c", sql]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def migrate(database_url: str, user_model: str = "auth.User") -> None:
    """Create the site's tables in an empty database."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "stress.site.settings",
        "SITE_DATABASE_URL": database_url,
        "SITE_USER_MODEL": user_model,
    }
    subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, check=True)


@contextmanager
def postgresql(max_connections: int = 200) -> Iterator[PostgreSQL]:
    """A new PostgreSQL cluster. As root, the user postgres runs it, because PostgreSQL refuses to run as root."""
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
    """A Redis that writes nothing to disk."""
    program, port = need("redis-server", "redis-server"), free_port()
    with private_directory() as directory:
        options = {"port": port, "bind": "127.0.0.1", "dir": directory, "save": "", "appendonly": "no"}
        command = [program, *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
        with running(Redis(command, directory=directory, port=port)) as server:
            yield server


# ---- the site


class Site(HTTPServer):
    """The site under one server; ``workers`` processes respond at ``url``."""

    workers: int
    socket: Path | None = None  # where it listens instead of a port, for a proxy in front of it

    @property
    def pids(self) -> list[int]:
        """The workers that are ready."""
        loaded = {int(file.name) for file in (self.directory / "ready").iterdir()}
        return sorted(process.pid for process in self.process_tree() if process.pid in loaded and _is_alive(process))

    def answers(self) -> bool:
        listening = self.socket.exists() if self.socket else super().answers()
        return listening and len(self.pids) >= self.workers


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


@contextmanager
def gunicorn(
    environment: Mapping[str, str],
    workers: int = 2,
    threads: int = 4,
    *,
    sockets: int = 1,
    unix_socket: Path | None = None,
) -> Iterator[Site]:
    """The site under gunicorn; ``environment`` has the ``SITE_…`` variables of `stress.site.settings`.

    With one socket for all workers, one of them may get most connections; ``sockets`` is 1, or ``workers``. With
    ``unix_socket`` it listens there and has no port.
    """
    port = 0 if unix_socket else free_port()
    bind = f"unix:{unix_socket}" if unix_socket else f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "stress.site.wsgi:application", "--worker-class=gthread",
               f"--bind={bind}", f"--workers={workers}", f"--threads={threads}", "--keep-alive=30",
               "--graceful-timeout=1", "--timeout=120", "--log-level=warning", "--no-control-socket",
               *(["--reuse-port"] if sockets > 1 else [])]  # fmt: skip
    with _site(command, environment, port, workers, unix_socket) as site:
        yield site


@contextmanager
def uvicorn(environment: Mapping[str, str], workers: int = 2) -> Iterator[Site]:
    """The site under uvicorn; see `gunicorn`."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "stress.site.asgi:application", "--host=127.0.0.1",
               f"--port={port}", f"--workers={workers}", "--lifespan=off", "--log-level=warning",
               "--timeout-keep-alive=30", "--timeout-graceful-shutdown=2",
               "--timeout-worker-healthcheck=60"]  # fmt: skip
    with _site(command, environment, port, workers) as site:
        yield site


@contextmanager
def _site(
    command: list[str], environment: Mapping[str, str], port: int, workers: int, unix_socket: Path | None = None
) -> Iterator[Site]:
    with private_directory() as directory:
        (directory / "ready").mkdir()
        given = {"SITE_READY": str(directory / "ready"), **environment}
        site = Site(command, directory=directory, port=port, environment=given)
        site.workers, site.socket = workers, unix_socket
        with running(site):
            yield site


# ---- a proxy in front of the site

NGINX = """
daemon off;
worker_processes 1;
pid {directory}/pid;
error_log {directory}/log warn;
{user}
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream site {{ server unix:{socket}; keepalive 32; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        keepalive_requests 100000;
        location / {{
            proxy_pass http://site;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"""


@contextmanager
def nginx(unix_socket: Path) -> Iterator[HTTPServer]:
    """nginx in front of a site on a Unix socket, configured as in gunicorn's documentation."""
    program, port = need("nginx", "nginx", "/usr/sbin"), free_port()
    with private_directory() as directory:
        config = directory / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""  # nobody else can look into our directories
        config.write_text(NGINX.format(directory=directory, socket=unix_socket, port=port, user=user))
        command = [program, "-c", str(config), "-e", str(directory / "log")]
        with running(HTTPServer(command, directory=directory, port=port)) as server:
            yield server


# ---- a proxy in front of Ory

HAPROXY = """
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend public
    bind 127.0.0.1:{port}
    http-request early-hint Link "</style.css>; rel=preload; as=style"
    default_backend ory
backend ory
    server ory 127.0.0.1:{ory_port}
"""


@contextmanager
def haproxy(ory_port: int) -> Iterator[HTTPServer]:
    """A proxy that sends ``103 Early Hints`` before each response of Ory."""
    program, port = need("haproxy", "haproxy", "/usr/sbin"), free_port()
    with private_directory() as directory:
        config = directory / "haproxy.cfg"
        config.write_text(HAPROXY.format(port=port, ory_port=ory_port))
        with running(HTTPServer([program, "-db", "-f", str(config)], directory=directory, port=port)) as server:
            yield server
