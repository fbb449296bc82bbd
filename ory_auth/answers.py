"""What an answer of Ory's means: decided here, once and without I/O, for fresh answers and for kept ones."""

from __future__ import annotations

from .client import Answer, read_object
from .entries import Entry, remaining
from .events import Event
from .exceptions import OryResponseInvalid, OryUnavailable
from .outcomes import Outcome, SecondFactorMissing, SignedIn, SignedOut
from .types import AAL, OrySession


def judge(answer: Answer, now: float) -> Outcome:
    """What an answer of whoami means; raises :class:`OryUnavailable` where it does not tell. ``now`` is Unix time."""
    match answer.status:
        case 200:
            return _judge_session(answer, now)
        case 401:
            return SignedOut(Event.SESSION_GONE)
        case 403 if _error_id(answer) == "session_aal2_required":
            return SecondFactorMissing()
        case status if 300 <= status < 400:
            event = Event.UPSTREAM_REDIRECT
        case status if 400 <= status < 500:
            event = Event.UPSTREAM_REJECTS
        case _:
            event = Event.UNAVAILABLE
    raise OryUnavailable(f"Ory answered {answer.status}.", event=event, status=answer.status)


def judge_entry(entry: Entry, *, stale: bool = False) -> SignedIn | None:
    """What a kept answer is worth now; ``None`` where its session has ended meanwhile."""
    if remaining(entry.facts, entry.offset) <= 0:
        return None
    session = OrySession.kept(entry.facts, entry.body)
    if stale:
        session = session.at_most(AAL.AAL1)  # nobody has vouched for a second factor lately
    return SignedIn(session, entry.offset, stale=stale)


def _judge_session(answer: Answer, now: float) -> Outcome:
    try:
        session = OrySession.from_json(answer.body)
    except ValueError as error:
        raise OryResponseInvalid(f"Ory's answer is {error}.", status=200) from None
    about = answer.headers.get("x-kratos-authenticated-identity-id")
    if about is not None and about.strip().lower() != str(session.identity.id):
        raise OryResponseInvalid("Ory's answer is about somebody else than its header says.", status=200)
    clock = answer.clock
    offset = clock - now if clock else 0.0
    if not session.active or session.identity.state != "active":
        return SignedOut(Event.SESSION_GONE)
    if remaining(session.facts, offset) <= 0:
        return SignedOut(Event.EXPIRED)
    return SignedIn(session, offset, cookies=answer.cookies)


def _error_id(answer: Answer) -> object:
    error = read_object(answer).get("error")
    return error.get("id") if isinstance(error, dict) else None
