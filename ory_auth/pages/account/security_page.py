"""The security overview, and "this wasn't me", which leads through what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from ...exceptions import AALRequired, OryUnavailable
from ...ory import cookies
from ...ory.admin_api import fetch_credential_facts
from ...ory.client import Client, read_object
from ...ory.http_client import Response
from ...responses import refusals
from ..ory_calls import call_ory
from .access import Visit, account_page
from .credentials import Credentials, read_credentials
from .other_sessions import OwnSessionEnded, fetch_other_sessions
from .overview import make_overview
from .session_list import make_row
from .sessions_page import end_sessions, make_rows, read_result


@account_page(["GET", "HEAD"])
def security(visit: Visit) -> HttpResponse:
    """What protects the account, and what has happened to it, each with a link to where it is changed."""
    return refusals.render_page(visit.request, 200, "security", **_make_context(visit))


@account_page(["GET", "HEAD", "POST"])
def protect(visit: Visit) -> HttpResponse:
    """What to do after "this wasn't me". By POST, end other sessions, as the sessions page does."""
    if visit.request.method == "POST":
        return end_sessions(visit, "ory_auth:protect")
    back = f"{reverse('ory_auth:protect')}#ory-check"
    password_url = f"{reverse('ory_auth:settings')}?{urlencode({'return_to': back})}#ory-password"
    context = {**_make_context(visit), "password_url": password_url, "result": read_result(visit)}
    return refusals.render_page(visit.request, 200, "protect", **context)


def _make_context(visit: Visit) -> dict[str, Any]:
    current = make_row(visit.session, is_current=True)
    others = make_rows(visit, fetch_other_sessions(visit.request, visit.state, visit.credential, visit.session))
    credentials = fetch_credentials(visit)
    facts = fetch_credential_facts(visit.session.identity.id, visit.state.conf)
    return {
        "overview": make_overview(visit.session, [current, *others], credentials, facts),
        "current": current,
        "others": others,
        "session_count": len(others) + 1,
        "may_delete": visit.state.conf.account_deletion,
    }


def fetch_credentials(visit: Visit) -> Credentials:
    """What the person signs in with.

    Raises :class:`OryUnavailable`, :class:`AALRequired` or :class:`OwnSessionEnded`.
    """
    header = visit.request.META.get("HTTP_COOKIE", "")
    own_cookies = cookies.select_flow_cookies(header, visit.state.conf.session_cookie_name)

    def fetch(client: Client, is_allowed: Callable[[], bool]) -> Response:
        return client.settings(visit.credential, own_cookies, is_allowed)

    response = call_ory(visit.request, visit.state, fetch)
    if response.status == 200:
        return read_credentials(read_object(response))
    if response.status == 401:
        raise OwnSessionEnded
    if response.status == 403:
        raise AALRequired
    raise OryUnavailable(f"Ory answered {response.status} for a settings flow.", status=response.status)
