"""The shadow user: the row of the user model that stands for an identity, found by Ory's id and nothing else.

``handler`` decides, the other modules ask and write the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .handler import UserHandler, delete_user

__all__ = ["UserHandler", "delete_user"]


def __getattr__(name: str) -> Any:
    """Load :mod:`ory_auth.users.handler` only when it is needed: system checks import other modules of this package."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import handler

    return getattr(handler, name)
