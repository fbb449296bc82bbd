"""Whether code runs in an event loop."""

from __future__ import annotations

import asyncio


def in_event_loop() -> bool:
    """Whether this runs in an event loop, where nothing may block."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
