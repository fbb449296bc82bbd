"""The smallest Django project that can be measured: its settings, its middleware stacks and its tables.

Every worker process configures it once; what differs between two workers is in :class:`Variant`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import django
from django.conf import settings

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
ORY = "ory_auth.middleware.OryMiddleware"
STACKS: dict[str, list[str]] = {
    "bare": [],
    "attributes": ["trials.bench.attributes.middleware"],
    "ory": [ORY],
    "django": [SESSIONS, AUTHENTICATION],
    "both": [SESSIONS, AUTHENTICATION, ORY],
    "other": [SESSIONS, AUTHENTICATION, "django_ory_auth.middleware.AuthenticationMiddleware"],
}
DJANGO_BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True)
class Variant:
    """The settings of one worker, and the session that its requests come with."""

    name: str
    database: str  # a SQLite file
    ory_url: str
    cookie: str = field(repr=False)  # Ory's, as a browser sends it
    identity: str
    redis_url: str = ""  # empty: local memory
    ory_auth: Mapping[str, Any] = field(default_factory=dict)  # merged into ``ORY_AUTH``
    other: bool = False  # django-ory-auth instead of ory_auth

    @property
    def cases(self) -> str:
        """The module that lists what is measured."""
        return "trials.bench.other_cases" if self.other else "trials.bench.cases"

    @property
    def caches(self) -> dict[str, dict[str, Any]]:
        if self.redis_url:
            return {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": self.redis_url}}
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


def configure(variant: Variant) -> None:
    """Set Django up for this process."""
    backend = "django_ory_auth.backend.OryBackend" if variant.other else "ory_auth.backends.OryBackend"
    settings.configure(
        SECRET_KEY="a secret for the measurements",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="trials.bench.other_urls" if variant.other else "trials.bench.urls",
        INSTALLED_APPS=[
            "django_ory_auth" if variant.other else "ory_auth",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
        ],
        MIDDLEWARE=[],
        AUTHENTICATION_BACKENDS=[backend, DJANGO_BACKEND],
        SESSION_ENGINE="django.contrib.sessions.backends.cached_db",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": variant.database, "CONN_MAX_AGE": None}},
        CACHES=variant.caches,
        USE_TZ=True,
        LOGGING_CONFIG=None,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        ORY_AUTH={"SDK_URL": variant.ory_url, "SESSION_CACHE_SECONDS": 3600, **variant.ory_auth},
        ORY_SDK_URL=variant.ory_url,  # what django-ory-auth reads
    )
    django.setup(set_prefix=False)
