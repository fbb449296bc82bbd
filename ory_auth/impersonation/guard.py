"""A guard for views that staff must not use as another user."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest

from ..request.state import state_of
from ..responses import refusals

V = TypeVar("V", bound=Callable[..., Any])  # a view, sync or async


def no_impersonation(view: V) -> V:
    """Refuse the view to staff who impersonate another user, with a 403 that leads out. Sync and async views.

    Use it for what only the person may do: payments, consent, exports, credentials. For class-based views, also those
    of Django REST framework, write ``@method_decorator(no_impersonation, name="dispatch")``. Requests without an
    impersonation cost nothing.
    """
    if isinstance(view, type) or not callable(view):
        name = getattr(view, "__name__", type(view).__name__)
        fix = 'For a class, write @method_decorator(no_impersonation, name="dispatch")'
        raise TypeError(f"@no_impersonation is for functions, but {name} is none. {fix}.")
    if iscoroutinefunction(view) or _is_dispatch_of_async_view(view):

        @wraps(view)
        async def aguarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if await state_of(request).afind_actor() is not None:
                return refusals.impersonating(request)
            return await view(request, *args, **kwargs)

        return cast(V, aguarded)

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if state_of(request).find_actor() is not None:
            return refusals.impersonating(request)
        return view(request, *args, **kwargs)

    return cast(V, guarded)


def _is_dispatch_of_async_view(view: Any) -> bool:
    """Whether ``method_decorator`` has passed the ``dispatch()`` of a class with async handlers: it is no coroutine
    function, and what it returns is awaited.
    """
    return bool(getattr(getattr(getattr(view, "func", None), "__self__", None), "view_is_async", False))
