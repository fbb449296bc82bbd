"""The events that operators see: one logger, one line for each, and never a secret in it.

Events that one visitor can cause as often as they like are sampled, so that nobody can fill the log.
"""

from __future__ import annotations

import logging
import threading
import time
from enum import StrEnum

from .process.forks import after_fork

logger = logging.getLogger("ory_auth")

LINES = 100  # of one sampled event, in each window and process
WINDOW = 10.0  # seconds


class Event(StrEnum):
    """What happened; the value is the word in the log. Documented in ``docs/reference/events.md``."""

    MULTI_CREDENTIAL = "multi_credential"
    MALFORMED = "malformed"
    CACHE_INVALID = "cache_invalid"
    CACHE_DOWN = "cache_down"
    NOT_CACHED = "not_cached"  # Ory does not say that its answers may be kept: every request asks it
    SIGNED_IN = "signed_in"
    LOGOUT = "logout"
    SESSION_GONE = "session_gone"
    EXPIRED = "expired"
    AAL_REQUIRED = "aal_required"
    IDENTITY_CHANGED = "identity_changed"
    DJANGO_LOGIN_IGNORED = "django_login_ignored"  # login() with the person of the Ory session
    IDENTITY_LINKED = "identity_linked"
    SUPERUSER_LINKED = "superuser_linked"
    EMAIL_CONFLICT = "email_conflict"
    USERNAME_CONFLICT = "username_conflict"
    ADDRESS_RELEASED = "address_released"  # somebody else has verified it
    VALUE_REFUSED = "value_refused"  # a field of the user did not take what the identity says
    USER_DELETED = "user_deleted"
    NOT_ADMITTED = "not_admitted"
    USER_MISMATCH = "user_mismatch"  # request.user is somebody else than the person of the Ory session
    BAD_RETURN_TO = "bad_return_to"
    BAD_ANSWER = "bad_answer"
    ANSWER_TOO_BIG = "answer_too_big"
    UNKNOWN_ENUM = "unknown_enum"
    UPSTREAM_REDIRECT = "upstream_redirect"
    UPSTREAM_REJECTS = "upstream_rejects"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    RATE_LIMITED = "rate_limited"
    NOT_READY = "not_ready"
    POOL_FULL = "pool_full"
    FLOOD = "flood"  # over a limit of ory_auth.sessions.rate_limit
    BREAKER_OPEN = "breaker_open"
    BREAKER_CLOSED = "breaker_closed"
    DB_UNAVAILABLE = "db_unavailable"
    MIGRATIONS_MISSING = "migrations_missing"
    USER_NOT_CREATED = "user_not_created"  # the user model does not take a new user
    LOGIN_LOOP = "login_loop"
    USER_READ_EARLY = "user_read_early"  # by middleware that comes before ours


_LEVELS = {
    **dict.fromkeys(
        (
            Event.BAD_ANSWER,
            Event.ANSWER_TOO_BIG,
            Event.UPSTREAM_REDIRECT,
            Event.UPSTREAM_REJECTS,
            Event.TIMEOUT,
            Event.UNAVAILABLE,
            Event.RATE_LIMITED,
            Event.NOT_READY,
            Event.POOL_FULL,
            Event.BREAKER_OPEN,
            Event.DB_UNAVAILABLE,
            Event.MIGRATIONS_MISSING,
            Event.USER_NOT_CREATED,
        ),
        logging.ERROR,
    ),
    **dict.fromkeys(
        (
            Event.MULTI_CREDENTIAL,
            Event.SIGNED_IN,
            Event.LOGOUT,
            Event.SESSION_GONE,
            Event.EXPIRED,
            Event.AAL_REQUIRED,
            Event.IDENTITY_CHANGED,
            Event.IDENTITY_LINKED,
            Event.SUPERUSER_LINKED,
            Event.BREAKER_CLOSED,
        ),
        logging.INFO,
    ),
}


# A visitor can cause these at will, with or without an account. Errors are never sampled.
SAMPLED = frozenset(
    {
        Event.MULTI_CREDENTIAL,
        Event.MALFORMED,
        Event.CACHE_INVALID,
        Event.SESSION_GONE,
        Event.EXPIRED,
        Event.AAL_REQUIRED,
        Event.USER_DELETED,
        Event.NOT_ADMITTED,
        Event.USER_MISMATCH,
        Event.DJANGO_LOGIN_IGNORED,
        Event.EMAIL_CONFLICT,
        Event.USERNAME_CONFLICT,
        Event.BAD_RETURN_TO,
        Event.UNKNOWN_ENUM,
        Event.FLOOD,
        Event.LOGIN_LOOP,
    }
)


def log(event: Event, **facts: str | int | float | None) -> None:
    """Write one line: the event, then the ``facts`` that are not ``None`` (kinds, fingerprints, statuses, times).

    The caller makes sure that no fact is a credential, a trait, a body or a query string, and that it holds no lock: a
    log handler may do anything, also log another event.
    """
    _write(event, facts, sampled=event in SAMPLED)


def log_sampled(event: Event, **facts: str | int | float | None) -> None:
    """:func:`log`, sampled also for an event that usually is not, because a visitor can cause this one at will."""
    _write(event, facts, sampled=True)


def log_once(event: Event, **facts: str | int | float | None) -> None:
    """:func:`log`, once in each process: for a mistake in the settings that every request would report."""
    if event not in _logged_once:
        _logged_once.add(event)
        log(event, **facts)


def _write(event: Event, facts: dict[str, str | int | float | None], *, sampled: bool) -> None:
    """The message's template is the same for each line of an event: error collectors group by it."""
    level = _LEVELS.get(event, logging.WARNING)
    if not logger.isEnabledFor(level):
        return
    known = {name: value for name, value in facts.items() if value is not None}
    if sampled:
        suppressed = _samplers[event].admit()
        if suppressed is None:
            return
        if suppressed:
            known["suppressed"] = suppressed
    text = "".join(f" {name}={value}" for name, value in known.items())
    logger.log(level, f"{event.value}%s", text, extra={"ory_event": event.value, "ory_facts": known})


class _Sampler:
    """Admits the first ``LINES`` lines of an event in each window of ``WINDOW`` seconds, and counts the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = float("-inf")
        self._admitted = self._suppressed = 0

    def admit(self) -> int | None:
        """How many lines of the last window were suppressed, to be logged with this one; ``None`` suppresses it too."""
        with self._lock:
            now = time.monotonic()
            if now - self._started >= WINDOW:
                self._started, self._admitted = now, 1
                suppressed, self._suppressed = self._suppressed, 0
                return suppressed
            if self._admitted < LINES:
                self._admitted += 1
                return 0
            self._suppressed += 1
            return None


_samplers = {event: _Sampler() for event in Event}
_logged_once: set[Event] = set()


def forget() -> None:
    """Start anew: a forked process shares no lock with its parent, and a test no window with the one before."""
    global _samplers
    _samplers = {event: _Sampler() for event in Event}
    _logged_once.clear()


after_fork(forget)
