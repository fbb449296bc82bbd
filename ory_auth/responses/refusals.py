"""Responses to a request that may not go on: 503, 403, 401 and redirects to Ory, in a form that the client can use.

A page load gets a redirect. A script gets a status, a stable code and the URL to open. htmx gets the header that it
follows. :mod:`ory_auth.responses.client_kind` tells these clients apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.cache import patch_cache_control
from django.utils.encoding import iri_to_uri
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..exceptions import AALRequired, NotAdmitted, NotWhileImpersonating
from ..ory.flows import FlowKind
from ..request.state import state_of
from ..sessions.outcomes import Unavailable
from ..sessions.services import services_of
from . import redirect_loop
from .client_kind import PROBLEM_JSON, ClientKind, add_vary, kind_from_headers, preferred_script_type
from .outage_help import SETUP_PROBLEMS, explain, explain_refusal
from .return_url import absolute_url, find_current_page
from .step_up_flow import find_step_up_url

EMPTY: Mapping[str, Any] = MappingProxyType({})
RETRY_AFTER = 5  # seconds, unless Ory sends a number
UNAVAILABLE = gettext_lazy("The sign-in service does not answer at the moment. Please try again shortly.")
SETUP_PROBLEM = gettext_lazy("This site has a problem with its setup and cannot sign you in.")
NOT_AUTHENTICATED = gettext_lazy("Authentication credentials were not provided or are not valid.")
OPEN_IN_BROWSER = gettext_lazy("Open this address in the browser.")
PERMISSION_DENIED = gettext_lazy("You are signed in, but your account doesn't have permission to open this page.")
NOT_ADMITTED = gettext_lazy("You are signed in, but this account is not admitted here.")
IMPERSONATING = gettext_lazy("This is not available while you impersonate another user.")
IMPERSONATION_ENDED = gettext_lazy("The impersonation has ended. Nothing was changed.")
REALM = 'Bearer realm="ory"'


def response_kind(request: HttpRequest) -> ClientKind:
    """Which form of a response the client can use. A client that sends its credential in a header is a program."""
    state = state_of(request)
    if state.is_api or (state.credential_or_malformed is not None and state.credential_or_malformed.kind.by_header):
        return ClientKind.SCRIPT
    return kind_from_headers(request)


def unavailable(request: HttpRequest, outcome: Unavailable, explanation: tuple[str, str] | None = None) -> HttpResponse:
    """503: it is not known who the user is. Has ``Retry-After``, and no cache may store it.

    ``explanation`` is the name of a template that says more than ``unavailable.html``, and its text for programs.
    """
    needs_setup = outcome.event in SETUP_PROBLEMS
    name, detail = ("setup_problem", SETUP_PROBLEM) if needs_setup else (explanation or ("unavailable", UNAVAILABLE))
    facts: dict[str, Any] = {}
    if help_text := debug_help(request, outcome):
        name, facts = "unavailable_debug", {"debug": help_text}
    response = _explain_refusal(request, 503, name, str(detail), code="ory_unavailable", **facts)
    response["Retry-After"] = str(outcome.retry_after or RETRY_AFTER)
    patch_cache_control(response, no_store=True, private=True)
    mark_as_logged(response)
    return response


def mark_as_logged(response: HttpResponseBase) -> None:
    """Keep Django from logging this 503, which would mail ``ADMINS`` each time. The event is in the log already."""
    response._has_been_logged = True  # type: ignore[attr-defined]  # read by Django's log_response()


def debug_help(request: HttpRequest, outcome: Unavailable) -> dict[str, Any] | None:
    """With ``DEBUG``, what went wrong and how to fix it."""
    if not settings.DEBUG:
        return None
    conf = state_of(request).conf
    last_failure = services_of(conf).caller.last_failure
    return explain(outcome, conf, last_failure, pages_url=_find_pages_url(request)).as_json()


def _find_pages_url(request: HttpRequest) -> str:
    """The URL below which this site has its pages; empty if they are not included, or the host is not allowed."""
    try:
        return request.build_absolute_uri(reverse(FlowKind.LOGIN.url_name)).removesuffix("/login")
    except (NoReverseMatch, DisallowedHost):
        return ""


def not_admitted(request: HttpRequest, error: NotAdmitted) -> HttpResponse:
    """403: the person is signed in at Ory, but is not admitted here. Signing in again would only lead back here."""
    facts: dict[str, Any] = {"code": error.code, "reason": error.reason.value}
    if settings.DEBUG:
        facts["debug"] = explain_refusal(error.reason).as_json()
    return _explain_refusal(request, 403, "not_admitted", str(NOT_ADMITTED), **facts)


def impersonating(request: HttpRequest) -> HttpResponse:
    """403: the view is not for staff who impersonate another user."""
    return _explain_refusal(request, 403, "impersonating", str(IMPERSONATING), code=NotWhileImpersonating.code)


def impersonation_refused(request: HttpRequest, reason: str, detail: str, back: str) -> HttpResponse:
    """403: the staff member may not impersonate this user. ``back`` is the URL of a link on the page."""
    facts = {"code": "impersonation_refused", "reason": reason}
    return _explain_refusal(request, 403, "impersonation_refused", detail, for_page={"back": back}, **facts)


def impersonation_ended(request: HttpRequest) -> HttpResponse:
    """403: the browser sent a change for a user whom the staff member no longer impersonates."""
    return _explain_refusal(request, 403, "impersonation_ended", str(IMPERSONATION_ENDED), code="impersonation_ended")


def require_step_up(
    request: HttpRequest, error: AALRequired, back: str | None = None, *, via: str = ""
) -> HttpResponse:
    """Send the browser to step up or to re-authenticate, and then to ``back``. A script gets 403.

    ``via`` names the trait to whose address Ory sends a code.
    """
    return _send_browser_to(request, 403, **describe_step_up(request, error, back, via=via))


def describe_step_up(
    request: HttpRequest, error: AALRequired, back: str | None = None, *, via: str = ""
) -> dict[str, str]:
    """The JSON of a 403: what is missing, and the URL to open."""
    conf = state_of(request).conf
    back = absolute_url(request, back or find_current_page(request, response_kind(request), conf.login_redirect_hosts))
    url = find_step_up_url(request, error, back, via) or FlowKind.LOGIN.start_url(
        conf, back, aal=error.aal, refresh=error.refresh, parameters={"via": via}
    )
    detail = _("A second factor is required.") if error.aal else _("Signing in again is required.")
    return {"code": error.code, "detail": detail, "redirect_browser_to": request.build_absolute_uri(url)}


def sign_in(request: HttpRequest, login_url: str | None = None, field: str = REDIRECT_FIELD_NAME) -> HttpResponse:
    """Send the browser to the login page, and then back. A script gets 401.

    ``field`` is the query parameter of ``login_url`` with the page to come back to.
    """
    kind = response_kind(request)
    back = find_current_page(request, kind, state_of(request).conf.login_redirect_hosts)
    url = redirect_to_login(back, login_url or sign_in_url(request), field).url
    response = not_authenticated(request, url)
    if kind is not ClientKind.PAGE:
        redirect_loop.mark_script_refused(request, response, absolute_url(request, back))
    return response


def not_authenticated(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser to a URL to sign in. A script gets 401."""
    response = _send_browser_to(request, 401, url, "not_authenticated", str(NOT_AUTHENTICATED))
    if response.status_code == 401:
        response["WWW-Authenticate"] = REALM
    return response


def open_in_browser(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser to a URL although nothing is missing. A script gets 422 with Ory's own code for that."""
    return _send_browser_to(request, 422, url, "browser_location_change_required", str(OPEN_IN_BROWSER))


def _send_browser_to(
    request: HttpRequest, status: int, redirect_browser_to: str, code: str, detail: str
) -> HttpResponse:
    """Send the browser to a URL: a page load by a redirect, other clients in the form that they follow."""
    kind = response_kind(request)
    match kind:
        case ClientKind.PAGE:
            response: HttpResponse = HttpResponseRedirect(redirect_browser_to)
        case ClientKind.HTMX:
            response = HttpResponse(status=status, headers={"HX-Redirect": iri_to_uri(redirect_browser_to)})
        case ClientKind.INERTIA:
            response = HttpResponse(status=409, headers={"X-Inertia-Location": iri_to_uri(redirect_browser_to)})
        case ClientKind.SCRIPT:
            url = request.build_absolute_uri(redirect_browser_to)
            response = _json(request, status, {"code": code, "detail": detail, "redirect_browser_to": url})
    if kind is not ClientKind.PAGE:
        patch_cache_control(response, no_store=True, private=True)
    add_vary(response, kind)
    return response


def permission_denied(request: HttpRequest) -> HttpResponse:
    """403: signed in, but without the permission that the view requires."""
    return _explain_refusal(request, 403, "refused", str(PERMISSION_DENIED), code="permission_denied")


def sign_in_url(request: HttpRequest) -> str:
    """``ory_auth:login``, or ``LOGIN_URL`` if the project has not included these URLs."""
    try:
        return reverse(FlowKind.LOGIN.url_name)
    except NoReverseMatch:
        return resolve_url(settings.LOGIN_URL)


def render_page(request: HttpRequest, status: int, name: str, **context: Any) -> HttpResponse:
    """One of this package's pages, with headers against caching, framing and leaking its URL.

    ``name`` is that of the template, without ``ory_auth/`` and ``.html``, or the full path of a project's template.
    """
    template = name if name.endswith(".html") else f"ory_auth/{name}.html"
    context.setdefault("ory_base", "")  # Django logs the whole context if a template reads a variable that is missing
    response = HttpResponse(render_to_string(template, context, request), status=status)
    patch_cache_control(response, no_store=True, private=True)
    response["X-Frame-Options"] = "DENY"
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = _referrer_policy()
    return response


def _referrer_policy() -> str:
    """The project's policy, which Django's ``SecurityMiddleware`` sends only if the response has none."""
    policy = settings.SECURE_REFERRER_POLICY or "same-origin"
    return policy if isinstance(policy, str) else ",".join(policy)


def _explain_refusal(
    request: HttpRequest, status: int, name: str, detail: str, for_page: Mapping[str, Any] = EMPTY, **facts: Any
) -> HttpResponse:
    kind = response_kind(request)
    if kind is ClientKind.SCRIPT:
        response = _json(request, status, {**facts, "detail": detail})
    elif kind is ClientKind.HTMX:  # htmx 4 shows it in the target of the request; htmx 2 shows no errors
        rows = facts.get("debug", {}).items()
        texts = ((name, value if isinstance(value, str) else "; ".join(value)) for name, value in rows)
        debug = format_html_join("\n", "<pre>{}: {}</pre>", texts)
        response = HttpResponse(format_html('<p role="alert">{}</p>{}', detail, debug), status=status)
    else:
        with state_of(request).hide_outages():
            response = render_page(request, status, name, detail=detail, **facts, **for_page)
    patch_cache_control(response, no_store=True, private=True)
    add_vary(response, kind)
    return response


def _json(request: HttpRequest, status: int, body: dict[str, Any]) -> HttpResponse:
    """JSON, or for clients that prefer it a problem of RFC 9457, which has some more fields."""
    if preferred_script_type(request) != PROBLEM_JSON:
        return JsonResponse(body, status=status)
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return JsonResponse({**problem, **body}, status=status, content_type=PROBLEM_JSON)
