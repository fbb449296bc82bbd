"""Calls of ``ory_auth.identities``, sync and async."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from ory_auth import identities

Call = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Call:
    """Call a function of ``identities`` by its name, or its async twin."""

    def perform(name: str, *args: Any, **kwargs: Any) -> Any:
        if request.param == "sync":
            return getattr(identities, name)(*args, **kwargs)
        return async_to_sync(getattr(identities, f"a{name}"))(*args, **kwargs)

    return perform


def new_email() -> str:
    return f"{uuid.uuid4().hex[:12]}@example.org"
