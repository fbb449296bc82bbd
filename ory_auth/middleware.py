"""The one middleware: puts the lazy attributes on the request, and lets the response tell the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware, LoginRequiredMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.module_loading import import_string
from django.views.debug import get_default_exception_reporter_filter

from . import cookies, responses, roundtrip
from .authentication import RequestState, state_of
from .conf import conf
from .exceptions import AALRequired, NotAdmitted, OryUnavailable
from .lookup import lookups
from .outcomes import Unavailable
from .types import OrySession

__all__ = ["OryMiddleware"]

PATH = "ory_auth.middleware.OryMiddleware"
LOOKED_AT = ("X-Session-Token", "Cookie", "Authorization")


class OryMiddleware:
    """Gives a request ``user``, ``auser()``, ``ory_session`` and ``aory_session()``, all lazy.

    Goes after ``AuthenticationMiddleware`` where that is used; raises ``ImproperlyConfigured`` when it is built in
    the wrong place or with wrong settings.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        problem = order_problem(settings.MIDDLEWARE)
        if problem:
            raise ImproperlyConfigured(problem)
        lookups(conf())  # so that no request waits for the import of Ory's SDK
        self._login_required = bool(positions(settings.MIDDLEWARE, LoginRequiredMiddleware))
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
            self.process_view = self._aprocess_view  # type: ignore[method-assign, assignment]

    def __call__(self, request: HttpRequest) -> Any:
        if self._is_async:
            return self._acall(request)
        state = attach(request)
        return finish(state, self.get_response(request))

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        state = attach(request)
        return finish(state, await self.get_response(request))

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        state = state_of(request)
        state.in_view = True
        if self._must_ask_first(view):
            try:
                state.user()
            except OryUnavailable as error:
                return responses.unavailable(request, Unavailable.of(error))
        return None

    async def _aprocess_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        state = state_of(request)
        state.in_view = True
        if self._must_ask_first(view):
            try:
                await state.auser()
            except OryUnavailable as error:
                return responses.unavailable(request, Unavailable.of(error))
        return None

    def _must_ask_first(self, view: Any) -> bool:
        """What ``LoginRequiredMiddleware`` raises escapes ``process_exception``, so it is asked for here first."""
        return self._login_required and getattr(view, "login_required", True)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        state = state_of(request)
        state.view_error = exception
        match exception:
            case OryUnavailable():
                return responses.unavailable(request, Unavailable.of(exception))
            case AALRequired():
                return responses.challenge(request, exception)
            case NotAdmitted():
                return responses.not_admitted(request, exception)
        return None


def attach(request: Any) -> RequestState:
    """Put the lazy attributes on a request; costs no call, no query and no hash."""
    state = RequestState(request)
    request.__class__ = _class_of_request(request.__class__)
    request._ory_state = state
    request.user = state.lazy_user
    request.auser = state.auser
    default: Any = get_default_exception_reporter_filter()
    request.exception_reporter_filter = _reporter_filter(default.__class__)
    return state


def finish(state: RequestState, response: HttpResponseBase) -> HttpResponseBase:
    """Make the response say what it depends on, and not hide an outage that was met on the way."""
    request, outage = state.request, state.outage
    if outage is not None and (200 <= response.status_code < 300 or response.status_code == 500):
        response = responses.unavailable(request, outage)
    if getattr(response, "streaming", False):
        state.asked = True  # a stream may ask after its headers are gone
    if state.asked:
        patch_vary_headers(response, LOOKED_AT)
    if state.personal:
        patch_cache_control(response, private=True, **({"no_store": True} if response.status_code == 503 else {}))
    if state.cookies:
        cookies.pass_on(request, response, state.cookies, state.wants_cookie)
    state.claim_django_session()
    if roundtrip.COOKIE in request.COOKIES:
        roundtrip.follow(request, response)
    return response


class _OryRequest:
    """What the class of a request gets: ``ory_session`` may be ``None``, which no lazy object can be."""

    _ory_state: RequestState
    ory_unavailable = False

    @property
    def ory_session(self) -> OrySession | None:
        return self._ory_state.session()

    async def aory_session(self) -> OrySession | None:
        return await self._ory_state.asession()

    @property
    def _cache_update_cache(self) -> bool:
        """Django's ``cache_page`` and site cache ask this before they keep a page: nobody's own page is kept."""
        return bool(self.__dict__.get("_cache_update_cache", False)) and not self._ory_state.personal

    @_cache_update_cache.setter
    def _cache_update_cache(self, value: bool) -> None:
        self.__dict__["_cache_update_cache"] = value


@lru_cache(maxsize=16)
def _class_of_request(cls: Any) -> type:
    return type(cls.__name__, (_OryRequest, cls), {"__module__": cls.__module__})


@lru_cache(maxsize=4)
def _reporter_filter(default: Any) -> Any:
    """The project's filter of error pages, which prints cookies in clear, made to hide their values."""

    class OryReporterFilter(default):  # type: ignore[misc]
        def get_safe_cookies(self, request: Any) -> dict[str, Any]:
            return dict.fromkeys(super().get_safe_cookies(request), self.cleansed_substitute)

    return OryReporterFilter()


def order_problem(middleware: Sequence[str]) -> str | None:
    """What is wrong with the place of this middleware, and where it belongs; ``None`` where it is right."""
    own = positions(middleware, OryMiddleware)
    for needed in (SessionMiddleware, AuthenticationMiddleware):
        late = [position for position in positions(middleware, needed) if own and position > own[0]]
        if late:
            return f"{PATH!r} must come after {middleware[late[0]]!r} in MIDDLEWARE."
    for asking in positions(middleware, LoginRequiredMiddleware):
        if own and asking < own[0]:
            return f"{PATH!r} must come before {middleware[asking]!r} in MIDDLEWARE."
    return None


def positions(middleware: Sequence[str], wanted: type) -> list[int]:
    """Where in ``MIDDLEWARE`` this class, or a subclass of it, stands."""
    found = ((position, _imported(path)) for position, path in enumerate(middleware))
    return [position for position, cls in found if isinstance(cls, type) and issubclass(cls, wanted)]


def _imported(path: str) -> Any:
    try:
        return import_string(path)
    except ImportError:
        return None  # Django itself says so when it builds it
