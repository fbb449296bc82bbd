"""How long ``ory_import_users`` takes, and how much memory it needs.

    ORY_TEST_PUBLIC_URL=http://127.0.0.1:4433 ORY_TEST_ADMIN_URL=http://127.0.0.1:4434 \
        python -m stress.import_speed --users 100000

The users have PBKDF2 hashes and verified addresses. They are in a new PostgreSQL, which this command starts. Their
identities stay at Ory, so use one that is for tests only. A second run of the command shows what an import costs if
there is nothing to do.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import uuid
from pathlib import Path

from stress.servers import PostgreSQL, postgresql

ROOT = Path(__file__).resolve().parent.parent
# Django 5.2's hash of "Sleipnir-8-legs".
PASSWORD = "pbkdf2_sha256$1000000$seasaltseasaltseasalt2$hHSEcX5nVUxSFfmC8Z6AT0k3LCAuoEIAjZNSTIcaOiE="
COLUMNS = (
    "username, email, first_name, last_name, password, is_active, is_staff, is_superuser, date_joined",
    "'user' || n || '.{run}', 'user' || n || '@{run}.example.org', 'Ada', 'Lovelace ' || n, '{password}', "
    "true, false, false, now()",
)


def main() -> None:
    options = _options()
    missing = [name for name in ("ORY_TEST_PUBLIC_URL", "ORY_TEST_ADMIN_URL") if name not in os.environ]
    if missing:
        sys.exit(f"Set {' and '.join(missing)} to the URLs of an Ory that is for tests only.")
    with postgresql() as server:
        server.run("CREATE DATABASE moving")
        variables = {**os.environ, **_settings(server.port)}
        _manage(variables, "migrate", "--verbosity", "0")
        _create_users(server, options.users)
        for name in ("first run", "second run"):
            start = time.monotonic()
            arguments = ["ory_import_users", *options.arguments]
            _manage(variables, *arguments)
            seconds = time.monotonic() - start
            rate = f"{options.users / seconds:,.0f} users per second" if name == "first run" else "nothing to do"
            print(f"{name}: {seconds:.1f} s, {rate}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"memory of the command: {peak:.0f} MiB at most")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stress.import_speed", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--users", type=int, default=100_000, help="how many users (default: %(default)s)")
    parser.add_argument("arguments", nargs="*", help="options of ory_import_users, after '--'")
    return parser.parse_args()


def _settings(port: int) -> dict[str, str]:
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "USER": "site",
        "NAME": "moving",
    }
    ory = {"SDK_URL": os.environ["ORY_TEST_PUBLIC_URL"], "ADMIN_URL": os.environ["ORY_TEST_ADMIN_URL"]}
    return {
        "DJANGO_SETTINGS_MODULE": "tests.support.moving_settings",
        "MOVING_DATABASE": json.dumps(database),
        "MOVING_ORY_AUTH": json.dumps(ory),
    }


def _create_users(server: PostgreSQL, number: int) -> None:
    """Insert the users with one statement. Their primary keys are not those of an earlier run, nor their addresses."""
    run = uuid.uuid4().hex[:8]
    names, values = COLUMNS
    values = values.format(run=run, password=PASSWORD)
    first = int(run, 16) % 10**9
    server.run(f"SELECT setval('auth_user_id_seq', {first})", "moving")
    server.run(f"INSERT INTO auth_user ({names}) SELECT {values} FROM generate_series(1, {number}) n", "moving")


def _manage(variables: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=variables, check=True)


if __name__ == "__main__":
    main()
