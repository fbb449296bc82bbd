"""Trouble that a test switches on, each for the length of a `with` block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from ..http import faults
from ..http.faults import Fault, Layer
from ..http.recorded_request import Received
from ..model.errors import OryError
from ..model.state import State
from . import strict_mode


class Switches:
    """What a `LocalOry` can be made to do wrong; `path` is how the paths begin that it is about."""

    faults: list[Fault]
    state: State

    def start(self) -> object:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

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

    @contextmanager
    def strict(self, api_key: str = "") -> Iterator[list[str]]:
        """Refuse what would not do in production (see `strictness`); gives the list of what was refused, and why.

        With an `api_key` the admin API wants it, as Ory Network's does.
        """
        refused: list[str] = []

        def refusal(request: Received) -> OryError | None:
            error = strict_mode.refusal(request, session_cookie=self.state.config.session_cookie_name, api_key=api_key)
            if error is not None:
                refused.append(f"{request.method} {request.path}: {error.reason}")
            return error

        with self._faulty("/", faults.refusing(refusal)):
            yield refused

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
        self.stop()
        try:
            yield
        finally:
            self.start()
