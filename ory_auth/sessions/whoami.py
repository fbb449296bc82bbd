"""What a response of whoami means, from Ory or from a cache. Does no I/O."""

from __future__ import annotations

from ..events import Event
from ..exceptions import OryUnavailable
from ..ory.client import Whoami, read_object
from ..ory.http_client import Response
from ..types import AAL, OrySession
from .cache.entries import Entry, remaining_seconds
from .outcomes import Outcome, SecondFactorMissing, SignedIn, SignedOut


def interpret_whoami(whoami: Whoami, now: float) -> Outcome:
    """What a response of whoami means. Raises :class:`OryUnavailable` if it says nothing. ``now`` is Unix time."""
    response = whoami.response
    if whoami.session is not None:
        return _interpret_session(whoami.session, response, now)
    match response.status:
        case 401:
            return SignedOut(Event.SESSION_GONE)
        case 403 if _error_id(response) == "session_aal2_required":
            return SecondFactorMissing()
        case 400 | 403 if b"identity_disabled" in response.body and _error_id(response) == "identity_disabled":
            return SignedOut(Event.SESSION_GONE)
        case status if 300 <= status < 400:
            event = Event.UPSTREAM_REDIRECT
        case status if 400 <= status < 500:
            event = Event.UPSTREAM_REJECTS
        case _:
            event = Event.UNAVAILABLE
    raise OryUnavailable(f"Ory answered {response.status}.", event=event, status=response.status)


def interpret_entry(entry: Entry, *, stale: bool = False) -> SignedIn | None:
    """What a cached session means now; ``None`` if it has expired meanwhile."""
    if remaining_seconds(entry.summary, entry.offset) <= 0:
        return None
    session = OrySession.from_cache(entry.summary, entry.body)
    if stale:
        session = session.capped_at(AAL.AAL1)  # a second factor has to be confirmed by Ory
    return SignedIn(session, entry.offset, stale=stale)


def _interpret_session(session: OrySession, response: Response, now: float) -> Outcome:
    clock = response.clock
    offset = clock - now if clock else 0.0
    if not session.active or session.identity.state != "active":
        return SignedOut(Event.SESSION_GONE)
    if remaining_seconds(session.summary, offset) <= 0:
        return SignedOut(Event.EXPIRED)
    return SignedIn(session, offset, cookies=response.cookies)


def _error_id(response: Response) -> object:
    """Ory's id of an error. Nothing else in it is used: releases before 26.2.5 may show details of another request."""
    error = read_object(response).get("error")
    return error.get("id") if isinstance(error, dict) else None
