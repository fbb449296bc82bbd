"""How often the password migration hook checks passwords: in all, and for one person. The limits of one process."""

from __future__ import annotations

import hashlib
import threading
from enum import Enum, auto

from ..process.forks import after_fork
from ..sessions.rate_limit import Limit, Rate

CHECKS = Rate(10, 100)  # a check takes a quarter of a second of CPU or more
CHECKS_OF_PERSON = Rate(1 / 6, 10)  # ten at once, then ten a minute
_UNLIMITED = Rate(1e6, 1e6)


class Attempt(Enum):
    """Whether a password may be checked now."""

    ALLOWED = auto()
    TOO_MANY_FOR_PERSON = auto()
    TOO_MANY = auto()


class Attempts:
    """Token buckets, safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all, self._of_person = Limit(CHECKS), Limit(_UNLIMITED, CHECKS_OF_PERSON)

    def acquire(self, person: str) -> Attempt:
        """``person`` is what identifies the person to Ory; only a digest of it is stored."""
        key = hashlib.blake2b(person.encode(errors="surrogatepass"), digest_size=16).hexdigest()
        with self._lock:
            if not self._of_person.acquire(key):
                return Attempt.TOO_MANY_FOR_PERSON
            return Attempt.ALLOWED if self._all.acquire("") else Attempt.TOO_MANY


_attempts = Attempts()


def acquire(person: str) -> Attempt:
    """Count an attempt of this process."""
    return _attempts.acquire(person)


def reset() -> None:
    """Forget all attempts. A forked process needs a new lock: a thread of its parent may hold the old one."""
    global _attempts
    _attempts = Attempts()


after_fork(reset)
