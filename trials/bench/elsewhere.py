"""The environment of django-ory-auth 0.1.3, made once in the user's cache directory: it wants libraries of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import django

PACKAGE = "django-ory-auth==0.1.3"


class NotInstallable(RuntimeError):
    """pip says why."""


def interpreter() -> str:
    """The Python of an environment with that package and this very Django; raises :class:`NotInstallable`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "django-ory-trials"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    home = cache / f"{PACKAGE}-django-{django.__version__}-python-{version}"
    python = home / "bin" / "python"
    if not (home / "done").exists():
        venv.create(home, clear=True, with_pip=True)
        wanted = [PACKAGE, f"django=={django.__version__}", "psutil"]
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise NotInstallable(done.stderr.strip().splitlines()[-1])
        (home / "done").touch()
    return str(python)
