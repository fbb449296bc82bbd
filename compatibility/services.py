"""Services that some packages need: Redis, Memcached, PostgreSQL. Each yields its address."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from stress.processes import Process, free_port, need, private_directory, running
from stress.servers import postgresql, redis


@contextmanager
def service(name: str) -> Iterator[str]:
    with SERVICES[name]() as url:
        yield url


@contextmanager
def _redis() -> Iterator[str]:
    with redis() as server:
        yield server.url


@contextmanager
def _memcached() -> Iterator[str]:
    program, port = need("memcached", "memcached"), free_port()
    with private_directory() as directory:
        command = [program, "--listen=127.0.0.1", f"--port={port}", *(["--user=nobody"] if os.geteuid() == 0 else [])]
        with running(Process(command, directory=directory, port=port)):
            yield f"127.0.0.1:{port}"


@contextmanager
def _postgresql() -> Iterator[str]:
    with postgresql() as server:
        server.run("CREATE DATABASE site")
        yield f"127.0.0.1:{server.port}"


SERVICES = {"redis": _redis, "memcached": _memcached, "postgresql": _postgresql}
