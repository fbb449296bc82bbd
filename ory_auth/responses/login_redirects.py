"""Redirects to the login page by Django's own guards, for clients that cannot follow them.

``login_required``, its mixin and its middleware, ``permission_required``, ``user_passes_test`` and the admin redirect
every client. Such a redirect leads to Ory, and browsers do not let scripts follow it there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse

from ..exceptions import AALRequired, NotAdmitted
from ..request.state import state_of
from ..sessions.outcomes import SecondFactorMissing, SignedIn, Unavailable
from . import refusals
from .client_kind import ClientKind, add_vary

BODY_HEADERS = frozenset({"content-length", "content-type", "location"})


class LoginRedirect(NamedTuple):
    """The login page that a guard redirects to, and the name of the query parameter with the page to come back to."""

    login_url: str
    field: str


def adapt_for_scripts(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Replace a guard's redirect to the login page with a response that the client can use. Others stay as they are."""
    found = _find_login_redirect(request, response)
    if found is None:
        return response
    kind = refusals.response_kind(request)
    if kind is ClientKind.PAGE:
        add_vary(response, kind)
        return response
    refusal = _refuse(request, found)
    refusal.cookies.update(response.cookies)
    for name, value in response.items():
        if name.lower() not in BODY_HEADERS:
            refusal.headers.setdefault(name, value)
    return refusal


def leads_to_login(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether this is a redirect to a login page, whichever code made it and whatever page it leads back to."""
    if not 300 <= response.status_code < 400:
        return False
    try:
        target = urlsplit(request.build_absolute_uri(response.get("Location", "")))
    except ValueError:  # such as a host in brackets that is not an IPv6 address: no login page has such a URL
        return False
    return target[:3] in {urlsplit(request.build_absolute_uri(login))[:3] for login in _login_urls(request)}


def _refuse(request: HttpRequest, found: LoginRedirect) -> HttpResponse:
    """The response that ``ory_required`` would give; 403 for a user who is signed in and lacks a permission."""
    state = state_of(request)
    match state.current_outcome:
        case Unavailable() as outage:
            return refusals.unavailable(request, outage)
        case SecondFactorMissing():
            return refusals.require_step_up(request, AALRequired())
        case SignedIn() if state.not_admitted:
            return refusals.not_admitted(request, NotAdmitted(state.not_admitted))
        case SignedIn():
            return refusals.permission_denied(request)
    if getattr(state.current_user, "is_authenticated", False):  # with Django's own sign-in
        return refusals.permission_denied(request)
    return refusals.sign_in(request, found.login_url, found.field)


def _find_login_redirect(request: HttpRequest, response: HttpResponseBase) -> LoginRedirect | None:
    """``None`` unless it is a redirect to a login page that names this request as the page to come back to.

    A view that redirects to another page, or to come back to another page, has its own reasons.
    """
    location = response.get("Location") if response.status_code == 302 else None
    if not location:
        return None
    try:
        url = urlsplit(location)
    except ValueError:
        return None
    if url[:3] not in {urlsplit(login)[:3] for login in _login_urls(request)}:
        return None
    query = parse_qsl(url.query, keep_blank_values=True)
    own = {request.get_full_path(), request.build_absolute_uri()}
    field = next((name for name, value in query if value in own), None)
    if field is None:
        return None
    rest = urlencode([(name, value) for name, value in query if name != field])
    return LoginRedirect(urlunsplit(url._replace(query=rest)), field)


def _login_urls(request: HttpRequest) -> list[str]:
    match = request.resolver_match
    admin_site = match.namespace if match is not None and "admin" in match.app_names else None
    finders: tuple[Callable[[], str], ...] = (
        lambda: refusals.sign_in_url(request),
        lambda: resolve_url(settings.LOGIN_URL),
        lambda: reverse("admin:login", current_app=admin_site),
    )
    urls = []
    for find in finders:
        with suppress(NoReverseMatch):  # a project may lack any of them
            urls.append(find())
    return urls
