"""How much longer a ``manage.py`` command that does not talk to Ory takes with the app than without it.

Processor time is measured, as a start waits for nothing, and the slower half of either kind is left out: a processor
that is shared with others takes longer for the same work, never shorter.

As a process (``python -m trials.bench.startup with|without COMMAND …``) it is that ``manage.py``.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys

from django.conf import settings
from django.core.management import execute_from_command_line

from stress.processes import ROOT, private_directory

COMMANDS = ("check", "diffsettings")


def starts(command: str, number: int) -> tuple[list[float], list[float]]:
    """Milliseconds of the command with the app and without it, taken in turns; of either the faster half, in order."""
    took: dict[str, list[float]] = {"with": [], "without": []}
    with private_directory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(number + 1):
            for kind in random.sample(("with", "without"), 2):
                took[kind].append(_milliseconds([kind, command], environment))
    faster = [sorted(times[1:])[: (number + 1) // 2] for times in took.values()]  # the first start compiles
    return faster[0], faster[1]


def _milliseconds(arguments: list[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "trials.bench.startup", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def main() -> None:
    own = sys.argv[1] == "with"
    settings.configure(
        SECRET_KEY="a secret for the measurements",
        ROOT_URLCONF="ory_auth.urls" if own else "django.contrib.auth.urls",
        INSTALLED_APPS=[
            *(["ory_auth"] if own else []),
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            *(["ory_auth.middleware.OryMiddleware"] if own else []),
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        AUTHENTICATION_BACKENDS=[
            *(["ory_auth.backends.OryBackend"] if own else []),
            "django.contrib.auth.backends.ModelBackend",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        **({"ORY_AUTH": {"SDK_URL": "http://127.0.0.1:1"}} if own else {}),
    )
    execute_from_command_line(["manage.py", *sys.argv[2:]])


if __name__ == "__main__":
    main()
