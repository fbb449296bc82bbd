"""The guard of :func:`ory_auth.decorators.ory_required` for class-based views."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from types import CodeType, FunctionType
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.decorators import classonlymethod

from .responses.guard import Guard
from .types import AAL

__all__ = ["OryRequiredMixin"]


class OryRequiredMixin:
    """A guard for class-based views. ``aal``, ``max_age`` and ``fresh`` mean the same as in ``ory_required``.

    Put it first among the bases. A class raises ``ImproperlyConfigured`` when it is defined if its guard would never
    run, because of the order of the bases or a ``dispatch()`` that never calls the next one, or if a value is invalid.
    """

    aal: str | AAL | None = None
    max_age: timedelta | float | None = None
    fresh: bool = False
    view_is_async: bool

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _require_order(cls)
        static = {name: inspect.getattr_static(cls, name) for name in ("aal", "max_age", "fresh")}
        _make_guard(cls, **{name: value for name, value in static.items() if not _is_computed(value)})

    @classonlymethod
    def as_view(cls, *args: Any, **initkwargs: Any) -> Any:  # noqa: N805
        _make_guard(cls, **{name: initkwargs[name] for name in ("aal", "max_age", "fresh") if name in initkwargs})
        return super().as_view(*args, **initkwargs)  # type: ignore[misc]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        guard = _make_guard(type(self), self.aal, self.max_age, fresh=self.fresh)
        forward: Any = super().dispatch  # type: ignore[misc]
        if not self.view_is_async:
            return guard.check(request) or forward(request, *args, **kwargs)

        async def guarded() -> Any:
            return await guard.acheck(request) or await forward(request, *args, **kwargs)

        return guarded()


def _make_guard(view: Any, aal: Any = None, max_age: Any = None, fresh: Any = False) -> Guard:
    try:
        return Guard(aal, max_age, fresh=fresh)
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"{view.__module__}.{view.__qualname__}: {error}") from None


def _is_computed(attribute: object) -> bool:
    """Whether the value is known only on an instance, as with properties. Methods don't count."""
    return hasattr(type(attribute), "__get__") and not callable(attribute)


def _require_order(view: type) -> None:
    """Every ``dispatch()`` before the guard's must call the next one, which those of Django's and DRF's views don't."""
    for owner in view.__mro__[: view.__mro__.index(OryRequiredMixin)]:
        dispatch = vars(owner).get("dispatch")
        if dispatch is None or _may_call_next(dispatch):
            continue
        if owner is view:
            why = f"{view.__name__}.dispatch() never calls super().dispatch()"
            fix = "Call it and return its response"
        else:
            why = f"{owner.__name__}.dispatch() comes before the guard and never calls the next dispatch()"
            bases = sorted(view.__bases__, key=lambda base: not issubclass(base, OryRequiredMixin))
            fix = f"Write: class {view.__name__}({', '.join(base.__name__ for base in bases)}):"
        name = f"{view.__module__}.{view.__qualname__}"
        raise ImproperlyConfigured(f"{name} is open to everybody: {why}, so OryRequiredMixin never runs. {fix}")


def _may_call_next(dispatch: object) -> bool:
    """Whether its code contains the name ``dispatch``, as in ``super().dispatch(…)``. True if it has no Python code."""
    codes = list(_read_code(dispatch))
    return not codes or any("dispatch" in code.co_names for code in codes)


def _read_code(dispatch: object) -> Iterator[CodeType]:
    """The code of a function, of the functions inside it, and of those that it wraps."""
    pending, seen = [dispatch], set[int]()
    while pending:
        item = pending.pop()
        if id(item) in seen:  # a function may refer to itself
            continue
        seen.add(id(item))
        if isinstance(item, CodeType):
            yield item
            pending += [constant for constant in item.co_consts if isinstance(constant, CodeType)]
        elif isinstance(item, FunctionType):
            pending += [item.__code__, getattr(item, "__wrapped__", None)]
            for cell in item.__closure__ or ():
                with suppress(ValueError):  # the cell is empty: its name is assigned later
                    pending.append(cell.cell_contents)
