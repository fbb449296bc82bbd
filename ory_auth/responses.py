"""Responses to a request that may not go on: 503, 403, 401 and redirects to Ory, as a page or as JSON.

A browser gets a redirect. A client that sent a token or asks for JSON gets a status and a stable code instead.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import resolve_url
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .authentication import state_of
from .exceptions import AALRequired, NotAdmitted
from .flights import flights
from .flows import Flow, absolute, here
from .outage_help import SETUP_PROBLEMS, explain
from .outcomes import Unavailable

MAX_ACCEPT = 2048  # characters of an Accept header: the time that Django takes to parse it grows with their square
RETRY_AFTER = 5  # seconds, unless Ory named a number
UNAVAILABLE = gettext_lazy("The sign-in service does not answer at the moment. Please try again shortly.")
SETUP_PROBLEM = gettext_lazy("This site has a problem with its setup and cannot sign you in.")
NOT_ADMITTED = gettext_lazy("You are signed in, but this account is not admitted here.")
REALM = 'Bearer realm="ory"'


def wants_json(request: HttpRequest) -> bool:
    """Whether the client is a program: it sent a token, or prefers JSON to HTML."""
    state = state_of(request)
    if state.is_api or (state.found is not None and state.found.kind.by_header):
        return True
    if len(request.META.get("HTTP_ACCEPT", "")) > MAX_ACCEPT:
        return False
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def unavailable(request: HttpRequest, outcome: Unavailable) -> HttpResponse:
    """503: Ory did not say who the user is. Has ``Retry-After``, and no cache may store it."""
    needs_setup = outcome.event in SETUP_PROBLEMS
    name, detail = ("setup_problem", SETUP_PROBLEM) if needs_setup else ("unavailable", UNAVAILABLE)
    facts: dict[str, Any] = {}
    if help_text := debug_help(request, outcome):
        name, facts = "unavailable_debug", {"debug": help_text}
    response = _page_or_json(request, 503, name, str(detail), code="ory_unavailable", **facts)
    response["Retry-After"] = str(outcome.retry_after or RETRY_AFTER)
    patch_cache_control(response, no_store=True, private=True)
    return response


def debug_help(request: HttpRequest, outcome: Unavailable) -> dict[str, Any] | None:
    """With ``DEBUG``, what went wrong and how to fix it."""
    if not settings.DEBUG:
        return None
    conf = state_of(request).conf
    return explain(outcome, conf, flights(conf).last_failure).as_json()


def not_admitted(request: HttpRequest, error: NotAdmitted) -> HttpResponse:
    """403: Ory knows the person, but they are not admitted here. No redirect to sign in, which would come back here."""
    return _page_or_json(request, 403, "not_admitted", str(NOT_ADMITTED), code=error.code, reason=error.reason.value)


def challenge(request: HttpRequest, error: AALRequired) -> HttpResponse:
    """A redirect to a second factor or to signing in again; as JSON, a 403 with that URL."""
    way = way_on(request, error)
    if not wants_json(request):
        return HttpResponseRedirect(way["redirect_browser_to"])
    return JsonResponse(way, status=403)


def way_on(request: HttpRequest, error: AALRequired) -> dict[str, str]:
    """What is missing, and the URL to get it, as the JSON of a 403."""
    back = absolute(request, here(request))
    url = Flow.LOGIN.start(state_of(request).conf, back, aal=error.aal, refresh=error.refresh)
    detail = _("A second factor is required.") if error.aal else _("Signing in again is required.")
    return {"code": error.code, "detail": detail, "redirect_browser_to": url}


def sign_in(request: HttpRequest) -> HttpResponse:
    """A redirect to sign in, and then back to this page; as JSON, a 401."""
    if not wants_json(request):
        return redirect_to_login(here(request), sign_in_url(request))
    detail = _("Authentication credentials were not provided or are not valid.")
    body = {"code": "not_authenticated", "detail": detail}
    return JsonResponse(body, status=401, headers={"WWW-Authenticate": REALM})


def sign_in_url(request: HttpRequest) -> str:
    """``ory_auth:login``, or ``LOGIN_URL`` if the project has not included these URLs."""
    try:
        return reverse(Flow.LOGIN.url_name)
    except NoReverseMatch:
        return resolve_url(settings.LOGIN_URL)


def page(request: HttpRequest, status: int, name: str, **context: Any) -> HttpResponse:
    """One of this package's pages, with headers against caching, framing and leaking its URL."""
    response = HttpResponse(render_to_string(f"ory_auth/{name}.html", context, request), status=status)
    patch_cache_control(response, no_store=True, private=True)
    response["X-Frame-Options"] = "DENY"
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = _referrer_policy()
    return response


def _referrer_policy() -> str:
    """The project's policy, which Django's ``SecurityMiddleware`` sends only if the response has none."""
    policy = settings.SECURE_REFERRER_POLICY or "same-origin"
    return policy if isinstance(policy, str) else ",".join(policy)


def _page_or_json(request: HttpRequest, status: int, name: str, detail: str, **facts: Any) -> HttpResponse:
    if wants_json(request):
        response: HttpResponse = JsonResponse({**facts, "detail": detail}, status=status)
        patch_cache_control(response, no_store=True, private=True)
        return response
    with state_of(request).seen_as_anonymous():
        return page(request, status, name, detail=detail, **facts)
