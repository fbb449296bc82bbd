"""Operations on the sessions of an identity: list them, and end them at Ory and on every worker of this site."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

from ..conf import conf
from ..events import Event
from ..exceptions import NotFound, OryResponseInvalid
from ..ory.admin_client import AdminClient
from ..ory.json_types import read_session
from ..sessions.invalidation import refuse_sessions
from ..types import OrySession
from ..users.sign_ins import known_session_ids
from .driver import Steps, ask, locally
from .effects import apply_session_end
from .targets import Who, find_id


def sessions(who: Who, *, active: bool | None = None) -> Steps[list[OrySession]]:
    """The sessions of a person, the newest first; at most 250.

    ``active=True`` leaves out those that have ended, ``active=False`` the others. Follows
    https://www.ory.com/docs/reference/api#operation/listIdentitySessions.
    """
    identity_id = yield from find_id(who)
    found = yield from ask(AdminClient.list_sessions, identity_id, active=active)
    listed = [read_session(each) for each in found]
    return sorted(listed, key=lambda session: session.authenticated_at, reverse=True)


def revoke_sessions(who: Who) -> Steps[int]:
    """End all sessions of a person, at Ory and on every worker of this site. Returns how many were active.

    If Ory cannot be asked, nothing has changed. If it fails after that, this site refuses the sessions already; call
    the function again. Follows https://www.ory.com/docs/reference/api#operation/deleteIdentitySessions.
    """
    return (yield from end_sessions((yield from find_id(who))))


def revoke_session(session_id: UUID | str) -> Steps[None]:
    """End one session, at Ory and on every worker of this site.

    Raises :class:`.NotFound` if Ory does not know it. Follows
    https://www.ory.com/docs/reference/api#operation/disableSession.
    """
    session_id = UUID(str(session_id))
    try:
        yield from _require_session(session_id)
        yield from locally(refuse_sessions, [session_id], conf())
        yield from ask(AdminClient.revoke_session, session_id)
    except NotFound:
        yield from locally(apply_session_end, session_id, conf())
        raise NotFound("Ory does not know this session.") from None
    yield from locally(apply_session_end, session_id, conf())


def end_sessions(identity_id: UUID) -> Steps[int]:
    """End all sessions of this identity."""
    active = yield from refuse_active_sessions(identity_id)
    with suppress(NotFound):  # it had no sessions
        yield from ask(AdminClient.delete_sessions, identity_id)
    yield from report_ends(identity_id, active)
    return len(active)


def refuse_active_sessions(identity_id: UUID) -> Steps[list[UUID]]:
    """Refuse the sessions on every worker before they end at Ory, so that a killed process leaves none signed in."""
    active = yield from _active_session_ids(identity_id)
    yield from locally(_refuse, identity_id, active)
    return active


def _active_session_ids(identity_id: UUID) -> Steps[list[UUID]]:
    """Those that this site has seen, if the list is too large: Ory repeats the traits in each session."""
    try:
        sessions = yield from ask(AdminClient.list_sessions, identity_id, active=True)
    except OryResponseInvalid as error:
        if error.event is not Event.ANSWER_TOO_BIG:
            raise
    else:
        return [_read_id(each) for each in sessions]
    return (yield from locally(known_session_ids, identity_id))


def report_ends(identity_id: UUID, session_ids: Iterable[UUID]) -> Steps[None]:
    """The sessions have ended at Ory, also those that this site has seen in the meantime."""
    yield from locally(_apply_ends, identity_id, session_ids)


def _require_session(session_id: UUID) -> Steps[None]:
    """Raises :class:`.NotFound`. A response that is too large, because of the person's traits, is a session."""
    try:
        yield from ask(AdminClient.get_session, session_id)
    except OryResponseInvalid as error:
        if error.event is not Event.ANSWER_TOO_BIG:
            raise


def _refuse(identity_id: UUID, session_ids: Iterable[UUID]) -> None:
    refuse_sessions({*session_ids, *known_session_ids(identity_id)}, conf())


def _apply_ends(identity_id: UUID, session_ids: Iterable[UUID]) -> None:
    for session_id in {*session_ids, *known_session_ids(identity_id)}:
        apply_session_end(session_id, conf())


def _read_id(data: dict[str, Any]) -> UUID:
    try:
        return UUID(data["id"])
    except (KeyError, ValueError, TypeError, AttributeError):
        pass
    del data
    raise OryResponseInvalid("Ory's response is not a session.", status=200)
