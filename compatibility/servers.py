"""The servers, and how each is started, with two workers if it has workers."""

from __future__ import annotations

from dataclasses import dataclass

from compatibility.package import Verdict

WSGI, ASGI = "stress.site.wsgi:application", "stress.site.asgi:application"
WORKERS = 2
DOES_NOT_WAIT = (
    "When it gets SIGTERM, it may not answer requests under way. This is so with any project: take the server out "
    "of the load balancer first."
)


@dataclass(frozen=True)
class Server:
    """A server; ``command`` has the arguments of ``python``, or starts with a program."""

    name: str
    distribution: str
    command: tuple[str, ...]
    asynchronous: bool = False  # also opens async views
    install: tuple[str, ...] = ()
    waits: bool = True  # for requests under way when it is stopped
    note: str = ""
    verdict: Verdict = Verdict.WORKS

    @property
    def requirements(self) -> tuple[str, ...]:
        return self.install or (self.distribution,)


def _gunicorn(*options: str) -> tuple[str, ...]:
    return ("-m", "gunicorn", WSGI, "--bind=127.0.0.1:{port}", f"--workers={WORKERS}", "--no-control-socket", *options)


SERVERS = (
    Server("gunicorn, sync", "gunicorn", _gunicorn("--worker-class=sync")),
    Server("gunicorn, gthread", "gunicorn", _gunicorn("--worker-class=gthread", "--threads=8")),
    Server(
        "gunicorn, gevent",
        "gunicorn",
        _gunicorn("--worker-class=gevent"),
        install=("gunicorn", "gevent"),
        note="Sync views only, as with plain Django: an async view's running loop belongs to the whole thread.",
    ),
    Server(
        "uvicorn",
        "uvicorn",
        ("-m", "uvicorn", ASGI, "--port={port}", f"--workers={WORKERS}", "--lifespan=off"),
        asynchronous=True,
    ),
    Server(
        "daphne",
        "daphne",
        ("-m", "daphne", "-p", "{port}", ASGI),
        asynchronous=True,
        waits=False,
        note=f"One process, as it has no workers. {DOES_NOT_WAIT}",
    ),
    Server(
        "hypercorn",
        "hypercorn",
        ("-m", "hypercorn", ASGI, "--bind=127.0.0.1:{port}", f"--workers={WORKERS}"),
        asynchronous=True,
        waits=False,
        note=DOES_NOT_WAIT,
    ),
    Server(
        "granian, ASGI",
        "granian",
        ("-m", "granian", "--interface=asginl", "--port={port}", f"--workers={WORKERS}", ASGI),
        asynchronous=True,
    ),
    Server(
        "granian, WSGI",
        "granian",
        ("-m", "granian", "--interface=wsgi", "--port={port}", f"--workers={WORKERS}", "--blocking-threads=8", WSGI),
    ),
    Server(
        "uWSGI",
        "uwsgi",
        (
            "uwsgi",
            "--http-socket=127.0.0.1:{port}",
            "--module",
            WSGI,
            "--master",
            f"--processes={WORKERS}",
            "--threads=4",
            "--enable-threads",
            "--hook-master-start=unix_signal:15 gracefully_kill_them_all",
            "--lazy-apps",
            "--need-app",
        ),
        note="Set `enable-threads`, and `hook-master-start = unix_signal:15 gracefully_kill_them_all`. Without "
        "the hook, SIGTERM does not wait for requests under way.",
    ),
)
