"""The work of the middleware: it adds lazy attributes to a request, and headers and cookies to its response."""

from __future__ import annotations

import sys
import weakref
from functools import lru_cache
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.functional import SimpleLazyObject

from ..conf import conf
from ..events import Event, log_once
from ..exceptions import AALRequired, NotAdmitted, NotWhileImpersonating, OryUnavailable
from ..ory import cookies
from ..request import impersonation_cookie
from ..request.django_session import session_data, session_guard
from ..request.middleware_order import DIRECTLY_AFTER, find_remote_user
from ..request.outages import is_optional
from ..request.state import RequestState, state_of
from ..sessions.outcomes import SignedIn, Unavailable
from ..sessions.services import services_of
from . import login_redirects, redirect_loop, refusals
from .impersonated_requests import (
    arefuse_after_impersonation,
    log_impersonated_request,
    may_change_as_another_user,
    refuse_after_impersonation,
)
from .request_class import OryRequest, extend_request_class

CREDENTIAL_HEADERS = ("X-Session-Token", "Cookie", "Authorization")
VARY = ", ".join(CREDENTIAL_HEADERS)
_UNREAD = (SimpleLazyObject, type(None))  # the types of request.user with and without Django's middleware


def warm_up() -> None:
    """Create the shared objects at start, so that no request waits for them; raises ``ImproperlyConfigured``."""
    services_of(conf())


def is_built_for_asgi() -> bool:
    """Whether Django's ASGI handler is building the middleware now.

    Middleware behind ours may be sync, and then ours is also sync. But Django calls a sync ``process_view`` in a
    thread, for every request, so it has to be a coroutine there.
    """
    frame = sys._getframe()
    while frame is not None and frame.f_code is not BaseHandler.load_middleware.__code__:
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None and bool(frame.f_locals.get("is_async"))


def begin_request(request: Any) -> None:
    """A request enters the middleware. :func:`finish_response` will be called with its response."""
    attach(request)
    request.__dict__["_ory_in_middleware"] = True


def attach(request: Any) -> None:
    """Add the lazy attributes to a request. It calls nothing, queries nothing and hashes nothing."""
    attributes = request.__dict__
    user = attributes["_ory_django_user"] = attributes.pop("user", None)
    attributes.pop("auser", None)
    attributes["_ory_original"] = weakref.ref(request)
    request.__class__ = extend_request_class(request.__class__)
    session_guard.guard_session(request)
    if "_cached_user" in attributes or "_acached_user" in attributes or type(user) not in _UNREAD:
        _report_early_read(user)


def _report_early_read(user: Any) -> None:
    """Middleware before this one has read or assigned ``request.user``, before Ory could say who the user is.

    Django's ``AuthenticationMiddleware`` stores a user on the request when it is read. That is what
    its ``RemoteUserMiddleware`` is for.
    """
    if _has_remote_user(tuple(settings.MIDDLEWARE)):
        return
    how = "read" if type(user) in _UNREAD else "assigned"
    log_once(Event.USER_READ_EARLY, how=how, fix=f"move OryMiddleware up in MIDDLEWARE, {DIRECTLY_AFTER}")


def enter_view(request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
    """A view was found, and all middleware has begun with the request: send the signals that waited for this."""
    _restore_class(request)
    if _has_waiting_signals(request):
        request._ory_state.send_waiting_signals()
    if response := _refuse_other_view(request, view):
        return response
    return refuse_after_impersonation(request) if may_change_as_another_user(request) else None


async def aenter_view(request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
    """:func:`enter_view` for coroutines."""
    _restore_class(request)
    if _has_waiting_signals(request):
        await sync_to_async(request._ory_state.send_waiting_signals)()
    if response := _refuse_other_view(request, view):
        return response
    return await arefuse_after_impersonation(request) if may_change_as_another_user(request) else None


def _refuse_other_view(request: Any, view: Any) -> HttpResponseBase | None:
    """The 503 if middleware got an anonymous user for a view with ``@ory_optional``, and this is another view.

    Middleware further in may change ``request.urlconf`` or ``request.path_info``.
    """
    state = request.__dict__.get("_ory_state")
    if state is None or not state.assumes_optional_view or is_optional(view):
        return None
    return refusals.unavailable(request, state.outage)


def _restore_class(request: Any) -> None:
    """Middleware may have given the request another class, as django-pghistory does, which has no ``ory_session``."""
    if not isinstance(request, OryRequest):
        request.__class__ = extend_request_class(request.__class__)


def _has_waiting_signals(request: Any) -> bool:
    state = request.__dict__.get("_ory_state")
    return state is not None and bool(state.waiting_signals)


@lru_cache(maxsize=4)
def _has_remote_user(middleware: tuple[str, ...]) -> bool:
    return bool(find_remote_user(middleware))


def enter_view_with_user(request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
    """Load the user before ``LoginRequiredMiddleware`` does: an error there would not reach ``process_exception``."""
    if response := enter_view(request, view, args, kwargs):
        return response
    if getattr(view, "login_required", True):
        try:
            state_of(request).user()
        except OryUnavailable as error:
            return refusals.unavailable(request, Unavailable.of(error))
    return None


async def aenter_view_with_user(request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
    """:func:`enter_view_with_user` for coroutines."""
    if response := await aenter_view(request, view, args, kwargs):
        return response
    if getattr(view, "login_required", True):
        try:
            await state_of(request).auser()
        except OryUnavailable as error:
            return refusals.unavailable(request, Unavailable.of(error))
    return None


def respond_to_error(request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
    """The response to an error of this package that a view raised; ``None`` for all other errors."""
    state_of(request).view_error = exception
    match exception:
        case OryUnavailable():
            return refusals.unavailable(request, Unavailable.of(exception))
        case AALRequired():
            return refusals.require_step_up(request, exception)
        case NotAdmitted():
            return refusals.not_admitted(request, exception)
        case NotWhileImpersonating():
            return refusals.impersonating(request)
    return None


def leave_view(request: Any) -> None:
    """Before the response is finished: record whose data the view has put into Django's session."""
    if _has_waiting_signals(request):  # no view was reached
        request._ory_state.send_waiting_signals()
    if _has_ended_impersonation(request):
        request._ory_state.end_impersonation_again()
    if _is_written(request):
        request._ory_state.record_session_owner()


async def aleave_view(request: Any) -> None:
    """:func:`leave_view` for coroutines."""
    if _has_waiting_signals(request):
        await sync_to_async(request._ory_state.send_waiting_signals)()
    if _has_ended_impersonation(request):
        await sync_to_async(request._ory_state.end_impersonation_again)()
    if _is_written(request):
        await request._ory_state.arecord_session_owner()


def _has_ended_impersonation(request: Any) -> bool:
    state = request.__dict__.get("_ory_state")
    return state is not None and state.ended_impersonation is not None


def _is_written(request: Any) -> bool:
    session = request.__dict__.get("session")
    return session is not None and session.modified


def finish_response(request: Any, response: HttpResponseBase) -> HttpResponseBase:
    """Add the headers and cookies to the response, and replace it with a 503 if it would hide an outage."""
    _restore_class(request)
    attributes, streaming = request.__dict__, getattr(response, "streaming", False)
    attributes.pop("_ory_in_middleware", None)
    if streaming or "_ory_state" in attributes:
        response = _apply_state(request._ory_state, response)
    if "session" in attributes:
        session_guard.end_view(request.session, streaming=streaming)
    if redirect_loop.COOKIE in request.META.get("HTTP_COOKIE", ""):
        known = attributes["_ory_state"].current_outcome if "_ory_state" in attributes else None
        redirect_loop.track(request, response, signed_in=isinstance(known, SignedIn))
    return response


def _apply_state(state: RequestState, response: HttpResponseBase) -> HttpResponseBase:
    if state.outage_raised:
        if _masks_outage(state, response):
            response = refusals.unavailable(state.request, state.outage)
        elif response.status_code == 503:
            refusals.mark_as_logged(response)  # such as Django REST framework's
    elif state.asked and response.status_code == 302:
        response = login_redirects.adapt_for_scripts(state.request, response)
    if state.is_api:
        response = _complete_api_response(state, response)
    if getattr(response, "streaming", False):
        state.asked = True  # a stream may ask after its headers are gone
    if state.asked:
        _add_vary(response)
    if state.is_personal:
        _make_private(response)
    if state.renews_csrf_token:
        session_data.renew_csrf_token(state.request)
    if state.impersonation_cookie is not None:
        impersonation_cookie.set_cookie(state.request, response, state.impersonation_cookie)
    else:
        log_impersonated_request(state, response)
    if state.cookies:
        cookies.forward_set_cookies(
            state.request, response, state.cookies, state.wants_cookie, through_gateway=state.conf.uses_gateway
        )
    return response


def _masks_outage(state: RequestState, response: HttpResponseBase) -> bool:
    """Whether the response must be a 503: the outage was raised, and the response looks as if there were none.

    A view that handles ``OryUnavailable`` may answer as it likes, but not with a page or as if nobody were signed in.
    """
    status = response.status_code
    if state.outage_raised_in_middleware:
        return status <= 500  # it is not known whether that middleware would have let the request through
    return 200 <= status < 300 or status in {401, 500} or login_redirects.leads_to_login(state.request, response)


def _complete_api_response(state: RequestState, response: HttpResponseBase) -> HttpResponseBase:
    """Add what django-ninja leaves out: the scheme of a 401, and with ``DEBUG`` the response to a refusal."""
    if state.api_error is not None and response.status_code == 500:
        response = respond_to_error(state.request, state.api_error) or response
    if response.status_code == 401:
        response.headers.setdefault("WWW-Authenticate", refusals.REALM)
    return response


def _add_vary(response: HttpResponseBase) -> None:
    if "Vary" in response.headers:
        patch_vary_headers(response, CREDENTIAL_HEADERS)
    else:
        response.headers["Vary"] = VARY


def _make_private(response: HttpResponseBase) -> None:
    unavailable = response.status_code == 503
    if unavailable or "Cache-Control" in response.headers:
        patch_cache_control(response, private=True, **({"no_store": True} if unavailable else {}))
    else:
        response.headers["Cache-Control"] = "private"
