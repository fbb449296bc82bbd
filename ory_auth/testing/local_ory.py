"""The local Ory of this test process, and the settings that make the project use it."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ory_auth import events
from ory_auth.conf import KRATOS_COOKIE, conf
from ory_auth.local import Config, LocalOry
from ory_auth.local.model.person_schema import PERSON_SCHEMA
from ory_auth.process.forks import after_fork
from ory_auth.sessions.services import reset_services
from ory_auth.users import row_cache

API_KEY = "ory_pat_of_the_local_ory"  # a fake one, so that the project's real key is never sent anywhere


def _schema_without_limits() -> dict[str, Any]:
    """An identity schema that accepts any traits, because a project may have any schema."""
    schema = deepcopy(PERSON_SCHEMA)
    traits = schema["properties"]["traits"]
    del traits["required"], traits["additionalProperties"]
    return schema


_local_ory: LocalOry | None = None


def get_local_ory() -> LocalOry:
    """The local Ory of this process, on free ports. It starts at the first call, and stops when the process ends."""
    global _local_ory
    if _local_ory is None:
        _local_ory = LocalOry(Config(public_port=0, admin_port=0, schema=_schema_without_limits())).start()
        atexit.register(_local_ory.stop)
    return _local_ory


def _drop_local_ory() -> None:
    global _local_ory
    _local_ory = None  # a forked process has the sockets, but not the thread that serves them


after_fork(_drop_local_ory)


def make_settings(local: LocalOry) -> dict[str, Any]:
    """The project's ``ORY_AUTH``, changed to use this Ory and to cache nothing, so that each request asks it again."""
    project = getattr(settings, "ORY_AUTH", None)
    keys = project if isinstance(project, Mapping) else {}
    browser_url = str(keys.get("BROWSER_URL"))
    return {
        **keys,
        "SDK_URL": local.public_url,
        "BROWSER_URL": browser_url if browser_url.startswith("/") else local.public_url,  # a path: the gateway
        "ADMIN_URL": local.admin_url,
        "API_KEY": API_KEY,
        "SESSION_COOKIE_NAME": _cookie_name(),
        "SESSION_CACHE_SECONDS": 0,
        "LOCAL_CACHE_SECONDS": 0,
        "REFUSED_CACHE_SECONDS": 0,
        "USER_CACHE_SECONDS": 0,
    }


def _cookie_name() -> str:
    """The cookie name from the project's settings, or Kratos' default if they are incomplete."""
    try:
        return conf().session_cookie_name
    except ImproperlyConfigured:
        return KRATOS_COOKIE


def reset_process_state() -> None:
    """Clear what this package keeps in the process: circuit breaker, rate limits, pending sign-outs, cached users."""
    events.reset()
    reset_services()
    row_cache.reset()
