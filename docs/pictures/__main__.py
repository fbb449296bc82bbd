"""``python docs/pictures``: the pictures of pages, made anew. Needs Chromium.

A site with nothing in it but this package's own pages, before a local Ory: up for the first, down for the other.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

import django  # noqa: E402
from django.conf import settings  # noqa: E402

from ory_auth.local import Config, LocalOry  # noqa: E402

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


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
        site.set_app(_site(ory.public_url))
        threading.Thread(target=site.serve_forever, daemon=True).start()
        _take(chromium, f"{ory.public_url}/self-service/login/browser", "sign-in", 480)
        with ory.stopped():
            _take(chromium, f"{base}/auth/error?id=x", "unavailable", 380)
    site.shutdown()


def _site(ory_url: str) -> WSGIApplication:
    templates = {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {}}
    settings.configure(
        SECRET_KEY="of pictures",
        ALLOWED_HOSTS=["127.0.0.1"],
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.staticfiles", "ory_auth"],
        MIDDLEWARE=["ory_auth.middleware.OryMiddleware"],
        TEMPLATES=[templates],
        STATIC_URL="static/",
        DEBUG=True,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        ORY_AUTH={"SDK_URL": ory_url},
        LOGGING_CONFIG=None,
    )
    django.setup()
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.wsgi import get_wsgi_application
    from django.urls import include, path

    settings.ROOT_URLCONF = (path("auth/", include("ory_auth.urls")),)
    return StaticFilesHandler(get_wsgi_application())


def _take(chromium: str, url: str, name: str, height: int) -> None:
    picture = HERE / f"{name}.png"
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"]
        command = [chromium, *options, f"--window-size=760,{height}", f"--screenshot={picture}", url]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    print(picture.relative_to(HERE.parent.parent))


if __name__ == "__main__":
    main()
