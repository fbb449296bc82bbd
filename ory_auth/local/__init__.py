"""A small server that speaks Ory Kratos' HTTP, for development and tests only.

It keeps everything in memory and has no pages. What it answers is compared with recordings of Kratos 26.2.0.

    with LocalOry(Config(public_port=0, admin_port=0)) as ory:
        ada = ory.create_identity(email="ada@example.org", password="correct horse 9")
        session = ory.create_session(ada["id"])
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, Literal, Self

from . import admin, faults, routes
from .clock import Clock
from .config import Config
from .cookies import SessionCookie
from .faults import Fault, Layer
from .ports import Port, Received
from .second_factors import backup_config, totp_config
from .server import PortUnavailable, Server, bind
from .sessions import Device, Method, Session
from .state import State

__all__ = ["Config", "GivenSession", "LocalOry", "PortUnavailable", "Received"]

NOTED_REQUESTS = 10_000


class GivenSession:
    """A session made without walking a flow: its id, and its credential in both forms."""

    def __init__(self, session: Session, cookie: str) -> None:
        self.id = session.id
        self.token = session.token
        self.cookie = cookie


class LocalOry:
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

    # ---- people and sessions

    def create_identity(
        self,
        *,
        email: str | None = None,
        password: str | None = None,
        traits: dict[str, Any] | None = None,
        state: str = "active",
        metadata_public: Any = None,
        totp: str | None = None,
        lookup_codes: list[str] | None = None,
        verified: bool = False,
    ) -> dict[str, Any]:
        """Add a person; gives what the admin API would.

        `totp` is a secret in base32 (of 112 bits at least: a ValueError if not), `lookup_codes` are backup codes,
        `verified` is about the e-mail address. Raises `OryError` for traits that the schema refuses and for a login
        name that is taken.
        """
        configs = {
            "password": {"password": password} if password else None,
            "totp": totp_config(totp, email or "somebody") if totp else None,
            "lookup_secret": backup_config(lookup_codes) if lookup_codes else None,
        }
        content = {
            "traits": {**({"email": email} if email else {}), **(traits or {})},
            "state": state,
            "metadata_public": metadata_public,
            "credentials": {kind: {"config": config} for kind, config in configs.items() if config},
        }
        with self.lock:
            identity = admin.new_identity(self.state, content)
            for address in identity.verifiable if verified else []:
                address.verify(self.clock.now())
            return admin.shown(self.state, identity)

    def create_session(
        self, identity_id: str, aal: Literal["aal1", "aal2"] = "aal1", via: Literal["token", "cookie"] = "token"
    ) -> GivenSession:
        """Sign somebody in without a flow. Both credentials are given, whatever `via` says."""
        with self.lock:
            now = self.clock.now()
            methods = [Method("password", now), *([Method("totp", now)] if aal == "aal2" else [])]
            session = self.state.add_session(self.state.identity(identity_id), methods, Device("127.0.0.1:0", None))
            value = SessionCookie(session.token, session.expires_at).sign(self.state.secret)
            return GivenSession(session, f"{self.state.config.session_cookie_name}={value}")

    # ---- faults

    @contextmanager
    def _faulty(self, path: str, layer: Layer) -> Iterator[None]:
        fault = Fault(path, layer)
        self.faults.append(fault)
        try:
            yield
        finally:
            if fault in self.faults:
                self.faults.remove(fault)

    def slow(self, seconds: float, path: str = "/") -> AbstractContextManager[None]:
        """Wait before answering."""
        return self._faulty(path, faults.slow(seconds))

    def failing(
        self, status: int = 500, headers: dict[str, str] | None = None, body: bytes = b"", path: str = "/"
    ) -> AbstractContextManager[None]:
        """Answer this instead: any status, any body."""
        return self._faulty(path, faults.failing(status, headers or {}, body))

    def dripping(self, seconds_per_byte: float, path: str = "/", headers: bool = False) -> AbstractContextManager[None]:
        """Answer byte by byte; with `headers`, from the status line on."""
        return self._faulty(path, faults.dripping(seconds_per_byte, headers))

    def hang_up(self, path: str = "/") -> AbstractContextManager[None]:
        """Close the connection without an answer."""
        return self._faulty(path, faults.hanging_up())

    @contextmanager
    def database_down(self, ready: int = 503) -> Iterator[None]:
        """As Kratos without its database: 401 from whoami for everyone, `ready` from /health/ready, else 500."""
        self.state.database_is_up, self.state.ready_status = False, ready
        try:
            yield
        finally:
            self.state.database_is_up, self.state.ready_status = True, 200

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Listen on neither port: connections are refused."""
        self.down()
        try:
            yield
        finally:
            self.up()
