"""Settings of the project that is tried, steered by the environment so that each server process gets its own.

========================  ==============================================================================
variable                  meaning
========================  ==============================================================================
``SITE_ORY_URL``          Ory's public API
``SITE_ADMIN_URL``        Ory's admin API (default: the public one)
``SITE_DATABASE_URL``     ``postgres://…`` or ``sqlite:///…`` (default: SQLite in memory)
``SITE_REDIS_URL``        the cache; without it, local memory of each process
``SITE_CACHE_BACKEND``    the class of that cache (default: Django's own for Redis)
``SITE_ORY_AUTH``         JSON that is merged into ``ORY_AUTH``
``SITE_USER_MODEL``       ``auth.User`` (default) or ``members.Member``, whose e-mail is unique
``SITE_POOL``             size of the connection pool for PostgreSQL, which ASGI needs
``SITE_ATOMIC``           ``1``: ``ATOMIC_REQUESTS``
``SITE_CONN_MAX_AGE``     Django's ``CONN_MAX_AGE`` (default: 60)
``SITE_DEBUG``            ``1``: Django's ``DEBUG``
``SITE_LOG``              file for every log line at DEBUG level
``SITE_IMPLICIT_READS``   ``1``: code that reads ``request.user``, see :mod:`stress.site.implicit_reads`
``SITE_LIMITS``           factor for the limits of unknown credentials, see :mod:`stress.site.worker`
``SITE_SPANS``            file for OpenTelemetry's spans and metrics
``SITE_READY``            directory in which each worker creates a file named by its pid when it is ready
``SITE_SLOW_NAME``        host name that stands for 127.0.0.1, see :mod:`stress.site.slow_dns`
``SITE_SLOW_NAME_WHILE``  file: while it exists, that name does not resolve
========================  ==============================================================================
"""

import json
import os

import environ

from tests.support.settings import *  # noqa: F403
from tests.support.settings import INSTALLED_APPS, MIDDLEWARE

env = environ.Env()

DEBUG = env.bool("SITE_DEBUG", False)
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "stress.site.urls"
WSGI_APPLICATION = "stress.site.wsgi.application"
INSTALLED_APPS = [*INSTALLED_APPS, "stress.site.members", "rest_framework"]
if env.bool("SITE_IMPLICIT_READS", False):
    MIDDLEWARE = [*MIDDLEWARE, "stress.site.implicit_reads.middleware"]
AUTH_USER_MODEL = os.environ.get("SITE_USER_MODEL") or "auth.User"
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/silent"

DATABASES = {
    "default": {
        **env.db_url("SITE_DATABASE_URL", "sqlite://:memory:"),
        "ATOMIC_REQUESTS": env.bool("SITE_ATOMIC", False),
        "CONN_MAX_AGE": env.int("SITE_CONN_MAX_AGE", 60),
        "CONN_HEALTH_CHECKS": True,
    }
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE"}
else:
    DATABASES["default"]["OPTIONS"] = {"connect_timeout": 2}
if env.int("SITE_POOL", 0):
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": env.int("SITE_POOL"), "timeout": 5}

if os.environ.get("SITE_REDIS_URL"):
    CACHES = {
        "default": {
            "BACKEND": os.environ.get("SITE_CACHE_BACKEND") or "django.core.cache.backends.redis.RedisCache",
            "LOCATION": os.environ["SITE_REDIS_URL"],
            # redis-py allows 100 connections, which is fewer than there are requests at once in some campaigns.
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1, "max_connections": 500},
        }
    }
else:
    CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 50_000}}
    }

ORY_URL = os.environ.get("SITE_ORY_URL") or "http://127.0.0.1:1"
ORY_AUTH = {
    "SDK_URL": ORY_URL,
    "ADMIN_URL": os.environ.get("SITE_ADMIN_URL") or ORY_URL,
    **json.loads(os.environ.get("SITE_ORY_AUTH") or "{}"),
}

if os.environ.get("SITE_LOG"):
    LOGGING = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "%(asctime)s %(process)d %(levelname)s %(name)s %(message)s"}},
        "handlers": {
            "file": {"class": "logging.FileHandler", "filename": os.environ["SITE_LOG"], "formatter": "plain"}
        },
        "root": {"handlers": ["file"], "level": "DEBUG"},
        "loggers": {
            "django": {"level": "DEBUG", "handlers": [], "propagate": True},
            "django.db.backends": {"level": "INFO"},  # with DEBUG it prints all values of every query, by design
        },
    }
    if env.bool("SITE_IMPLICIT_READS", False):
        LOGGING["handlers"]["implicit_reads"] = {"class": "stress.site.implicit_reads.Handler", "level": "INFO"}
        LOGGING["root"]["handlers"].append("implicit_reads")
