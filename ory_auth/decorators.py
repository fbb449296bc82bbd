"""Guards for views, and a decorator for public pages that only greet the user."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast, overload

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest

from .request.state import state_of
from .responses.guard import Guard
from .types import AAL

__all__ = ["ory_optional", "ory_required"]

V = TypeVar("V", bound=Callable[..., Any])  # a view, sync or async


@overload
def ory_required(view: V, /) -> V: ...
@overload
def ory_required(
    *, aal: str | AAL | None = None, max_age: timedelta | float | None = None, fresh: bool = False
) -> Callable[[V], V]: ...
def ory_required(
    view: V | None = None,
    /,
    *,
    aal: str | AAL | None = None,
    max_age: timedelta | float | None = None,
    fresh: bool = False,
) -> Any:
    """Require an Ory session. Works with and without arguments, on sync and async views.

    ``aal="aal2"`` requires a second factor. ``max_age`` (a ``timedelta``, or seconds) is how long ago the person may
    have signed in, or with ``aal="aal2"`` used the second factor. ``fresh=True`` asks Ory, past all caches. If
    something is missing, browsers are sent to Ory and come back, and scripts get 401 or 403 as JSON. See
    https://www.ory.com/docs/kratos/mfa/step-up-authentication.
    """
    guard = Guard(aal, max_age, fresh=fresh)

    def decorate(view: V) -> V:
        _require_function(ory_required, view)
        if iscoroutinefunction(view):

            @wraps(view)
            async def aguarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                _require_request(ory_required, view, request)
                return await guard.acheck(request) or await view(request, *args, **kwargs)

            return cast(V, aguarded)

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            _require_request(ory_required, view, request)
            return guard.check(request) or view(request, *args, **kwargs)

        return cast(V, guarded)

    return decorate if view is None else decorate(view)


def ory_optional(view: V) -> V:
    """For public pages that only greet the user. While Ory is down, users are anonymous instead of getting a 503.

    ``request.ory_unavailable`` is then true.
    """
    _require_function(ory_optional, view)
    if iscoroutinefunction(view):

        @wraps(view)
        async def aoptional(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            _require_request(ory_optional, view, request)
            state_of(request).view_is_optional = True
            return await view(request, *args, **kwargs)

        aoptional.ory_optional = True  # type: ignore[attr-defined]  # middleware reads this before the view runs
        return cast(V, aoptional)

    @wraps(view)
    def optional(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        _require_request(ory_optional, view, request)
        state_of(request).view_is_optional = True
        return view(request, *args, **kwargs)

    optional.ory_optional = True  # type: ignore[attr-defined]
    return cast(V, optional)


def _require_function(decorator: Callable[..., Any], view: object) -> None:
    """Raise ``TypeError`` if ``view`` is a class or cannot be called, because the decorator would not guard it."""
    name = decorator.__name__
    if isinstance(view, type):
        fix = f'Write @method_decorator({name}, name="dispatch")'
        alternative = " or use OryRequiredMixin" if decorator is ory_required else ""
        raise TypeError(f"@{name} is for functions, but {view.__name__} is a class. {fix}{alternative}.")
    if not callable(view):
        raise TypeError(
            f"@{name} is for views, but {type(view).__name__} can't be called. Name the arguments, as in aal=…."
        )


def _require_request(decorator: Callable[..., Any], view: Callable[..., Any], request: object) -> None:
    """Raise ``TypeError`` if a method was decorated, whose first argument is not the request."""
    if isinstance(request, HttpRequest) or hasattr(request, "META"):  # or a wrapper such as DRF's request
        return
    view_name, name = getattr(view, "__name__", type(view).__name__), decorator.__name__
    raise TypeError(
        f"{view_name}() was called with a {type(request).__name__} instead of a request. "
        f"Decorate a method with @method_decorator({name}), not with @{name}."
    )
