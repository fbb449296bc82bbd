"""`LocalOry`: starts and stops the server, resets it, and changes its configuration."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace
from typing import Any, Self

from ..endpoints import routes
from ..http.api_app import ApiApp
from ..http.edge import Edge
from ..http.event_stream import EventStream
from ..http.faults import Fault
from ..http.recorded_request import RecordedRequest
from ..http.server import Server, bind_sockets
from ..model.clock import Clock
from ..model.config import Config
from ..model.mailbox import Mailbox
from ..model.state import State
from .direct_access import DirectAccess
from .fault_injection import FaultInjection

MAX_RECORDED_REQUESTS = 10_000


class LocalOry(DirectAccess, FaultInjection):
    """One local Ory: a public and an admin port, served by a thread of this process.

    You may call each method from any thread, before and after `start`.
    """

    def __init__(self, config: Config | None = None) -> None:
        self._config = config or Config()
        self.lock = threading.RLock()
        self.event_stream = EventStream()
        self.state = self._new_state()
        self.faults: list[Fault] = []
        self.requests: deque[RecordedRequest] = deque(maxlen=MAX_RECORDED_REQUESTS)
        self._ports = [self._config.public_port, self._config.admin_port]
        self._server: Server | None = None

    # ---- start and stop

    def start(self) -> Self:
        """Listen on both ports. Returns once they accept connections. Raises `PortUnavailable` if one is taken."""
        if self._server is not None:
            return self
        sockets = bind_sockets(self._config.host, self._ports)
        self._ports = [sock.getsockname()[1] for sock in sockets]
        self._set_urls()
        public, admin = ApiApp(self, "public", routes.PUBLIC), ApiApp(self, "admin", routes.ADMIN)
        self._server = Server(list(zip((Edge(self, public), admin), sockets, strict=True)))
        self._server.start()
        return self

    def stop(self) -> None:
        """Close both ports and all connections at once. The data stays, and you may start again."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def public_url(self) -> str:
        return self._url(self._ports[0])

    @property
    def admin_url(self) -> str:
        return self._url(self._ports[1])

    def _url(self, port: int) -> str:
        host = self._config.host
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def _set_urls(self) -> None:
        self.state.listening_url, self.state.admin_url = self.public_url, self.admin_url

    # ---- clock, data and configuration

    @property
    def clock(self) -> Clock:
        """Ory's clock. `clock.move(seconds)` changes all of its times, and so expiry and TOTP codes."""
        return self.state.clock

    @property
    def mailbox(self) -> Mailbox:
        """The messages that Ory has sent: `mailbox.latest("ada@example.org").code` is the latest code."""
        return self.state.mailbox

    def reset(self) -> None:
        """Delete all data, recorded requests and faults, and reset the clock and the configuration. Ports stay."""
        with self.lock:
            self.event_stream.clear()
            self.state = self._new_state()
            self._set_urls()
            self.faults.clear()
            self.requests.clear()

    def _new_state(self) -> State:
        state = State(self._config)

        def emit(name: str, attributes: dict[str, str]) -> None:
            if state.config.events:
                self.event_stream.send(state.config.events, state.config.hook_timeout, name, attributes)

        state.emit = emit
        return state

    def wait_for_events(self) -> None:
        """Return when the application has received all live events so far: see `Config.events`."""
        self.event_stream.wait()

    def configure(self, **changes: Any) -> None:
        """Change fields of `Config` until the next `reset`. Changes of host and ports have no effect."""
        with self.lock:
            self.state.config = replace(self.state.config, **changes)
