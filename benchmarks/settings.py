"""Settings of the measured project. Each process reads its own environment.

``BENCH_STACK``         the middleware, a key of ``STACKS`` (default: ``ory``); only ``ory`` installs django-ory
``BENCH_ORY_URL``       Ory's public API
``BENCH_ORY_AUTH``      JSON that is merged into ``ORY_AUTH``
``BENCH_REDIS_URL``     the cache with the alias ``redis``
``BENCH_CACHE``         alias of the cache for sessions (default: ``default``, which is local memory)
``BENCH_DATABASE_URL``  ``sqlite:///…`` or ``postgres://…``
``BENCH_POOL``          ``1``: a pool of connections, which PostgreSQL needs under ASGI
"""

import json
import os

import environ

from tests.support.settings import *  # noqa: F403
from tests.support.settings import AUTHENTICATION_BACKENDS, INSTALLED_APPS

env = environ.Env()

STACKS = {
    "bare": [],
    "django": [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    "ory": ["ory_auth.middleware.OryMiddleware"],
}
STACK = os.environ.get("BENCH_STACK", "ory")
MIDDLEWARE = STACKS[STACK]
DJANGO_BACKEND = AUTHENTICATION_BACKENDS[-1]
WITH_ORY = STACK == "ory"
if not WITH_ORY:
    INSTALLED_APPS.remove("ory_auth")
    AUTHENTICATION_BACKENDS.remove("ory_auth.backends.OryBackend")

ALLOWED_HOSTS = ["127.0.0.1"]
LOGGING_CONFIG = None
ROOT_URLCONF = "benchmarks.urls"
SILENCED_SYSTEM_CHECKS = ["admin.E408", "admin.E409", "admin.E410"]  # the admin's middleware; its pages are not used
DATABASES = {"default": {**env.db_url("BENCH_DATABASE_URL", "sqlite://:memory:"), "CONN_MAX_AGE": None}}
if env.bool("BENCH_POOL", False):
    DATABASES["default"] |= {"CONN_MAX_AGE": 0, "OPTIONS": {"pool": {"min_size": 4, "max_size": 16}}}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 100_000}},
    "redis": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:1"),
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_CACHE_ALIAS = os.environ.get("BENCH_CACHE", "default")
ORY_AUTH = {
    "SDK_URL": os.environ.get("BENCH_ORY_URL", "http://127.0.0.1:1"),
    "SESSION_CACHE": SESSION_CACHE_ALIAS,
    "SESSION_CACHE_SECONDS": 3600,
    **json.loads(os.environ.get("BENCH_ORY_AUTH", "{}")),
}
