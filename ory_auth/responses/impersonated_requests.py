"""What staff change as another user: refused if the impersonation has ended, otherwise logged."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase

from ..events import Event, log
from ..exceptions import OryUnavailable
from ..request import impersonation_cookie
from ..request.django_session import session_data
from ..request.state import RequestState, state_of
from ..sessions.outcomes import Unavailable
from . import refusals

ENDING_VIEWS = frozenset({"logout", "stop_impersonating"})  # of ory_auth.urls


def may_change_as_another_user(request: Any) -> bool:
    """Whether the browser has the cookie of an impersonation, and the request changes more than the impersonation."""
    if not impersonation_cookie.was_sent(request.META) or request.method in session_data.SAFE_METHODS:
        return False
    match = request.resolver_match
    return match is None or match.app_name != "ory_auth" or match.url_name not in ENDING_VIEWS


def refuse_after_impersonation(request: Any) -> HttpResponseBase | None:
    """The response to a change that was meant for a user whom the staff member no longer impersonates.

    The page that sent it showed that user. Without this, the change would be made for the staff member.
    """
    try:
        state_of(request).user()
    except OryUnavailable as error:
        return refusals.unavailable(request, Unavailable.of(error))
    return _refuse_if_ended(request)


async def arefuse_after_impersonation(request: Any) -> HttpResponseBase | None:
    """:func:`refuse_after_impersonation` for coroutines."""
    try:
        await state_of(request).aown_user()
    except OryUnavailable as error:
        return refusals.unavailable(request, Unavailable.of(error))
    return _refuse_if_ended(request)


def _refuse_if_ended(request: Any) -> HttpResponseBase | None:
    return refusals.impersonation_ended(request) if state_of(request).impersonation_has_ended else None


def log_impersonated_request(state: RequestState, response: HttpResponseBase) -> None:
    """One line for each request by which a staff member may have changed something as another user."""
    if state.impersonation_id is None or state.request.method in session_data.SAFE_METHODS:
        return
    match = state.request.resolver_match
    log(
        Event.IMPERSONATED_REQUEST,
        impersonation=str(state.impersonation_id),
        method=state.request.method,
        view=match.view_name if match is not None else None,
        status=response.status_code,
    )
