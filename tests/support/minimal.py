"""A project without optional libraries: run as a program, it starts, ``check`` passes, and a page is served."""

import sys
from importlib.util import find_spec

import django
from django.conf import settings
from django.core.management import call_command
from django.test import Client

for optional in ("rest_framework", "ninja", "channels", "starlette", "uvicorn"):
    if find_spec(optional):
        sys.exit(f"{optional} is installed, so this proves nothing.")

settings.configure(
    SECRET_KEY="bare",
    ALLOWED_HOSTS=["testserver"],
    INSTALLED_APPS=["ory_auth", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "ory_auth.middleware.OryMiddleware",
    ],
    AUTHENTICATION_BACKENDS=["ory_auth.backends.OryBackend"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    ROOT_URLCONF="ory_auth.urls",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ORY_AUTH={"SDK_URL": "http://127.0.0.1:1"},
)
django.setup()
call_command("check")
assert Client().get("/nowhere").status_code == 404
print("1 passed, 0 failed")
