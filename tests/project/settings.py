"""A Django project as people have it, for the tests."""

import os
from urllib.parse import urlsplit

SECRET_KEY = "a secret for the tests"
DEBUG = False
USE_TZ = True
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost", "app.example.test"]
ROOT_URLCONF = "tests.project.urls"
INSTALLED_APPS = [
    "ory_auth",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework.authtoken",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "ory_auth.middleware.OryMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
AUTHENTICATION_BACKENDS = ["ory_auth.backends.OryBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "ory_auth:login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/bye"
STATIC_URL = "/static/"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": [os.path.join(os.path.dirname(__file__), "templates")],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
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
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ORY_AUTH = {"SDK_URL": "http://127.0.0.1:1"}  # every test points it at its own Ory
