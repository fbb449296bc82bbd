"""Resolve host names within a time limit, which the operating system's resolver does not have.

The resolver runs in a thread, which may hang for any time. Its callers stop waiting when their time is over.
"""

from __future__ import annotations

import socket
import threading
from concurrent.futures import Future
from ipaddress import ip_address
from typing import Any

MAX_STUCK_LOOKUPS = 8  # lookups that may hang at the same time; later callers wait for the last of these


class Resolver:
    """Resolves names for one client; safe for its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lookups: dict[tuple[str, int], Future[Any]] = {}
        self._running = 0

    def resolve(self, host: str, port: int, timeout: float) -> Any:
        """The addresses for TCP, as ``socket.getaddrinfo`` returns them.

        ``timeout`` is in seconds. Raises ``OSError`` like ``getaddrinfo``, or ``TimeoutError``.
        """
        if _is_address(host):  # needs no resolver, and so no thread
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        lookup = self._join_or_start(host, port)
        try:
            return lookup.result(max(timeout, 0))
        except TimeoutError:
            with self._lock:  # the next caller starts another lookup, unless too many hang
                if self._running < MAX_STUCK_LOOKUPS and self._lookups.get((host, port)) is lookup:
                    del self._lookups[host, port]
            raise

    def _join_or_start(self, host: str, port: int) -> Future[Any]:
        with self._lock:
            lookup = self._lookups.get((host, port))
            if lookup is None:
                lookup = self._lookups[host, port] = Future()
                self._running += 1
                threading.Thread(target=self._run, args=(host, port, lookup), daemon=True).start()
            return lookup

    def _run(self, host: str, port: int, lookup: Future[Any]) -> None:
        addresses, failure = None, None
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except Exception as error:
            failure = error
        with self._lock:
            self._running -= 1
            if self._lookups.get((host, port)) is lookup:
                del self._lookups[host, port]
        lookup.set_result(addresses) if failure is None else lookup.set_exception(failure)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
