"""The Ory that ``stress.import_speed`` and ``stress.sync_speed`` measure with: a real one, since a local one is faster.

``ORY_TEST_KRATOS`` names the binary of Kratos, which then runs for as long as the measurement, in the same PostgreSQL.
For an Ory that is running already, set ``ORY_TEST_PUBLIC_URL`` and ``ORY_TEST_ADMIN_URL`` instead.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stress.processes import ROOT, HTTPServer, free_port, private_directory, running
from stress.servers import PostgreSQL

USAGE = "Set ORY_TEST_KRATOS to Kratos, or ORY_TEST_PUBLIC_URL and ORY_TEST_ADMIN_URL to an Ory for tests."


@dataclass(frozen=True)
class RealOry:
    public_url: str
    admin_url: str


@contextmanager
def real_ory(server: PostgreSQL) -> Iterator[RealOry]:
    """The Ory that the environment names, or a new Kratos without identities."""
    binary = os.environ.get("ORY_TEST_KRATOS")
    public_url, admin_url = os.environ.get("ORY_TEST_PUBLIC_URL"), os.environ.get("ORY_TEST_ADMIN_URL")
    if binary:
        with _run_kratos(binary, server) as kratos:
            yield kratos
    elif public_url and admin_url:
        yield RealOry(public_url, admin_url)
    else:
        sys.exit(USAGE)


@contextmanager
def _run_kratos(binary: str, server: PostgreSQL) -> Iterator[RealOry]:
    server.run("CREATE DATABASE kratos")
    public, admin = free_port(), free_port()
    environment = {"DSN": f"postgres://site@127.0.0.1:{server.port}/kratos?sslmode=disable&max_conns=20"}
    with private_directory() as directory:
        config = directory / "kratos.json"
        config.write_text(json.dumps({"serve": {"public": {"port": public}, "admin": {"port": admin}}}))
        _migrate(binary, environment)
        files = ["-c", str(ROOT / "contrib" / "kratos" / "kratos.yaml"), "-c", str(config)]
        command = [binary, "serve", *files, "--dev", "--sqa-opt-out"]
        with running(HTTPServer(command, directory=directory, port=admin, environment=environment)) as kratos:
            yield RealOry(f"http://127.0.0.1:{public}", kratos.url)


def _migrate(binary: str, environment: dict[str, str]) -> None:
    result = subprocess.run(
        [binary, "migrate", "sql", "up", "--read-from-env", "--yes"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        sys.exit(f"Kratos could not create its tables:\n{result.stderr[-2000:]}")
