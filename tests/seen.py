"""What a test may look at beside the pages: the project's log, and what Django's cache in memory holds."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import caches


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The ids of what was logged, the first first."""
    return [vars(record)["ory_event"] for record in caplog.records if record.name == "ory_auth"]


def in_cache() -> dict[str, Any]:
    """What is kept, by its key. ``LocMemCache`` has no public way to ask."""
    kept: dict[str, Any] = vars(caches["default"])["_cache"]
    return kept


def ends_in_cache() -> dict[str, float]:
    """When each kept entry ends."""
    ends: dict[str, float] = vars(caches["default"])["_expire_info"]
    return ends
