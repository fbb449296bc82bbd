"""Carries out what the other modules decide: read the browser's request, send it to Ory, and give the response."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    RawPostDataException,
    UnreadablePostError,
)
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse

from ..conf import Conf, conf
from ..events import Event, log
from ..exceptions import OryUnavailable
from ..ory.client import BrowserCall, Client
from ..ory.cookies import forward_set_cookies, is_ory_cookie
from ..ory.credentials import Credential, find_credential
from ..ory.flows import FlowKind
from ..request.client_address import client_address
from ..request.sign_in_marker import has_marker, use_marker
from ..responses import refusals
from ..responses.client_kind import ClientKind, kind_from_headers
from ..sessions.driver import Effects, run_async, run_sync
from ..sessions.ory_caller import Priority
from ..sessions.outcomes import Unavailable
from ..sessions.services import services_of
from .refusal import CallRefused, Refusal
from .request import MAX_BODY, Incoming, build_call, check_request
from .response import Reply
from .session_changes import update_cache
from .urls_in_responses import UrlMap

OWN_UI = "/ui/"  # below it, Ory Network has pages of its own


def forward(request: HttpRequest, path: str) -> HttpResponse:
    """Send the browser's call to Ory, and Ory's response to the browser. ``path`` is the part below the gateway."""
    begun = _begin(request, path)
    if isinstance(begun, HttpResponse):
        return begun
    result = run_sync(begun.effects, begun.timeout)
    return result if isinstance(result, HttpResponse) else _explain_outage(request, result)


async def aforward(request: HttpRequest, path: str) -> HttpResponse:
    """:func:`forward` for coroutines."""
    begun = _begin(request, path)
    if isinstance(begun, HttpResponse):
        return begun
    result = await run_async(begun.effects, begun.timeout)
    return result if isinstance(result, HttpResponse) else await sync_to_async(_explain_outage)(request, result)


@dataclass(frozen=True, slots=True)
class _Exchange:
    """An exchange with Ory that is about to begin, and the seconds that each of its calls may take."""

    effects: Effects[HttpResponse | Unavailable]
    timeout: float


def _begin(request: HttpRequest, path: str) -> HttpResponse | _Exchange:
    """The exchange with Ory, or the response to a call that is not sent on."""
    current = conf()
    incoming = _read_incoming(request, path)
    page = _find_pages(incoming.origin).get(incoming.path) if incoming.path.startswith(OWN_UI) else None
    if page and request.method == "GET":
        query = request.META.get("QUERY_STRING", "")
        return HttpResponseRedirect(f"{page}?{query}" if query else page)
    try:
        body = _read_body(request, check_request(incoming))
        call = build_call(incoming, body, current)
    except CallRefused as error:
        return _refuse(request, error.refusal)
    return _Exchange(_exchange(request, incoming, call, current), call.timeout)


def _explain_outage(request: HttpRequest, outage: Unavailable) -> HttpResponse:
    log(outage.event, status=outage.status, error=outage.cause, at="gateway")
    explanation = ("gateway_unavailable", str(refusals.UNAVAILABLE)) if request.method == "POST" else None
    return refusals.unavailable(request, outage, explanation)


def _read_incoming(request: HttpRequest, path: str) -> Incoming:
    return Incoming(
        method=request.method or "",
        path=f"/{path}",
        raw_path=_read_raw_path(request),
        meta=request.META,
        origin=f"{request.scheme}://{request.get_host()}",
    )


def _read_raw_path(request: HttpRequest) -> str:
    """The path as it came, or empty if the server does not say. WSGI has no standard name for it."""
    scope: dict[str, Any] = getattr(request, "scope", {})
    raw = scope.get("raw_path") or request.META.get("RAW_URI") or request.META.get("REQUEST_URI") or ""
    text = raw.decode("latin-1") if isinstance(raw, bytes) else str(raw)
    return text.partition("?")[0]


def _read_body(request: HttpRequest, size: int) -> bytes:
    if request.method != "POST":
        return b""
    try:
        body = request.body if size else request.read(MAX_BODY + 1)  # HTTP/2 needs no length
    except (UnreadablePostError, RawPostDataException):
        raise CallRefused(Refusal.BODY) from None
    if len(body) > MAX_BODY:
        raise CallRefused(Refusal.TOO_LARGE)
    if size and len(body) != size:
        raise CallRefused(Refusal.BODY)  # half a form could mean something else
    return body


def _refuse(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    log(Event.GATEWAY_REFUSED, reason=refusal.word)
    if kind_from_headers(request) is ClientKind.PAGE:
        response = HttpResponse(f"{refusal.text}\n", status=refusal.status, content_type="text/plain; charset=utf-8")
    else:
        response = JsonResponse({"code": "gateway_refused", "detail": refusal.text}, status=refusal.status)
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _exchange(
    request: HttpRequest, incoming: Incoming, call: BrowserCall, current: Conf
) -> Effects[HttpResponse | Unavailable]:
    """The response for the browser, or why there is none."""
    services = services_of(current)
    priority = _find_priority(request, current)
    if priority is None:
        return Unavailable(Event.FLOOD, retry_after=10)
    answer = yield services.ory_call(priority, Client.forward, call, timeout=call.timeout)
    if isinstance(answer, Unavailable):
        return answer
    yield from update_cache(call, answer, request.META, current)
    try:
        response = Reply(call.path, answer, _find_url_map(request, incoming, current)).to_django()
    except OryUnavailable as error:
        return Unavailable.of(error)
    is_orys = partial(is_ory_cookie, session_cookie=current.session_cookie_name)
    forward_set_cookies(request, response, answer.cookies, is_orys, through_gateway=True)
    return response


def _find_priority(request: HttpRequest, current: Conf) -> Priority | None:
    """Which connections the call may use; ``None`` if the rate limit is reached.

    The limits are those of pages. People with a known session, and browsers that this site has just sent to Ory, have
    separate ones.
    """
    services = services_of(current)
    credential = find_credential({"HTTP_COOKIE": request.META.get("HTTP_COOKIE", "")}, current.session_cookie_name)
    is_known = isinstance(credential, Credential) and services.cache.local.is_known(credential.key(current))
    returns = is_known or has_marker(request)
    marked = is_known or use_marker(request)
    address = client_address(request.META, current.trusted_proxies)
    if not services.limiter.acquire_page(address, marked=marked):
        return None
    return Priority.RETURNING if returns else Priority.PAGE


def _find_url_map(request: HttpRequest, incoming: Incoming, current: Conf) -> UrlMap:
    own_path = request.path.removesuffix(incoming.path)
    return UrlMap(current.sdk_url, f"{incoming.origin}{own_path}", _find_pages(incoming.origin))


def _find_pages(origin: str) -> dict[str, str]:
    """The pages of this site that stand for those that Ory Network hosts, by the paths of these."""
    try:
        pages = {f"{OWN_UI}{kind.value}": origin + reverse(kind.url_name) for kind in FlowKind}
        pages[f"{OWN_UI}error"] = origin + reverse("ory_auth:error")
    except NoReverseMatch:  # the project has other pages
        return {}
    home = resolve_url(settings.LOGIN_REDIRECT_URL)
    return {**pages, f"{OWN_UI}welcome": home if urlsplit(home).netloc else f"{origin}{home}"}
