"""The one local Ory of a test process, the settings that point a project at it, and what a process remembers."""

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
from ory_auth.local.model.config import PERSON_SCHEMA
from ory_auth.process.forks import after_fork
from ory_auth.sessions.services import reset_services
from ory_auth.users import row_cache

API_KEY = "ory_pat_of_the_local_ory"  # opens nothing: a real one of the project's settings is never sent anywhere


def _any_person() -> dict[str, Any]:
    """The identity schema of the local Ory, with room for whatever else a project's schema has."""
    schema = deepcopy(PERSON_SCHEMA)
    traits = schema["properties"]["traits"]
    del traits["required"], traits["additionalProperties"]
    return schema


_current: LocalOry | None = None


def local_ory() -> LocalOry:
    """The local Ory of this process, on free ports; it starts at the first call and ends with the process."""
    global _current
    if _current is None:
        _current = LocalOry(Config(public_port=0, admin_port=0, schema=_any_person())).start()
        atexit.register(_current.stop)
    return _current


def _forget_server() -> None:
    global _current
    _current = None  # a forked process has the server's sockets, and not its thread


after_fork(_forget_server)


def pointed_at(local: LocalOry) -> dict[str, Any]:
    """The project's ``ORY_AUTH`` with that Ory in it; nothing is kept between requests, so each asks Ory anew."""
    project = getattr(settings, "ORY_AUTH", None)
    return {
        **(project if isinstance(project, Mapping) else {}),
        "SDK_URL": local.public_url,
        "BROWSER_URL": local.public_url,
        "ADMIN_URL": local.admin_url,
        "API_KEY": API_KEY,
        "SESSION_COOKIE_NAME": _cookie_name(),
        "SESSION_CACHE_SECONDS": 0,
        "LOCAL_CACHE_SECONDS": 0,
        "REFUSED_CACHE_SECONDS": 0,
        "USER_CACHE_SECONDS": 0,
    }


def _cookie_name() -> str:
    """The project's own, given or derived, where its settings say enough for that."""
    try:
        return conf().session_cookie_name
    except ImproperlyConfigured:
        return KRATOS_COOKIE


def forget() -> None:
    """Let this process remember nothing: no pause, no open breaker, no sign-out, no row of a user."""
    events.reset()
    reset_services()
    row_cache.reset()
