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
Missing = SignedOut | AALRequired | NotAdmitted  # what keeps a request out of a guarded view


class Guard:
    """What a view requires of the Ory session, and the response to a request that lacks it."""

    def __init__(
        self, aal: str | AAL | None = None, max_age: timedelta | float | None = None, *, fresh: bool = False
    ) -> None:
        """Raises ``TypeError`` or ``ValueError`` if a value is impossible."""
        self.aal, self.max_age = _read_aal(aal), _read_max_age(max_age)
        if not isinstance(fresh, bool):
            raise TypeError(f"fresh={fresh!r} is neither True nor False.")
        self.fresh = fresh

    def check(self, request: HttpRequest) -> HttpResponse | None:
        """``None`` if the request may go on, else the response to it. Raises :class:`OryUnavailable`."""
        missing = self.find_missing(request)
        return None if missing is None else _refuse(request, missing)

    async def acheck(self, request: HttpRequest) -> HttpResponse | None:
        """:meth:`check` for coroutines."""
        missing = await self.afind_missing(request)
        return None if missing is None else _refuse(request, missing)

    def find_missing(self, request: HttpRequest) -> Missing | None:
        """What the request lacks, or ``None`` if it may go on. Raises :class:`OryUnavailable`."""
        state = state_of(request)
        outcome = state.outcome(fresh=self.fresh)
        if self._ask_again(outcome):
            outcome = state.outcome(fresh=True)
        own = True
        if isinstance(outcome, SignedIn):
            state.user()
            own = state.is_own_user_shown(request)
        return self._judge(state, outcome, own)

    async def afind_missing(self, request: HttpRequest) -> Missing | None:
        """:meth:`find_missing` for coroutines."""
        state = state_of(request)
        outcome = await state.aoutcome(fresh=self.fresh)
        if self._ask_again(outcome):
            outcome = await state.aoutcome(fresh=True)
        own = True
        if isinstance(outcome, SignedIn):
            await state.aown_user()
            own = await state.ais_own_user_shown(request)
        return self._judge(state, outcome, own)

    def _ask_again(self, outcome: Outcome) -> bool:
        """Ask Ory before refusing somebody because of a cached session, or accepting a stale one for a strict guard."""
        if not isinstance(outcome, SignedIn):
            return False
        strict = self.aal is not None or self.max_age is not None
        return not outcome.satisfies(self.aal, self.max_age) or (outcome.stale and strict)

    def _judge(self, state: RequestState, outcome: Outcome, is_own_user: bool) -> Missing | None:
        match outcome:
            case Unavailable():
                raise state.trouble(outcome)  # also with @ory_optional, which allows only to greet
            case SignedOut():
                return outcome
            case SecondFactorMissing():
                return AALRequired()
            case SignedIn() if state.refused:
                return NotAdmitted(state.refused)
            case SignedIn() if not is_own_user and not state.user_trouble:
                # The Ory session says nothing about the user whom the view would serve.
                log(Event.USER_MISMATCH, identity=str(outcome.session.identity.id))
                return NotAdmitted(Event.USER_MISMATCH)
            case SignedIn() if not outcome.satisfies(self.aal, None):
                log(Event.AAL_REQUIRED, aal=self.aal)
                return AALRequired(aal=self.aal)
            case SignedIn() if not outcome.satisfies(self.aal, self.max_age):
                return AALRequired(aal=self._second_factor(), refresh=True)
            case SignedIn():
                if state.user_trouble:
                    raise state.trouble(state.user_trouble)
                return None

    def _second_factor(self) -> str | None:
        return self.aal.value if self.aal == AAL.AAL2 else None


def _refuse(request: HttpRequest, missing: Missing) -> HttpResponse:
    match missing:
        case SignedOut():
            return responses.sign_in(request)
        case AALRequired():
            return responses.challenge(request, missing)
        case NotAdmitted():
            return responses.not_admitted(request, missing)


def _read_aal(aal: object) -> AAL | None:
    if aal is None:
        return None
    message = f"aal={aal!r} is not an assurance level. Use 'aal1' or 'aal2'."
    if not isinstance(aal, str):
        raise TypeError(message)
    if aal not in list(AAL):
        raise ValueError(message)
    return AAL(aal)


def _read_max_age(max_age: object) -> timedelta | None:
    if max_age is None:
        return None
    if isinstance(max_age, bool) or not isinstance(max_age, (timedelta, int, float)):
        raise TypeError(f"max_age={max_age!r} is neither a timedelta nor a number of seconds.")
    seconds = max_age.total_seconds() if isinstance(max_age, timedelta) else max_age
    if not seconds > 0:  # as NaN is not
        raise ValueError(f"max_age={max_age!r} can't be satisfied. Use more than 0 seconds.")
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        message = f"max_age={max_age!r} is too long. Leave it out to accept a sign-in of any age."
        raise ValueError(message) from None


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
    that lacks something is sent to Ory and comes back; a script gets 401 or 403 as JSON. See
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
    """For public pages that only greet: while Ory is down, users are anonymous (``request.ory_unavailable``)."""
    _require_function(ory_optional, view)
    if iscoroutinefunction(view):

        @wraps(view)
        async def agreeting(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            _require_request(ory_optional, view, request)
            state_of(request).optional = True
            return await view(request, *args, **kwargs)

        agreeting.ory_optional = True  # type: ignore[attr-defined]  # for middleware, which asks before the view
        return cast(V, agreeting)

    @wraps(view)
    def greeting(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        _require_request(ory_optional, view, request)
        state_of(request).optional = True
        return view(request, *args, **kwargs)

    greeting.ory_optional = True  # type: ignore[attr-defined]
    return cast(V, greeting)


def _require_function(decorator: Callable[..., Any], view: object) -> None:
    """Raise ``TypeError`` if the decorator would not guard this: a class, or a value instead of a view."""
    name = decorator.__name__
    if isinstance(view, type):
        fix = f'Write @method_decorator({name}, name="dispatch")'
        more = " or use OryRequiredMixin" if decorator is ory_required else ""
        raise TypeError(f"@{name} is for functions, and {view.__name__} is a class. {fix}{more}.")
    if not callable(view):
        raise TypeError(
            f"@{name} is for views, and {type(view).__name__} can't be called. Name arguments, as in aal=…."
        )


def _require_request(decorator: Callable[..., Any], view: Callable[..., Any], request: object) -> None:
    """Raise ``TypeError`` if a method was decorated: its first argument is not the request."""
    if isinstance(request, HttpRequest) or hasattr(request, "META"):  # or one that wraps it, as DRF's does
        return
    called, name = getattr(view, "__name__", type(view).__name__), decorator.__name__
    raise TypeError(
        f"{called}() was called with a {type(request).__name__} instead of a request. "
        f"Decorate a method with @method_decorator({name}), not with @{name}."
    )
