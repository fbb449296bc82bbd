"""Impersonation: a staff member sees the site as another user. See ``docs/how-to/impersonation.md``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .guard import no_impersonation
    from .start_stop import astart, astop, may_impersonate, start, stop

__all__ = ["astart", "astop", "may_impersonate", "no_impersonation", "start", "stop"]


def __getattr__(name: str) -> Any:
    """Load the module of a public name only when it is needed: the admin's module loads before the models do."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(".guard" if name == "no_impersonation" else ".start_stop", __name__), name)
