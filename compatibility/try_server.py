"""``python -m compatibility.try_server NAME``: try one server; prints one line of JSON."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import urllib3

from compatibility.package import Unexpected, expect, expect_that
from compatibility.servers import SERVERS, WORKERS, Server
from stress.ory import CreatedSession, ory
from stress.processes import ROOT, free_port, private_directory, running
from stress.servers import Site, redis

REQUESTS, AT_ONCE = 200, 40
SECONDS = 1.5  # that a request under way takes
# Not those about sockets and databases that a process leaves open when it ends, nor granian's about its own fork().
WARNINGS = "default,ignore::ResourceWarning,ignore::DeprecationWarning:multiprocessing.popen_fork"


def main() -> None:
    server = next(each for each in SERVERS if each.name == sys.argv[1])
    started = time.monotonic()
    problems = problems_of(server)
    row = {
        "versions": {name: version(name) for name in server.requirements},
        "problems": problems,
        "seconds": round(time.monotonic() - started, 1),
    }
    print(json.dumps(row), flush=True)


def problems_of(server: Server) -> list[str]:
    with ory() as identities, redis() as cache, private_directory() as directory:
        environment = {
            "DJANGO_SETTINGS_MODULE": "compatibility.site_settings",
            "SITE_ORY_URL": identities.public_url,
            "SITE_ADMIN_URL": identities.admin_url,
            "SITE_DATABASE_URL": f"sqlite:///{directory / 'site.sqlite3'}",
            "SITE_REDIS_URL": cache.url,
        }
        subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env={**os.environ, **environment}, check=True, cwd=ROOT)  # fmt: skip  # noqa: E501
        log = ""
        try:
            with serve(server, environment) as site:
                visits = Visits(site, server, identities.people(3))
                for step in (visits.each_sees_themselves, visits.sign_out, visits.stop):
                    try:
                        step()
                    finally:
                        log = site.log.read_text(errors="replace")
                lines = [line for line in log.splitlines() if _is_trouble(line)]
                expect(lines[:5], [], "lines in the server's log")
        except Exception as error:
            print(log, file=sys.stderr)
            return [str(error) if isinstance(error, Unexpected) else f"{type(error).__name__}: {error}"]
    return []


def _is_trouble(line: str) -> bool:
    return any(word in line for word in ("Traceback", "Warning:", "Error:", "ERROR", "Exception"))


@contextmanager
def serve(server: Server, environment: dict[str, str]) -> Iterator[Site]:
    port = free_port()
    first, *rest = (part.format(port=port) for part in server.command)
    command = [os.path.join(os.path.dirname(sys.executable), first), *rest]
    if first == "-m":
        command = [sys.executable, first, *rest]
    with private_directory() as directory:
        (directory / "ready").mkdir()
        given = {"SITE_READY": str(directory / "ready"), "PYTHONWARNINGS": WARNINGS, **environment}
        site = Site(command, directory=directory, port=port, environment=given)
        site.workers = 1 if server.name == "daphne" else WORKERS
        with running(site):
            yield site


class Visits:
    """Three people at a site with several workers."""

    def __init__(self, site: Site, server: Server, people: list[CreatedSession]) -> None:
        self.site, self.server, self.people = site, server, people
        self.paths = ["/who", "/guarded", *(["/awho", "/aguarded"] if server.asynchronous else [])]

    def get(self, path: str, headers: dict[str, str], method: str = "GET") -> Any:
        """The status, and the JSON of a 200. A new connection each time, so that every worker gets some."""
        headers = {"Accept": "application/json", "Connection": "close", **headers}
        with urllib3.PoolManager(retries=False) as http:
            response = http.request(method, self.site.url + path, headers=headers, timeout=60)
        return response.status, response.json() if response.status == 200 else response.data[:200]

    def each_sees_themselves(self) -> None:
        """200 requests, 40 at once, by cookie and by token."""
        for person in self.people:
            expect(self.get("/who", person.by_cookie)[1]["email"], person.email, "the first request of a person")
        order = [random.choice(self.people) for _ in range(REQUESTS)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            replies = list(pool.map(self._one, range(REQUESTS), order))
        wrong = [reply for reply, person in zip(replies, order, strict=True) if reply[1].get("email") != person.email]
        expect(wrong[:3], [], "requests that saw somebody else, or nobody")
        if self.server.name != "daphne":
            expect_that(len({reply[1]["pid"] for reply in replies}) > 1, "all requests went to one worker")

    def _one(self, number: int, person: CreatedSession) -> Any:
        headers = (person.by_cookie, person.by_token, person.by_bearer)[number % 3]
        status, body = self.get(self.paths[number % len(self.paths)], headers)
        return status, body if isinstance(body, dict) else {"body": body}

    def sign_out(self) -> None:
        """Seen by every worker at the next request."""
        leaving, *staying = self.people
        expect(self.get("/django-logout", leaving.by_cookie, "POST")[0], 200, "the sign-out")
        seen: set[int] = set()
        for number in range(40):
            status, body = self.get(self.paths[0], leaving.by_cookie)
            expect((status, body.get("identity")), (200, None), "somebody who has signed out")
            seen.add(body["pid"])
            if len(seen) >= self.site.workers and number > 6:
                break
        for person in staying:
            expect(self.get("/who", person.by_cookie)[1]["email"], person.email, "the others after a sign-out")

    def stop(self) -> None:
        """SIGTERM with requests under way: they are answered if the server waits, and it ends with 0."""
        answers: list[Any] = []
        path = f"/{'aslow' if self.server.asynchronous else 'slow'}?seconds={SECONDS}"

        def ask(person: CreatedSession) -> None:
            try:
                answers.append((person.email, self.get(path, person.by_cookie)))
            except Exception as error:
                answers.append((person.email, (0, f"{type(error).__name__}: {error}")))

        # As many as there are workers that take one at a time.
        threads = [threading.Thread(target=ask, args=[person]) for person in self.people[1:]]
        for thread in threads:
            thread.start()
        time.sleep(SECONDS / 3)
        assert self.site.popen
        self.site.popen.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        for email, (status, body) in answers if self.server.waits else []:
            expect((status, body.get("email") if isinstance(body, dict) else body), (200, email), "a request under way")
        expect(self.site.popen.wait(20), 0, "the exit status of the server")


if __name__ == "__main__":
    main()
