"""The events that operators see: one line each, in one logger, without secrets.

Events that a visitor can cause at will are sampled, so that visitors cannot fill the log.
"""

from __future__ import annotations

import logging
import threading
import time
from enum import StrEnum

from .process.forks import after_fork

logger = logging.getLogger("ory_auth")

MAX_LINES = 100  # of one sampled event, in each window and process
WINDOW_SECONDS = 10.0
MAX_LOGGED_ONCE = 1000  # lines that are logged once, in each process


class Event(StrEnum):
    """What happened. The value is the word in the log. See ``docs/reference/events.md``."""

    MULTI_CREDENTIAL = "multi_credential"
    MALFORMED = "malformed"
    CACHE_INVALID = "cache_invalid"
    CACHE_DOWN = "cache_down"
    NOT_CACHED = "not_cached"  # Ory does not allow caching, so every request calls it
    SIGNED_IN = "signed_in"
    LOGOUT = "logout"
    SESSION_GONE = "session_gone"
    EXPIRED = "expired"
    AAL_REQUIRED = "aal_required"
    IDENTITY_CHANGED = "identity_changed"
    DJANGO_LOGIN_IGNORED = "django_login_ignored"  # login() with the user of the Ory session
    IDENTITY_LINKED = "identity_linked"
    SUPERUSER_LINKED = "superuser_linked"
    EMAIL_CONFLICT = "email_conflict"
    USERNAME_CONFLICT = "username_conflict"
    ADDRESS_RELEASED = "address_released"  # another identity has verified it
    VALUE_REFUSED = "value_refused"  # a value of the identity could not be stored in the user
    GROUPS_CHANGED = "groups_changed"  # by the person's roles at Ory
    GROUPS_NOT_READ = "groups_not_read"  # Ory's admin API did not answer, so the person keeps their groups for now
    USER_DEACTIVATED = "user_deactivated"  # because Ory has deactivated or deleted the identity
    USER_REACTIVATED = "user_reactivated"
    SYNCHRONIZED = "synchronized"  # a run of ory_sync is complete
    SYNC_FAILED = "sync_failed"  # for one person, by an error of the project's own code
    USER_DELETED = "user_deleted"
    NOT_ADMITTED = "not_admitted"
    USER_MISMATCH = "user_mismatch"  # request.user is not the user of the Ory session
    SESSIONS_ENDED = "sessions_ended"  # by their owner, from another session
    ACCOUNT_DELETED = "account_deleted"
    CREATION_NOT_UNDONE = "creation_not_undone"  # an identity should not exist, and could not be deleted
    DELETION_INCOMPLETE = "deletion_incomplete"  # of an account: Ory or the database did its part, the other did not
    IMPERSONATION_STARTED = "impersonation_started"
    IMPERSONATION_ENDED = "impersonation_ended"
    IMPERSONATION_REFUSED = "impersonation_refused"
    IMPERSONATED_REQUEST = "impersonated_request"  # a request that may have changed something
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
    USER_NOT_CREATED = "user_not_created"  # a new user could not be saved
    LOGIN_LOOP = "login_loop"
    GATEWAY_REFUSED = "gateway_refused"  # a call that the gateway does not send to Ory
    WEBHOOK_RECEIVED = "webhook_received"
    WEBHOOK_REFUSED = "webhook_refused"  # a call without a valid secret, or with a body that is not Ory's
    WEBHOOK_UNCONFIRMED = "webhook_unconfirmed"  # the admin API does not say what the call says
    BLOCKING_HOOK_FAILED = "blocking_hook_failed"  # the project's function has not decided
    PASSWORD_MIGRATED = "password_migrated"  # Ory has learned a password that only Django could check
    PASSWORD_MIGRATION_REFUSED = "password_migration_refused"
    PASSWORD_MIGRATION_FAILED = "password_migration_failed"  # this site cannot say whether a password matches
    USER_READ_EARLY = "user_read_early"  # by middleware that comes before OryMiddleware


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
            Event.DELETION_INCOMPLETE,
            Event.BLOCKING_HOOK_FAILED,
            Event.CREATION_NOT_UNDONE,
            Event.PASSWORD_MIGRATION_FAILED,
            Event.SYNC_FAILED,
        ),
        logging.ERROR,
    ),
    **dict.fromkeys(
        (
            Event.MULTI_CREDENTIAL,
            Event.SIGNED_IN,
            Event.LOGOUT,
            Event.SESSIONS_ENDED,
            Event.ACCOUNT_DELETED,
            Event.SESSION_GONE,
            Event.EXPIRED,
            Event.AAL_REQUIRED,
            Event.IDENTITY_CHANGED,
            Event.IDENTITY_LINKED,
            Event.SUPERUSER_LINKED,
            Event.GROUPS_CHANGED,
            Event.PASSWORD_MIGRATED,
            Event.USER_DEACTIVATED,
            Event.USER_REACTIVATED,
            Event.SYNCHRONIZED,
            Event.BREAKER_CLOSED,
            Event.WEBHOOK_RECEIVED,
            Event.IMPERSONATION_STARTED,
            Event.IMPERSONATION_ENDED,
            Event.IMPERSONATED_REQUEST,
        ),
        logging.INFO,
    ),
}


# Visitors can cause these at will, with or without an account. Errors are never sampled.
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
        Event.IMPERSONATION_REFUSED,
        Event.BAD_RETURN_TO,
        Event.UNKNOWN_ENUM,
        Event.FLOOD,
        Event.LOGIN_LOOP,
        Event.GATEWAY_REFUSED,
        Event.WEBHOOK_RECEIVED,
        Event.WEBHOOK_REFUSED,
        Event.WEBHOOK_UNCONFIRMED,
        Event.PASSWORD_MIGRATION_REFUSED,
    }
)


def log(event: Event, **facts: str | int | float | None) -> None:
    """Write one line: the event, then those ``facts`` that are not ``None`` (kinds, fingerprints, statuses, times).

    Never pass a credential, a trait, a body or a query string. Hold no lock: a log handler may do anything, such as
    log another event.
    """
    _write(event, facts, sampled=event in SAMPLED)


def log_sampled(event: Event, **facts: str | int | float | None) -> None:
    """:func:`log` for a line that a visitor can cause at will, although its event is not in ``SAMPLED``."""
    _write(event, facts, sampled=True)


def log_once(event: Event, *, per: str = "", **facts: str | int | float | None) -> None:
    """:func:`log`, but only once in each process, or once for each ``per``.

    For mistakes in settings and for unknown parts of Ory's flows, which every request would report.
    """
    if (event, per) not in _logged_once and len(_logged_once) < MAX_LOGGED_ONCE:
        _logged_once.add((event, per))
        log(event, **facts)


def _write(event: Event, facts: dict[str, str | int | float | None], *, sampled: bool) -> None:
    # All lines of an event have the same message template, because error collectors group by it.
    level = _LEVELS.get(event, logging.WARNING)
    if not logger.isEnabledFor(level):
        return
    known = {name: value for name, value in facts.items() if value is not None}
    if sampled:
        suppressed = _samplers[event].register_line()
        if suppressed is None:
            return
        if suppressed:
            known["suppressed"] = suppressed
    text = "".join(f" {name}={value}" for name, value in known.items())
    logger.log(level, f"{event.value}%s", text, extra={"ory_event": event.value, "ory_facts": known})


class _Sampler:
    """Suppresses and counts all but the first ``MAX_LINES`` lines of an event in each window of ``WINDOW_SECONDS``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = float("-inf")
        self._logged = self._suppressed = 0

    def register_line(self) -> int | None:
        """Count a line. ``None`` if it is suppressed, else how many lines of the last window were suppressed."""
        with self._lock:
            now = time.monotonic()
            if now - self._started >= WINDOW_SECONDS:
                self._started, self._logged = now, 1
                suppressed, self._suppressed = self._suppressed, 0
                return suppressed
            if self._logged < MAX_LINES:
                self._logged += 1
                return 0
            self._suppressed += 1
            return None


_samplers = {event: _Sampler() for event in Event}
_logged_once: set[tuple[Event, str]] = set()


def reset() -> None:
    """Start with new samplers. Forked processes must not share locks with their parent, nor tests windows."""
    global _samplers
    _samplers = {event: _Sampler() for event in Event}
    _logged_once.clear()


after_fork(reset)
