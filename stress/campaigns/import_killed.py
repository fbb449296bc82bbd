"""An import that is killed again and again: afterwards each user is at Ory exactly once, with the old password.

``kill -9`` comes at random: at times while the command starts, mostly within a batch, or between Ory's answer and the
database.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stress import servers
from stress.campaign import Figure, Result, campaign
from stress.environment import Environment
from stress.ory import Ory
from stress.processes import ROOT
from tests.support.ory import send

COMMAND = (sys.executable, "-m", "django", "ory_import_users")
BATCH = "--batch-size=20"
PAGE = 500
SECONDS_OF_WORK = 0.3  # after its first batch, before a run is killed at the latest
POLL = 0.02  # seconds
PASSWORD = "Ratatosk-9-tree"
SIGN_INS = 20
SEED = 19
HOLDS_WHEN = "after an import that was killed again and again, each user is at Ory exactly once and can sign in"

USERS = """
INSERT INTO auth_user (username, email, password, first_name, last_name, is_superuser, is_staff, is_active, date_joined)
SELECT 'killed-' || n, 'killed-' || n || '@example.org', 'md5$salt$' || md5('salt' || '{password}'),
       '', '', false, false, true, now()
FROM generate_series(1, {count}) n
"""
LINKS = "SELECT auth_user.id, link.id FROM auth_user LEFT JOIN ory_auth_oryidentity link ON link.user_id = auth_user.id"


@campaign("import-killed", 21, HOLDS_WHEN)
def import_killed(env: Environment) -> Result:
    kills, users = env.scaled(20, 3), env.scaled(15_000, 1_000)
    with servers.ory() as ory:
        database = env.new_database()
        name = database.rpartition("/")[2]
        env.postgresql.run(USERS.format(password=PASSWORD, count=users), name)
        run = _Runs({"SITE_ADMIN_URL": ory.admin_url, "SITE_ORY_URL": ory.public_url, "SITE_DATABASE_URL": database})
        run.kill_repeatedly(kills, lambda: len(_links(env, name)))
        failed = run.to_the_end()
        seen = _Comparison(users, list(_identities(ory)), _links(env, name))
        refused = sum(
            not _signs_in(ory, number) for number in random.Random(SEED).sample(range(1, users + 1), SIGN_INS)
        )
        failed += run.to_the_end()
        again = len(list(_identities(ory)))
    return Result(
        [
            Figure("users", users),
            Figure("runs killed", run.killed),
            Figure("killed during the work", run.killed_during_work),
            Figure("runs that failed", failed, 0),
            Figure("not at Ory", seen.lost, 0),
            Figure("twice at Ory", seen.doubled, 0),
            Figure("linked to nobody or to somebody else", seen.wrongly_linked, 0),
            Figure("left inactive", seen.inactive, 0),
            Figure("old passwords refused", refused, 0),
            Figure("changed by another run", abs(again - seen.identities), 0),
            Figure("seconds of the last run", run.seconds),
        ],
        run.examples,
    )


class _Runs:
    """Runs of the command. ``seconds`` is the duration of the latest complete one."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {
            **os.environ,
            **environment,
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "stress.site.settings",
        }
        self._chance = random.Random(SEED)
        self.killed = self.killed_during_work = 0
        self.seconds = 0.0
        self.examples: list[str] = []

    def kill_repeatedly(self, times: int, count_links: Any) -> None:
        started = time.monotonic()
        self._complete("--dry-run")
        start_up = time.monotonic() - started
        for number in range(times):
            before = count_links()
            process = self._start(BATCH)
            if number % 4 == 0:
                time.sleep(self._chance.uniform(0, start_up))
            else:
                while process.poll() is None and count_links() == before:
                    time.sleep(POLL)
                time.sleep(self._chance.uniform(0, SECONDS_OF_WORK))
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                self.killed += 1
            process.wait()
            self.killed_during_work += count_links() > before

    def to_the_end(self) -> int:
        """Returns 1 if the command failed."""
        started = time.monotonic()
        done = self._complete(BATCH)
        self.seconds = round(time.monotonic() - started, 1)
        if done.returncode:
            self.examples += done.stdout.splitlines()[-5:]
        return int(done.returncode != 0)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        nowhere = subprocess.DEVNULL
        return subprocess.Popen(
            [*COMMAND, *arguments],
            env=self._environment,
            cwd=ROOT,
            stdin=nowhere,
            stdout=nowhere,
            stderr=nowhere,
            start_new_session=True,
        )

    def _complete(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*COMMAND, *arguments]
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.run(command, env=self._environment, cwd=ROOT, check=False, **streams)


# ---- afterwards


def _identities(ory: Ory) -> Iterator[dict[str, Any]]:
    """All identities with an ``external_id``."""
    token = ""
    while True:
        query = f"page_size={PAGE}{'&page_token=' + token if token else ''}"
        page = send("GET", f"{ory.admin_url}/admin/identities?{query}").json
        yield from (one for one in page if one.get("external_id"))
        if len(page) < PAGE:
            return
        token = page[-1]["id"]


def _links(env: Environment, database: str) -> dict[str, str]:
    """Primary key of a user → ID of the linked identity."""
    rows = (line.split("|") for line in env.postgresql.run(LINKS, database).splitlines())
    return {user: identity for user, identity in rows if identity}


@dataclass
class _Comparison:
    """The users and the identities at the end."""

    users: int
    found: list[dict[str, Any]]
    links: dict[str, str]

    @property
    def identities(self) -> int:
        return len(self.found)

    @property
    def lost(self) -> int:
        """Users without a link to an identity that exists."""
        known = {one["id"] for one in self.found}
        return self.users - sum(identity in known for identity in self.links.values())

    @property
    def doubled(self) -> int:
        owners = Counter(one["external_id"] for one in self.found)
        addresses = Counter(one["traits"]["email"].lower() for one in self.found)
        return sum(count - 1 for several in (owners, addresses) for count in several.values())

    @property
    def wrongly_linked(self) -> int:
        """Identities whose ``external_id`` is not the user who is linked to them."""
        return sum(self.links.get(one["external_id"]) != one["id"] for one in self.found)

    @property
    def inactive(self) -> int:
        return sum(one["state"] != "active" for one in self.found)


def _signs_in(ory: Ory, number: int) -> bool:
    flow = ory.http.public("GET", "/self-service/login/api").json
    body = {"method": "password", "identifier": f"killed-{number}@example.org", "password": PASSWORD}
    return ory.http.public("POST", f"/self-service/login?flow={flow['id']}", body=body).status == 200
