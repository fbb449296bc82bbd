"""A small Django project in a directory. Its tests run in separate processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SETTINGS = """
SECRET_KEY = "a secret for the tests"
ALLOWED_HOSTS = ["testserver", "localhost"]
ROOT_URLCONF = "shop.urls"
STATIC_URL = "/static/"
INSTALLED_APPS = ["ory_auth", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "ory_auth.middleware.OryMiddleware",
]
AUTHENTICATION_BACKENDS = ["ory_auth.backends.OryBackend"]
LOGIN_URL = "ory_auth:login"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
ORY_AUTH = {"SDK_URL": "https://playful-name.projects.oryapis.com", "API_KEY": "ory_pat_of_production"}
"""

URLS = """
from django.http import HttpResponse
from django.urls import include, path

from ory_auth.decorators import ory_required


@ory_required
def orders(request):
    return HttpResponse(f"Orders of {request.user.email}")


@ory_required
async def aorders(request):
    return HttpResponse(f"Orders of {(await request.auser()).email}")


urlpatterns = [path("orders", orders), path("aorders", aorders), path("auth/", include("ory_auth.urls"))]
"""


WITHOUT = """
import sys
from importlib.machinery import PathFinder


class Without:
    def __init__(self, find, missing):
        self.find, self.missing = find, missing

    def __call__(self, name, *rest):
        return None if name.partition(".")[0] in self.missing else self.find(name, *rest)


PathFinder.find_spec = Without(PathFinder.find_spec, sys.argv[1].split())
import pytest  # stores the finder at import

sys.exit(pytest.main(sys.argv[2:]))
"""


class Sample:
    """The project in ``path``. The package looks installed there, with its entry points."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._installed = path / "installed"
        self.write("shop/__init__.py", "")
        self.write("shop/settings.py", SETTINGS)
        self.write("shop/urls.py", URLS)
        self._install()

    def write(self, name: str, text: str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def _install(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        groups = [
            "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())])
            for group, entries in project["entry-points"].items()
        ]
        info = f"{self._installed.relative_to(self.path)}/django_ory-0.dist-info"
        self.write(f"{info}/METADATA", "Metadata-Version: 2.1\nName: django-ory\nVersion: 0\n")
        self.write(f"{info}/entry_points.txt", "\n".join(groups))

    def pytest(self, *arguments: str, without: Sequence[str] = (), settings: str = "shop.settings") -> Result:
        """Run its tests. ``without`` names modules that look as if they were not installed."""
        given = ["-p", "no:cacheprovider", "-W", "error", *arguments]
        return self._run("-c", WITHOUT, " ".join(without), *given, settings=settings)

    def manage(self, *arguments: str) -> Result:
        return self._run("-W", "error", "-m", "django", *arguments)

    def _run(self, *arguments: str, settings: str = "shop.settings") -> Result:
        path = os.pathsep.join(map(str, [self.path, self._installed, ROOT]))
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "DJANGO"))}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.path,
            env={**clean, "PYTHONPATH": path, **({"DJANGO_SETTINGS_MODULE": settings} if settings else {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Result(done.returncode, done.stdout + done.stderr)


class Result:
    """The exit code and the output of a run."""

    def __init__(self, code: int, output: str) -> None:
        self.code, self.output = code, output

    def __repr__(self) -> str:
        return f"exit code {self.code}\n{self.output}"
