"""Host names to addresses within a time limit: the resolver of the operating system has none.

It is asked in a thread of its own, which may hang for as long as it likes: whoever waits stops waiting in time.
"""

from __future__ import annotations

import socket
import threading
from concurrent.futures import Future
from ipaddress import ip_address
from typing import Any

MAX_HANGING = 8  # attempts that may hang at once; later ones wait for the last of these


class Names:
    """The resolver of one client, safe for its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempts: dict[tuple[str, int], Future[Any]] = {}
        self._running = 0

    def addresses(self, host: str, port: int, timeout: float) -> Any:
        """What ``socket.getaddrinfo`` says, for TCP; raises ``OSError`` as it does, or ``TimeoutError`` in time."""
        if _is_address(host):  # that needs no resolver, and so no thread
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        attempt = self._attempt(host, port)
        try:
            return attempt.result(max(timeout, 0))
        except TimeoutError:
            with self._lock:  # nobody else waits for one that hangs
                if self._running < MAX_HANGING and self._attempts.get((host, port)) is attempt:
                    del self._attempts[host, port]
            raise

    def _attempt(self, host: str, port: int) -> Future[Any]:
        with self._lock:
            attempt = self._attempts.get((host, port))
            if attempt is None:
                attempt = self._attempts[host, port] = Future()
                self._running += 1
                threading.Thread(target=self._resolve, args=(host, port, attempt), daemon=True).start()
            return attempt

    def _resolve(self, host: str, port: int, attempt: Future[Any]) -> None:
        found, failure = None, None
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except Exception as error:
            failure = error
        with self._lock:
            self._running -= 1
            if self._attempts.get((host, port)) is attempt:
                del self._attempts[host, port]
        attempt.set_result(found) if failure is None else attempt.set_exception(failure)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
