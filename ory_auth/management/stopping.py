"""Ctrl-C in a long command: the batch under way is finished first. A second Ctrl-C ends it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop(threading.Event):
    """Set once the command is asked to stop. ``signal`` is the number of the signal, or 0."""

    signal = 0


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """An event that Ctrl-C (or SIGTERM) sets. In other threads than the main one, no signal sets it."""
    stop = Stop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.signal = number
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, on_signal) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
