"""What loading the shadow user of a session results in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..events import Event


@dataclass(frozen=True, slots=True)
class UserResult:
    """The shadow user of a session, and what has just changed.

    ``refused`` says why the user is not admitted. ``user`` may then be ``None``.
    """

    user: Any
    refused: Event | None = None
    created: bool = False
    linked: bool = False
    updated: bool = False
    new_sign_in: bool = False
