"""What a forked process must not share with its parent: sockets, threads, and locks that a thread may hold."""

from __future__ import annotations

import os
from collections.abc import Callable


def after_fork(renew: Callable[[], None]) -> None:
    """Register ``renew`` to be called in each forked process. Windows never forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew)
