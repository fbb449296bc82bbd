"""List the other sessions of a person, and end them: here at once, on every worker, and at Ory.

Ory revokes without asking for a CSRF token, so the views ask for Django's. Ory answers 204 for any ID. So this site
looks for the ID in the person's own list first, and ends nothing that is not in it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from ...events import Event, log
from ...exceptions import AALRequired, OryUnavailable
from ...ory.client import Client
from ...ory.credentials import Credential
from ...ory.http_client import Response
from ...request.state import RequestState
from ...sessions.driver import perform
from ...sessions.ory_caller import Priority
from ...sessions.outcomes import Unavailable
from ...sessions.services import services_of
from ...types import OrySession
from ..ory_calls import call_ory
from .session_list import read_sessions


class Ended(StrEnum):
    """What a request to end sessions has done."""

    ONE = "one"
    ALL = "all"
    NONE = "none"  # it had ended before, or it is not this person's


class OwnSessionEnded(Exception):
    """Ory no longer accepts the person's own session."""


class SessionsNotEnded(Exception):
    """This site refuses the sessions from now on, but Ory has not confirmed that it has ended them."""

    def __init__(self, outage: Unavailable) -> None:
        super().__init__("Ory has not confirmed that it has ended the sessions.")
        self.outage = outage


def fetch_other_sessions(
    request: HttpRequest, state: RequestState, credential: Credential, session: OrySession
) -> list[OrySession]:
    """The person's other active sessions, the newest first.

    Raises :class:`OryUnavailable`, :class:`AALRequired` or :class:`OwnSessionEnded`.
    """

    def fetch(client: Client, is_allowed: Callable[[], bool]) -> Response:
        return client.other_sessions(credential, is_allowed)

    response = call_ory(request, state, fetch)
    if response.status == 401:
        raise OwnSessionEnded
    if response.status == 403:
        raise AALRequired
    if response.status != 200:
        raise OryUnavailable(f"Ory answered {response.status} for a list of sessions.", status=response.status)
    others = read_sessions(response, session.identity.id)
    return [other for other in others if other.id != session.id]


def end_one(
    request: HttpRequest, state: RequestState, credential: Credential, session: OrySession, session_id: UUID | None
) -> Ended:
    """End the session with this ID, if it is one of the person's others.

    Raises what :func:`fetch_other_sessions` does, and :class:`SessionsNotEnded`.
    """
    others = fetch_other_sessions(request, state, credential, session)
    chosen = [other for other in others if other.id == session_id]
    if not chosen:
        return Ended.NONE
    _end(state, session, chosen, Client.revoke_session, credential, chosen[0].id)
    return Ended.ONE


def end_all_others(request: HttpRequest, state: RequestState, credential: Credential, session: OrySession) -> Ended:
    """End all other sessions of the person. Raises the same as :func:`end_one`."""
    others = fetch_other_sessions(request, state, credential, session)
    if not others:
        return Ended.NONE
    _end(state, session, others, Client.revoke_other_sessions, credential)
    return Ended.ALL


def _end(
    state: RequestState,
    session: OrySession,
    others: list[OrySession],
    revoke: Callable[..., Response],
    *args: Any,
) -> None:
    """Refuse the sessions here first: if this process ends before Ory answers, they are refused all the same."""
    services = services_of(state.conf)
    for other in others:
        services.cache.sign_out_session(other)
    response: Response | Unavailable = perform(services.ory_call(Priority.KNOWN, revoke, *args), state.conf.timeout)
    if isinstance(response, Response) and response.status == 401:
        raise OwnSessionEnded
    if isinstance(response, Response) and response.status not in {200, 204}:
        response = Unavailable(status=response.status)
    if isinstance(response, Unavailable):
        log(response.event, status=response.status, error=response.cause, at="sessions")
        raise SessionsNotEnded(response)
    log(Event.SESSIONS_ENDED, identity=str(session.identity.id), count=len(others))
