"""Compares all identities at Ory with all users of this site, and makes the users follow.

Start reading in ``run``. ``comparison`` decides, and does no I/O.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import SyncStopped
    from .run import synchronize
    from .summary import Drift, Summary

__all__ = ["Drift", "Summary", "SyncStopped", "synchronize"]

_MODULES = {"Drift": "summary", "Summary": "summary", "SyncStopped": "errors", "synchronize": "run"}


def __getattr__(name: str) -> Any:
    """Load the module of a public name only when it is needed: it loads the models."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
