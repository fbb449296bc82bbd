"""The sessions page: where a person is signed in, and how to end it."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.core import signing
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ...responses import refusals
from ...responses.client_kind import ClientKind
from ...sessions.services import services_of
from ...types import OrySession
from .access import Visit, account_page
from .other_sessions import Ended, SessionsNotEnded, end_all_others, end_one, fetch_other_sessions
from .session_list import SessionRow, make_row

ALL_OTHERS = "others"  # the value of the button that ends all other sessions
RESULT_SECONDS = 60  # how long the URL with a result shows it
SALT = "ory_auth.sessions"
NOT_ENDED = gettext_lazy(
    "This site no longer accepts these sessions, but Ory has not confirmed that it has ended them. Please try again."
)


@account_page(["GET", "HEAD", "POST"])
def sessions(visit: Visit) -> HttpResponse:
    """The list; by POST, end the session in ``end``, or all others."""
    if visit.request.method == "POST":
        return end_sessions(visit, "ory_auth:sessions")
    others = fetch_other_sessions(visit.request, visit.state, visit.credential, visit.session)
    return refusals.render_page(
        visit.request,
        200,
        "sessions",
        current=make_row(visit.session, is_current=True),
        others=make_rows(visit, others),
        result=read_result(visit),
    )


def make_rows(visit: Visit, sessions: list[OrySession]) -> list[SessionRow]:
    """The rows of other sessions, with when they were last used as far as this site's cache knows."""
    cache = services_of(visit.state.conf).cache
    times = cache.last_lookups([session.summary.session_id for session in sessions])
    return [make_row(session, last_used_at=_to_time(times.get(session.summary.session_id))) for session in sessions]


def _to_time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def end_sessions(visit: Visit, url_name: str) -> HttpResponse:
    """End what the form names, and return to the page, which says what was done."""
    chosen = visit.request.POST.get("end", "")
    args = visit.request, visit.state, visit.credential, visit.session
    try:
        ended = end_all_others(*args) if chosen == ALL_OTHERS else end_one(*args, _parse_id(chosen))
    except SessionsNotEnded as error:
        return refusals.unavailable(visit.request, error.outage, ("sessions_not_ended", str(NOT_ENDED)))
    if refusals.response_kind(visit.request) is ClientKind.SCRIPT:
        return HttpResponse(status=204)
    url = f"{reverse(url_name)}?{urlencode({'ended': _sign(visit, ended)})}"
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def _parse_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _sign(visit: Visit, ended: Ended) -> str:
    """The result for the URL, signed for this session: a link must not claim that sessions were ended."""
    return signing.dumps([str(visit.session.id), ended.value], salt=SALT)


def read_result(visit: Visit) -> str:
    """What the last request has done, as a sentence; empty if there was none."""
    try:
        session_id, ended = signing.loads(visit.request.GET.get("ended", ""), salt=SALT, max_age=RESULT_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    if session_id != str(visit.session.id):
        return ""
    texts = {
        Ended.ONE: _("That device has been signed out."),
        Ended.ALL: _("All other devices have been signed out."),
        Ended.NONE: _("There was nothing left to sign out."),
    }
    return texts[Ended(ended)]
