"""Guards for views, and the decorator for public pages that only greet the user."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast, overload

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse

from . import responses
from .authentication import RequestState, state_of
from .events import Event, log
from .exceptions import AALRequired, NotAdmitted
from .outcomes import Outcome, SecondFactorMissing, SignedIn, SignedOut, Unavailable
from .types import AAL

__all__ = ["ory_optional", "ory_required"]

V = TypeVar("V", bound=Callable[..., Any])  # a view, sync or async


class Guard:
    """What a view requires of the Ory session, and the response to a request that lacks it."""

    def __init__(
        self, aal: str | AAL | None = None, max_age: timedelta | float | None = None, *, fresh: bool = False
    ) -> None:
        self.aal = None if aal is None else AAL(aal)
        self.max_age = max_age if max_age is None or isinstance(max_age, timedelta) else timedelta(seconds=max_age)
        self.fresh = fresh

    def check(self, request: HttpRequest) -> HttpResponse | None:
        """``None`` if the request may go on, else the response to it. Raises :class:`OryUnavailable`."""
        state = state_of(request)
        outcome = state.outcome(fresh=self.fresh)
        if self._ask_again(outcome):
            outcome = state.outcome(fresh=True)
        own = True
        if isinstance(outcome, SignedIn):
            state.user()
            own = state.is_own_user_shown()
        return self._answer(request, state, outcome, own)

    async def acheck(self, request: HttpRequest) -> HttpResponse | None:
        """:meth:`check` for coroutines."""
        state = state_of(request)
        outcome = await state.aoutcome(fresh=self.fresh)
        if self._ask_again(outcome):
            outcome = await state.aoutcome(fresh=True)
        own = True
        if isinstance(outcome, SignedIn):
            await state.aown_user()
            own = await state.ais_own_user_shown()
        return self._answer(request, state, outcome, own)

    def _ask_again(self, outcome: Outcome) -> bool:
        """Ask Ory before refusing somebody because of a cached session, or accepting a stale one for a strict guard."""
        if not isinstance(outcome, SignedIn):
            return False
        strict = self.aal is not None or self.max_age is not None
        return not outcome.satisfies(self.aal, self.max_age) or (outcome.stale and strict)

    def _answer(
        self, request: HttpRequest, state: RequestState, outcome: Outcome, is_own_user: bool
    ) -> HttpResponse | None:
        match outcome:
            case Unavailable():
                raise state.trouble(outcome)  # also with @ory_optional, which allows only to greet
            case SignedOut():
                return responses.sign_in(request)
            case SecondFactorMissing():
                return responses.challenge(request, AALRequired())
            case SignedIn() if state.refused:
                return responses.not_admitted(request, NotAdmitted(state.refused))
            case SignedIn() if not is_own_user and not state.user_trouble:
                # The Ory session says nothing about the user whom the view would serve.
                log(Event.USER_MISMATCH, identity=str(outcome.session.identity.id))
                return responses.not_admitted(request, NotAdmitted(Event.USER_MISMATCH))
            case SignedIn() if not outcome.satisfies(self.aal, None):
                log(Event.AAL_REQUIRED, aal=self.aal)
                return responses.challenge(request, AALRequired(aal=self.aal))
            case SignedIn() if not outcome.satisfies(self.aal, self.max_age):
                return responses.challenge(request, AALRequired(aal=self._second_factor(), refresh=True))
            case SignedIn():
                if state.user_trouble:
                    raise state.trouble(state.user_trouble)
                return None

    def _second_factor(self) -> str | None:
        return self.aal.value if self.aal == AAL.AAL2 else None


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
    have signed in, or with ``aal="aal2"`` used the second factor. ``fresh=True`` asks Ory, past all caches. A browser
    that lacks something is sent to Ory and comes back; a program gets 401 or 403 as JSON. See
    https://www.ory.com/docs/kratos/mfa/step-up-authentication.
    """
    guard = Guard(aal, max_age, fresh=fresh)

    def decorate(view: V) -> V:
        if iscoroutinefunction(view):

            @wraps(view)
            async def aguarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                return await guard.acheck(request) or await view(request, *args, **kwargs)

            return cast(V, aguarded)

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return guard.check(request) or view(request, *args, **kwargs)

        return cast(V, guarded)

    return decorate if view is None else decorate(view)


def ory_optional(view: V) -> V:
    """For public pages that only greet: while Ory is down, users are anonymous (``request.ory_unavailable``)."""
    if iscoroutinefunction(view):

        @wraps(view)
        async def agreeting(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            state_of(request).optional = True
            return await view(request, *args, **kwargs)

        return cast(V, agreeting)

    @wraps(view)
    def greeting(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        state_of(request).optional = True
        return view(request, *args, **kwargs)

    return cast(V, greeting)
