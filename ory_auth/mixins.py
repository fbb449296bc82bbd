"""The guard of :func:`ory_auth.decorators.ory_required` for class-based views."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest

from .decorators import Guard
from .types import AAL

__all__ = ["OryRequiredMixin"]


class OryRequiredMixin:
    """Put it first among the bases. ``aal``, ``max_age`` and ``fresh`` mean the same as in ``ory_required``."""

    aal: str | AAL | None = None
    max_age: timedelta | float | None = None
    fresh: bool = False
    view_is_async: bool

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        guard = Guard(self.aal, self.max_age, fresh=self.fresh)
        forward: Any = super().dispatch  # type: ignore[misc]
        if not self.view_is_async:
            return guard.check(request) or forward(request, *args, **kwargs)

        async def guarded() -> Any:
            return await guard.acheck(request) or await forward(request, *args, **kwargs)

        return guarded()
