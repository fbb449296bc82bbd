"""The live events of Ory Network: each change is sent to a URL of the application. Lost events are not repeated.

https://www.ory.com/docs/actions/live-events
"""

from __future__ import annotations

import json
import queue
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from ..model.errors import OryError
from ..model.web_hooks import HookRequest, parse_web_hook
from . import outgoing
from .threads import start_thread

PROJECT_ID = str(uuid.UUID(int=1))
VERSION = "v1"


class EventStream:
    """Sends events in their order, in a thread that starts with the first one."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Callable[[], None]] = queue.Queue()
        self._is_running = False

    def send(self, config: dict[str, Any], timeout: float, name: str, attributes: dict[str, str]) -> None:
        """Send an event to the URL in `config`, which has `url`, `headers` and `auth` as a web hook does."""
        hook = parse_web_hook({**config, "body": ""})
        content = {
            "name": name,
            "version": VERSION,
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "projectId": PROJECT_ID,
            "eventAttributes": attributes,
        }
        headers = {"Content-Type": "application/json", **hook.headers}
        request = HookRequest("POST", hook.url, headers, json.dumps(content).encode())
        self._queue.put(lambda: _deliver(request, timeout))
        if not self._is_running:
            self._is_running = True
            start_thread(self._run)

    def clear(self) -> None:
        """Forget the events that are not delivered yet."""
        with suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
                self._queue.task_done()

    def wait(self) -> None:
        """Return when all events so far are delivered or lost."""
        self._queue.join()

    def _run(self) -> None:
        while True:
            deliver = self._queue.get()
            try:
                deliver()
            finally:
                self._queue.task_done()


def _deliver(request: HookRequest, timeout: float) -> None:
    with suppress(OryError):  # then it is lost: Ory Network does not promise that events arrive
        outgoing.send(request, timeout=timeout, retry_seconds=0)
