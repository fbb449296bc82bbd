"""What a worker process does before and after it loads the project."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from ory_auth.sessions import rate_limit
from stress.site import slow_dns

T = TypeVar("T")


def load(application: Callable[[], T]) -> T:
    """The WSGI or ASGI application. Creates a file named by this process' pid in ``SITE_READY`` when it is ready."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stress.site.settings")
    slow_dns.install()
    if os.environ.get("SITE_SPANS"):
        import_module("stress.site.spans").install()  # it takes a while to import
    if share := os.environ.get("SITE_LIMITS"):
        _scale_limits(float(share))
    loaded = application()
    if os.environ.get("SITE_IMPLICIT_READS"):
        import_module("stress.site.implicit_reads").install()  # it needs Django to be set up
    if os.environ.get("SITE_READY"):
        (Path(os.environ["SITE_READY"]) / str(os.getpid())).touch()
    return loaded


def _scale_limits(share: float) -> None:
    """Lower the limits for unknown credentials to this share: a campaign sends fewer requests than an attacker."""
    rate = rate_limit.UNKNOWN_CREDENTIALS
    rate_limit.UNKNOWN_CREDENTIALS = rate_limit.Rate(rate.per_second * share, rate.burst * share)
