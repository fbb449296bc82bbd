"""Run a command with a new PostgreSQL: ``python -m stress.on_postgresql python -m pytest tests/test_users.py``.

The tests find it by ``ORY_TEST_DATABASE_URL`` (the database of the project under test) and ``ORY_TEST_POSTGRESQL``
(one whose tables they empty, so the tests run one after the other). As root, PostgreSQL is installed if it is missing.
"""

from __future__ import annotations

import os
import subprocess
import sys

from stress.servers import postgresql


def main(command: list[str]) -> int:
    # In this locale UPPER() makes MIKE of "mıke", as in most clusters; in "C" it does not know the letter.
    os.environ["LC_ALL"] = "C.UTF-8"
    with postgresql() as server:
        server.run("CREATE DATABASE of_its_own")
        environment = {
            **os.environ,
            "ORY_TEST_DATABASE_URL": f"postgresql://site@127.0.0.1:{server.port}/postgres",
            "ORY_TEST_POSTGRESQL": f"host=127.0.0.1 port={server.port} dbname=of_its_own user=site",
        }
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
