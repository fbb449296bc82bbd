"""The local Ory as Python code has it: start and stop it, reset it, change its configuration."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace
from typing import Any, Self

from ..endpoints import routes
from ..http.api_app import Port
from ..http.faults import Fault
from ..http.recorded_request import Received
from ..http.server import Server, bind
from ..model.clock import Clock
from ..model.config import Config
from ..model.state import State
from .direct_access import ByHand
from .fault_injection import Switches

NOTED_REQUESTS = 10_000


class LocalOry(ByHand, Switches):
    """One local Ory: a public and an admin port, served by a thread of this process.

    Every method may be called from any thread, before the start as well as after it.
    """

    def __init__(self, config: Config | None = None) -> None:
        self._config = config or Config()
        self.lock = threading.RLock()
        self.state = State(self._config)
        self.faults: list[Fault] = []
        self.requests: deque[Received] = deque(maxlen=NOTED_REQUESTS)
        self._ports = [self._config.public_port, self._config.admin_port]
        self._server: Server | None = None

    # ---- running

    def start(self) -> Self:
        """Listen on both ports; returns once connections are accepted. Raises `PortUnavailable` if one is taken."""
        if self._server is not None:
            return self
        sockets = bind(self._config.host, self._ports)
        self._ports = [sock.getsockname()[1] for sock in sockets]
        self.state.listens_at, self.state.admin_url = self.public_url, self.admin_url
        applications = (Port(self, "public", routes.PUBLIC), Port(self, "admin", routes.ADMIN))
        self._server = Server(list(zip(applications, sockets, strict=True)))
        self._server.start()
        return self

    def stop(self) -> None:
        """Close both ports and all connections at once. What is known is kept; a stopped one may start again."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    up, down = start, stop

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def public_url(self) -> str:
        return self._url(0)

    @property
    def admin_url(self) -> str:
        return self._url(1)

    def _url(self, port: int) -> str:
        host = self._config.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._ports[port]}"

    @property
    def clock(self) -> Clock:
        """Ory's clock; `clock.move(seconds)` shifts all of its times, and so expiry and TOTP."""
        return self.state.clock

    def reset(self) -> None:
        """Forget people, sessions, flows, requests, faults, changed settings and the moved clock; keep the ports."""
        with self.lock:
            self.state = State(self._config)
            self.state.listens_at, self.state.admin_url = self.public_url, self.admin_url
            self.faults.clear()
            self.requests.clear()

    def configure(self, **changes: Any) -> None:
        """Replace fields of `Config`, except for host and ports, until the next `reset`."""
        with self.lock:
            self.state.config = replace(self.state.config, **changes)
