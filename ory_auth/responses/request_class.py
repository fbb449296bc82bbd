"""The class of a request, with the lazy attributes ``user``, ``auser()``, ``ory_session`` and ``aory_session()``."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.utils.functional import cached_property
from django.views.debug import get_default_exception_reporter_filter

from ..request.state import RequestState
from ..types import OrySession


class _computed:  # noqa: N801  (a decorator)
    """A property that is computed each time, and that code may replace by an assignment."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self._compute = compute

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else self._compute(instance)


class OryRequest:
    """Mixed into the class of a request, so that reading an attribute can look the session up.

    A lazy object such as Django's ``request.user`` would not do: it cannot be ``None``, as ``request.ory_session`` may
    be. And Django's cache middleware reads an attribute of the request after the view. Replacing the class of an object
    works with all supported versions of Django; the tests run on each.
    """

    ory_unavailable = False

    @cached_property
    def _ory_state(self) -> RequestState:
        """The state of the request that the middleware has seen, also for a copy: there is one response to both."""
        original: Any = self.__dict__["_ory_original"]()
        if original is not None and original is not self:
            return original._ory_state  # type: ignore[no-any-return]
        return RequestState(self, self.__dict__["_ory_django_user"])

    @cached_property
    def user(self) -> Any:
        return self._ory_state.lazy_user

    async def auser(self) -> Any:
        return await self._ory_state.auser()

    @property
    def ory_session(self) -> OrySession | None:
        return self._ory_state.session()

    @_computed
    def actor(self) -> Any:
        """The staff member who impersonates ``user``, or ``None``."""
        return self._ory_state.find_actor()

    async def aactor(self) -> Any:
        return await self._ory_state.afind_actor()

    async def aory_session(self) -> OrySession | None:
        return await self._ory_state.asession()

    @cached_property
    def exception_reporter_filter(self) -> Any:
        default: Any = get_default_exception_reporter_filter()
        return _reporter_filter(default.__class__)

    @property
    def _cache_update_cache(self) -> bool:
        """Django's ``cache_page`` and site cache read this before they store a page. Personal pages are not stored."""
        return bool(self.__dict__.get("_cache_update_cache", False)) and not self._ory_state.is_personal

    @_cache_update_cache.setter
    def _cache_update_cache(self, value: bool) -> None:
        self.__dict__["_cache_update_cache"] = value


@lru_cache(maxsize=16)
def extend_request_class(cls: Any) -> type:
    return type(cls.__name__, (OryRequest, cls), {"__module__": cls.__module__})


@lru_cache(maxsize=4)
def _reporter_filter(default: Any) -> Any:
    """The project's filter for error reports, which would show cookies, with their values hidden."""

    class OryReporterFilter(default):  # type: ignore[misc]
        def get_safe_request_meta(self, request: Any) -> dict[str, Any]:
            meta: dict[str, Any] = super().get_safe_request_meta(request)
            return {**meta, "CSRF_COOKIE": self.cleansed_substitute} if "CSRF_COOKIE" in meta else meta

        def get_safe_cookies(self, request: Any) -> dict[str, Any]:
            return dict.fromkeys(super().get_safe_cookies(request), self.cleansed_substitute)

    return OryReporterFilter()
