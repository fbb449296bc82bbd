"""The Django project of most tests."""

import os
from urllib.parse import urlsplit

from tests.support.settings import *  # noqa: F403
from tests.support.settings import INSTALLED_APPS, TEMPLATES

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost", "app.example.test"]
ROOT_URLCONF = "tests.project.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework.authtoken"]
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/bye"
TEMPLATES = [{**TEMPLATES[0], "DIRS": [os.path.join(os.path.dirname(__file__), "templates")]}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
if _database := os.environ.get("ORY_TEST_DATABASE_URL"):  # such as postgresql://test@127.0.0.1:5432/test
    _url = urlsplit(_database)
    DATABASES["default"] = {
        "ENGINE": f"django.db.backends.{_url.scheme}",
        "HOST": _url.hostname or "",
        "PORT": str(_url.port or ""),
        "USER": _url.username or "",
        "PASSWORD": _url.password or "",
        "NAME": _url.path.lstrip("/"),
    }
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ORY_AUTH = {"SDK_URL": "http://127.0.0.1:1"}  # the fixture ``ory`` replaces it
