"""The views of ``ory_auth.urls``: those of the flows, sign-out, Ory's error page and the readiness of this site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST, require_safe

from ..ory.client import Client, read_object
from ..ory.http_client import Response
from ..request.state import RequestState, state_of
from ..responses import refusals
from ..responses.client_kind import ClientKind
from ..responses.outage_help import explain_forbidden_return
from ..responses.return_url import find_return_url
from .account.data_download import download_data
from .account.deletion_page import delete_account
from .account.security_page import protect, security
from .account.sessions_page import sessions
from .flow_views import FlowView, LoginView, RecoveryView, RegistrationView, SettingsView, VerificationView
from .health import check_health
from .impersonation import impersonate, stop_impersonating
from .ory_calls import call_ory
from .ui import read_error, read_oauth2_error


@never_cache
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session here and at Ory. If Ory cannot end it: 503, and the session is still refused here.

    A browser needs Django's CSRF token; a program that sends its credential by header does not.
    """
    credential = state_of(request).credential
    by_header = credential is not None and credential.kind.by_header
    return _sign_out(request) if by_header else csrf_protect(_sign_out)(request)


def _sign_out(request: HttpRequest) -> HttpResponse:
    state = state_of(request)
    with state.hide_outages():
        user = state.begin_sign_out()
        if hasattr(request, "session"):
            auth.logout(request)
        else:  # logout() needs a session
            user_logged_out.send(sender=type(user), request=request, user=user)
        outage = state.sign_out()
    if outage:
        return refusals.unavailable(request, outage)
    if refusals.response_kind(request) is ClientKind.SCRIPT:
        return HttpResponse(status=204)
    default = resolve_url(settings.LOGOUT_REDIRECT_URL or "/")
    target = find_return_url(request, state.conf.login_redirect_hosts, default=default)
    return refusals.open_in_browser(request, target)


@never_cache
def error(request: HttpRequest) -> HttpResponse:
    """An error of Ory, explained by its id, or one of OAuth2, explained by its code.

    Ory's own texts repeat parts of a link (``return_to``), so an attacker can write them. They are shown only with
    ``DEBUG``.
    """
    error_id = request.GET.get("id")
    if error_id or "error" not in request.GET:
        content = _fetch_error(request, state_of(request), error_id) if error_id else {}
        page = read_error(content, with_texts=settings.DEBUG)
    else:
        page = read_oauth2_error(request.GET.dict(), with_texts=settings.DEBUG)
    status = page.code if 400 <= page.code < 500 else 400
    debug: dict[str, Any] = {}
    if settings.DEBUG and page.id == "self_service_flow_return_to_forbidden":
        debug = explain_forbidden_return(page.reason, f"{request.scheme}://{request.get_host()}").as_json()
    return refusals.render_page(request, status, "error", error=page, explanation=page.explanation, debug=debug)


def _fetch_error(request: HttpRequest, state: RequestState, error_id: str) -> dict[str, Any]:
    """Ory's JSON of this error; empty if Ory does not know the error."""

    def fetch_error(client: Client, is_allowed: Callable[[], bool]) -> Response:
        return client.error(error_id, is_allowed)

    response = call_ory(request, state, fetch_error)
    content = read_object(response).get("error") if response.status == 200 else None
    return content if isinstance(content, dict) else {}


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """For load balancers: 200 if Ory, the cache and the database answer, else 503, with JSON that says which do."""
    is_available = check_health(state_of(request).conf)
    status = 200 if all(is_available.values()) else 503
    body = {name: "ok" if available else "unavailable" for name, available in is_available.items()}
    return JsonResponse(body, status=status)


FLOW_VIEWS: tuple[type[FlowView], ...] = (LoginView, RegistrationView, SettingsView, RecoveryView, VerificationView)

# By the names of their URLs.
PAGES: dict[str, Callable[[HttpRequest], Any]] = {
    "logout": logout,
    "error": error,
    "ready": ready,
    "sessions": sessions,
    "security": security,
    "protect": protect,
    "download_data": download_data,
    "delete_account": delete_account,
    "impersonate": impersonate,
    "stop_impersonating": stop_impersonating,
    **{view.kind.value: view.as_view() for view in FLOW_VIEWS},
}
