"""Make the pictures of pages and commands again: ``python docs/pictures``. Needs Chromium.

The site has nothing but the pages of this package. The pictures come from real runs against a local Ory.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE)]

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from terminal import svg  # noqa: E402

from ory_auth.local import Config, LocalOry  # noqa: E402

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

CONTRIB = "django.contrib"
APPS = ("auth", "contenttypes", "sessions", "staticfiles")
SHOWN = "Ory, from a browser on this site"  # the section of ory_check's report that the picture shows


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next((found for name in names if (found := shutil.which(name))), None)
    if chromium is None:
        sys.exit("Chromium is needed: install it, or put it on PATH.")
    site = WSGIServer(("127.0.0.1", 0), Quiet)
    base = f"http://127.0.0.1:{site.server_port}"
    with LocalOry(Config(public_port=0, admin_port=0, ui_base=f"{base}/auth", default_return_url=base)) as ory:
        site.set_app(_site(ory))
        threading.Thread(target=site.serve_forever, daemon=True).start()
        _photograph(chromium, f"{ory.public_url}/self-service/login/browser", "sign-in", 480)
        settings.DEBUG = False  # the page for visitors, without help for developers
        with ory.stopped():
            _photograph(chromium, f"{base}/auth/error?id=x", "unavailable", 380)
        settings.DEBUG = True
    site.shutdown()
    _picture_of_ory_check()


def _site(ory: LocalOry) -> WSGIApplication:
    templates = {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
    settings.configure(
        SECRET_KEY="only for these pictures, which need no secret",
        ALLOWED_HOSTS=["127.0.0.1"],
        INSTALLED_APPS=[
            *(f"{CONTRIB}.{app}" for app in ("auth", "contenttypes", "sessions", "staticfiles")),
            "ory_auth",
        ],
        MIDDLEWARE=[
            f"{CONTRIB}.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            f"{CONTRIB}.auth.middleware.AuthenticationMiddleware",
            "ory_auth.middleware.OryMiddleware",
        ],
        AUTHENTICATION_BACKENDS=["ory_auth.backends.OryBackend"],
        LOGIN_URL="ory_auth:login",
        LOGIN_REDIRECT_URL="/",
        TEMPLATES=[templates],
        STATIC_URL="static/",
        DEBUG=True,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        ORY_AUTH={"SDK_URL": ory.public_url, "ADMIN_URL": ory.admin_url},
        LOGGING_CONFIG=None,
    )
    django.setup()
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import include, path

    home = path("", lambda request: HttpResponse("Home"))
    settings.ROOT_URLCONF = (path("auth/", include("ory_auth.urls")), home)
    return StaticFilesHandler(get_wsgi_application())


def _photograph(chromium: str, url: str, name: str, height: int) -> None:
    picture = HERE / f"{name}.png"
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"]
        size = [f"--window-size=760,{height}", "--force-device-scale-factor=2"]
        command = [chromium, *options, *size, f"--screenshot={picture}", url]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    print(picture.relative_to(HERE.parent.parent))


def _picture_of_ory_check() -> None:
    """``ory_check`` with an Ory that sends browsers to pages on another port, as after Kratos' quickstart."""
    elsewhere = "http://127.0.0.1:4455"
    with LocalOry(Config(ui_base=elsewhere, default_return_url="http://127.0.0.1:8000")) as ory:
        settings.ORY_AUTH = {"SDK_URL": ory.public_url, "ADMIN_URL": ory.admin_url}
        call_command("migrate", verbosity=0)
        report = io.StringIO()
        with contextlib.suppress(SystemExit):  # ory_check ends with 2 if something is wrong
            call_command("ory_check", site=["http://127.0.0.1:8000"], force_color=True, stdout=report)
    sections = report.getvalue().strip().split("\n\n")
    shown = next(section for section in sections if SHOWN in section)
    result = sections[-1].splitlines()[-1]
    picture = HERE / "ory_check.svg"
    picture.write_text(svg("python manage.py ory_check", f"…\n\n{shown}\n\n…\n\n{result}"))
    print(picture.relative_to(HERE.parent.parent))


if __name__ == "__main__":
    main()
