"""The shadow user: the row of the user model that stands for an identity, found by Ory's id and nothing else.

Start reading in ``provisioning``. ``handler`` has what a project may override, ``query`` what runs at each request.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .handler import UserHandler
    from .provisioning import delete_user

__all__ = ["UserHandler", "delete_user"]

_MODULES = {"UserHandler": "handler", "delete_user": "provisioning"}


def __getattr__(name: str) -> Any:
    """Load the module of a public name only when it is needed: system checks import other modules of this package."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
