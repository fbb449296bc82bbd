"""The events that operators see: one logger, one line for each, and never a secret in it."""

from __future__ import annotations

import logging
from enum import StrEnum

logger = logging.getLogger("ory_auth")


class Event(StrEnum):
    """What happened; the value is the word in the log. Documented in ``docs`` as the threat table."""

    MULTI_CREDENTIAL = "multi_credential"
    MALFORMED = "malformed"
    CACHE_INVALID = "cache_invalid"
    CACHE_DOWN = "cache_down"
    NOT_CACHED = "not_cached"  # Ory does not say that its answers may be kept: every request asks it
    LOGOUT = "logout"
    SESSION_GONE = "session_gone"
    EXPIRED = "expired"
    AAL_REQUIRED = "aal_required"
    IDENTITY_CHANGED = "identity_changed"
    IDENTITY_LINKED = "identity_linked"
    EMAIL_CONFLICT = "email_conflict"
    USERNAME_CONFLICT = "username_conflict"
    NOT_ADMITTED = "not_admitted"
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
    FLOOD = "flood"  # a credential that was never good, when too many of those were refused lately
    BREAKER_OPEN = "breaker_open"
    BREAKER_CLOSED = "breaker_closed"
    DB_UNAVAILABLE = "db_unavailable"
    LOGIN_LOOP = "login_loop"


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
        ),
        logging.ERROR,
    ),
    **dict.fromkeys(
        (
            Event.MULTI_CREDENTIAL,
            Event.LOGOUT,
            Event.SESSION_GONE,
            Event.EXPIRED,
            Event.AAL_REQUIRED,
            Event.IDENTITY_CHANGED,
            Event.IDENTITY_LINKED,
            Event.BREAKER_CLOSED,
        ),
        logging.INFO,
    ),
}


def log(event: Event, **facts: str | int | float | None) -> None:
    """Write one line: the event, then ``facts`` that are set (kinds, fingerprints, statuses, milliseconds).

    Whoever calls this answers for it that no fact is a credential, a trait, a body or a query string.
    """
    level = _LEVELS.get(event, logging.WARNING)
    if logger.isEnabledFor(level):
        known = {name: value for name, value in facts.items() if value is not None}
        text = "".join(f" {name}={value}" for name, value in known.items())
        logger.log(level, "%s%s", event.value, text, extra={"ory_event": event.value, "ory_facts": known})
