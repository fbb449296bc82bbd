"""Faults that a test switches on, each for the duration of a `with` block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from ..http import faults
from ..http.faults import Fault, Layer
from ..http.recorded_request import RecordedRequest
from ..model.errors import OryError
from ..model.state import State
from . import strict_mode


class FaultInjection:
    """The methods of `LocalOry` that cause faults. A fault with a `path` affects all paths that begin with it."""

    faults: list[Fault]
    state: State

    def start(self) -> object:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def slow(self, seconds: float, path: str = "/") -> AbstractContextManager[None]:
        """Wait before responding."""
        return self._inject(path, faults.delay(seconds))

    def failing(
        self, status: int = 500, headers: dict[str, str] | None = None, body: bytes = b"", path: str = "/"
    ) -> AbstractContextManager[None]:
        """Send this response instead."""
        return self._inject(path, faults.respond_with(status, headers or {}, body))

    def dripping(self, seconds_per_byte: float, path: str = "/", headers: bool = False) -> AbstractContextManager[None]:
        """Send the body byte by byte, or with `headers` the whole response."""
        return self._inject(path, faults.drip(seconds_per_byte, headers))

    def hang_up(self, path: str = "/") -> AbstractContextManager[None]:
        """Close the connection without a response."""
        return self._inject(path, faults.close_connection())

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Listen on neither port: connections are refused."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def database_down(self, ready: int = 503) -> Iterator[None]:
        """Respond as Kratos without its database: 401 from whoami, `ready` from /health/ready, otherwise 500."""
        self.state.database_is_up, self.state.ready_status = False, ready
        try:
            yield
        finally:
            self.state.database_is_up, self.state.ready_status = True, 200

    @contextmanager
    def strict(self, api_key: str = "") -> Iterator[list[str]]:
        """Refuse requests that would fail or leak a credential in production. Yields a list of their descriptions.

        With an `api_key` the admin API requires it, as in Ory Network. `strict_mode` has the rules.
        """
        violations: list[str] = []

        def find_error(request: RecordedRequest) -> OryError | None:
            cookie_name = self.state.config.session_cookie_name
            error = strict_mode.find_violation(request, session_cookie=cookie_name, api_key=api_key)
            if error is not None:
                violations.append(f"{request.method} {request.path}: {error.reason}")
            return error

        with self._inject("/", faults.refuse(find_error)):
            yield violations

    @contextmanager
    def _inject(self, path: str, layer: Layer) -> Iterator[None]:
        fault = Fault(path, layer)
        self.faults.append(fault)
        try:
            yield
        finally:
            if fault in self.faults:
                self.faults.remove(fault)
