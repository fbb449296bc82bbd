"""The contents of Django's local-memory cache, which has no public way to list them."""

from __future__ import annotations

from typing import Any

from django.core.cache import caches


def cache_contents() -> dict[str, Any]:
    """The pickled values by their keys."""
    contents: dict[str, Any] = vars(caches["default"])["_cache"]
    return contents


def cache_expiry() -> dict[str, float]:
    """When each entry expires, by key."""
    expiry: dict[str, float] = vars(caches["default"])["_expire_info"]
    return expiry
