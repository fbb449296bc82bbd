"""How much longer a ``manage.py`` command that does not talk to Ory takes with the app than without it, in pairs.

Processor time is measured: a start waits for nothing, and what else the machine does stays out of it.

As a process (``python -m trials.bench.startup with|without COMMAND …``) it is that ``manage.py``.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
from collections.abc import Iterator

from django.conf import settings
from django.core.management import execute_from_command_line

from trials.processes import ROOT, private_directory

COMMANDS = ("check", "diffsettings")


def pairs(command: str, number: int) -> Iterator[tuple[float, float]]:
    """Milliseconds of the command with and without the app; the first pair, which compiles, is left out."""
    with private_directory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for count in range(number + 1):
            kinds = random.sample(("with", "without"), 2)
            took = {kind: _milliseconds([kind, command], environment) for kind in kinds}
            if count:
                yield took["with"], took["without"]


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
