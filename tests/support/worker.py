"""Another process of the same site: ``python -m tests.support.worker`` answers whose session a credential is.

The environment variable ``ORY_TEST_WORKER`` has the settings as JSON. Each line of the standard input is JSON: the
headers of a request. Each line of the output is the ID of the session that a view sees, or ``null``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import django

SessionOf = Callable[[dict[str, str]], str | None]


@contextmanager
def another_process(**settings: object) -> Iterator[SessionOf]:
    """Start a process with these settings; gives a function that asks it."""
    environment = {**os.environ, "ORY_TEST_WORKER": json.dumps(settings)}
    command = [sys.executable, "-m", "tests.support.worker"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        asked, answers = process.stdin, process.stdout

        def session_of(headers: dict[str, str]) -> str | None:
            asked.write(json.dumps(headers) + "\n")
            asked.flush()
            session_id: str | None = json.loads(answers.readline())
            return session_id

        yield session_of
        process.terminate()


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.project.settings"
    from django.conf import settings
    from django.test import Client

    for name, value in json.loads(os.environ["ORY_TEST_WORKER"]).items():
        setattr(settings, name, value)
    django.setup()
    for line in sys.stdin:
        response = Client().get("/session", headers=json.loads(line))
        print(json.dumps(response.json()["session"]), flush=True)


if __name__ == "__main__":
    main()
