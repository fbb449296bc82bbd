"""The login view without ``?flow=``: find out what is missing, and send the browser there."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse

from ..events import Event, log
from ..exceptions import AALRequired, NotAdmitted
from ..ory.flows import NO_PARAMETERS, FlowKind
from ..request.sign_in_marker import set_marker
from ..request.state import RequestState
from ..responses import redirect_loop, refusals
from ..sessions.outcomes import SecondFactorMissing, SignedIn, SignedOut, Unavailable
from ..types import AAL


def sign_in(
    request: HttpRequest, state: RequestState, target: str, parameters: Mapping[str, str] = NO_PARAMETERS
) -> HttpResponse:
    """Send the browser to whatever is missing, and then to ``target``. People who are not admitted get a page here.

    ``parameters`` are those that Ory starts a login with.
    """
    wants_second_factor = parameters.get("aal") == AAL.AAL2
    outcome = state.outcome()
    if isinstance(outcome, SignedOut) and outcome.remembered:
        outcome = state.outcome(fresh=True)  # a refusal from a few seconds ago may be outdated
    match outcome:
        case Unavailable(event=Event.FLOOD):
            pass  # Ory knows the session, and browsers that come back from Ory are not limited
        case Unavailable():
            raise state.outage_error(outcome)
        case SignedIn(session=session) if wants_second_factor and session.aal < AAL.AAL2:
            return refusals.require_step_up(request, AALRequired(), target, via=parameters.get("via", ""))
        case SignedIn():
            return _open_target(request, state, target)
        case SecondFactorMissing():
            return refusals.require_step_up(request, AALRequired(), target, via=parameters.get("via", ""))
        case SignedOut(reason=Event.LOGOUT):
            # Signed out here while Ory was down. The session still lives at Ory, which would redirect straight back.
            outage = state.sign_out()
            if outage:
                return refusals.unavailable(request, outage)
        case _ if redirect_loop.is_looping(request, target):
            return login_loop_page(request, state, FlowKind.LOGIN.start_url(state.conf, target, refresh=True))
    # A credential that a Django sign-in outranks is valid at Ory, which would also redirect straight back.
    outranked = outcome == SignedOut() and state.credential is not None
    if wants_second_factor:  # first the first factor, then this page again
        target = request.build_absolute_uri()
    first_factor = {name: value for name, value in parameters.items() if name not in {"aal", "via"}}
    url = FlowKind.LOGIN.start_url(state.conf, target, refresh=outranked, parameters=first_factor)
    return mark_as_sent(request, target, refusals.not_authenticated(request, url))


def _open_target(request: HttpRequest, state: RequestState, target: str) -> HttpResponse:
    """The response for a person who is signed in already."""
    state.user()
    if state.not_admitted:
        return refusals.not_admitted(request, NotAdmitted(state.not_admitted))
    if redirect_loop.is_looping(request, target):
        return permission_denied_page(request)  # the target has just sent the browser here
    return mark_as_sent(request, target, refusals.open_in_browser(request, target))


def mark_as_sent(request: HttpRequest, target: str, response: HttpResponse) -> HttpResponse:
    """Remember in the browser that it was sent away, and will come back to ``target``."""
    redirect_loop.mark_sent(request, response, target)
    set_marker(request, response)
    return response


def permission_denied_page(request: HttpRequest) -> HttpResponse:
    """403: signed in, but the page needs rights that this account does not have."""
    response = refusals.permission_denied(request)
    redirect_loop.clear(response)
    return response


def login_loop_page(request: HttpRequest, state: RequestState, try_again_url: str) -> HttpResponse:
    """A page with likely causes, instead of another redirect: the browser was at Ory, but has no session here."""
    cookie_came = state.credential_or_malformed is not None
    log(Event.LOGIN_LOOP, cookie_came=cookie_came)
    response = refusals.render_page(
        request,
        403,
        "login_loop",
        try_again_url=try_again_url,
        cookie_name=state.conf.session_cookie_name,
        cookie_came=cookie_came,
        host=request.get_host(),
        ory_url=request.build_absolute_uri(state.conf.browser_url),
    )
    redirect_loop.clear(response)
    return response
