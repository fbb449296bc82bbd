"""What a forked process must not share with its parent: sockets, threads, and locks that a thread may hold."""

from __future__ import annotations

import os
from collections.abc import Callable


def after_fork(renew: Callable[[], None]) -> None:
    """Call this function in each forked process. On Windows processes are never forked."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew)
