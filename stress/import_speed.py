"""How long ``ory_import_users`` takes, and how much memory it needs.

    ORY_TEST_KRATOS=/usr/local/bin/kratos python -m stress.import_speed --users 100000

The users have PBKDF2 hashes. They are in a new PostgreSQL, which this command starts, as those of Kratos are: see
``stress/kratos.py``. Another Ory keeps the identities, so use one that is for tests only. A second run of the command
shows what an import costs if there is nothing to do.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import uuid

from stress.kratos import RealOry, real_ory
from stress.servers import PostgreSQL, postgresql
from stress.usage import Usage, run_measured

# Django 5.2's hash of "Sleipnir-8-legs".
PASSWORD = "pbkdf2_sha256$1000000$seasaltseasaltseasalt2$hHSEcX5nVUxSFfmC8Z6AT0k3LCAuoEIAjZNSTIcaOiE="
COLUMNS = (
    "username, email, first_name, last_name, password, is_active, is_staff, is_superuser, date_joined",
    "'user' || n || '.{run}', 'user' || n || '@{run}.example.org', 'Ada', 'Lovelace ' || n, '{password}', "
    "true, false, false, now()",
)


def main() -> None:
    options = _options()
    with postgresql() as server, real_ory(server) as ory:
        server.run("CREATE DATABASE moving")
        variables = {**os.environ, **_settings(server.port, ory)}
        _manage(variables, "migrate", "--verbosity", "0")
        _create_users(server, options.users)
        first = _manage(variables, "ory_import_users", *options.arguments)
        print(f"first run: {first}, {options.users / first.seconds:,.0f} users per second", flush=True)
        print(f"second run, with nothing to do: {_manage(variables, 'ory_import_users', *options.arguments)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stress.import_speed", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--users", type=int, default=100_000, help="how many users (default: %(default)s)")
    parser.add_argument("arguments", nargs="*", help="options of ory_import_users, after '--'")
    return parser.parse_args()


def _settings(port: int, ory: RealOry) -> dict[str, str]:
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "USER": "site",
        "NAME": "moving",
    }
    return {
        "DJANGO_SETTINGS_MODULE": "tests.support.moving_settings",
        "MOVING_DATABASE": json.dumps(database),
        "MOVING_ORY_AUTH": json.dumps({"SDK_URL": ory.public_url, "ADMIN_URL": ory.admin_url}),
    }


def _create_users(server: PostgreSQL, number: int) -> None:
    """Insert the users with one statement. Their primary keys are not those of an earlier run, nor their addresses."""
    run = uuid.uuid4().hex[:8]
    names, values = COLUMNS
    values = values.format(run=run, password=PASSWORD)
    first = int(run, 16) % 10**9
    server.run(f"SELECT setval('auth_user_id_seq', {first})", "moving")
    server.run(f"INSERT INTO auth_user ({names}) SELECT {values} FROM generate_series(1, {number}) n", "moving")


def _manage(variables: dict[str, str], *arguments: str) -> Usage:
    return run_measured([sys.executable, "manage.py", *arguments], variables)


if __name__ == "__main__":
    main()
