"""What the requests of a process share when they look up sessions: the caches, the limits, and the calls to Ory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ..conf import Conf
from ..process.forks import after_fork
from .cache.negative_cache import NegativeCache
from .cache.shared_cache import SessionCache
from .driver import OryCall
from .fetch import SessionFetcher
from .ory_caller import ClientCall, OryCaller, Priority
from .outcomes import Outcome
from .rate_limit import RateLimiter
from .single_flight import SingleFlight


class Services:
    """The shared objects of one process, for one set of settings."""

    def __init__(self, conf: Conf) -> None:
        self.cache = SessionCache(conf)
        self.negative_cache = NegativeCache(conf.refused_cache_seconds)
        self.limiter = RateLimiter()
        self.caller = OryCaller(conf)
        self.lookups: SingleFlight[Outcome] = SingleFlight(conf.timeout)
        self.fetcher = SessionFetcher(conf, self.cache, self.limiter, self.negative_cache, self.lookups)
        self._timeout = conf.timeout

    def ory_call(
        self, priority: Priority, action: Callable[..., Any], *args: Any, timeout: float | None = None
    ) -> OryCall:
        """The effect that calls ``action(client, *args)``. Its result is what that returns, or an ``Unavailable``.

        ``timeout`` is in seconds; by default it is ``TIMEOUT``.
        """
        return ClientCall(self.caller, self._timeout if timeout is None else timeout, priority, action, *args)


_current: tuple[Conf, Services] | None = None
_lock = threading.Lock()


def services_of(conf: Conf) -> Services:
    """The shared objects of this process for these settings."""
    global _current
    current = _current
    if current is None or current[0] is not conf:
        with _lock:
            if _current is not None and _current[0] is conf:
                return _current[1]
            _close(_current)
            current = _current = (conf, Services(conf))
    return current[1]


def reset_services() -> None:
    """Start again: a forked process must not share sockets, threads or locks with its parent."""
    global _current, _lock
    _close(_current)
    _current, _lock = None, threading.Lock()


def _close(former: tuple[Conf, Services] | None) -> None:
    if former is not None:
        former[1].cache.close()


after_fork(reset_services)
