"""What a view requires of the Ory session, and the response to a request that lacks it."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse

from ..events import Event, log
from ..exceptions import AALRequired, NotAdmitted, NotWhileImpersonating
from ..request.state import RequestState, state_of
from ..sessions.outcomes import Outcome, SecondFactorMissing, SignedIn, SignedOut, Unavailable
from ..types import AAL
from . import refusals

Missing = SignedOut | AALRequired | NotAdmitted | NotWhileImpersonating  # what keeps a request out of a guarded view


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

    @property
    def is_strict(self) -> bool:
        """Whether it requires more than a session."""
        return self.aal is not None or self.max_age is not None or self.fresh

    def check(self, request: HttpRequest) -> HttpResponse | None:
        """``None`` if the request may go on, else the response to it. Raises :class:`OryUnavailable`."""
        missing = self.find_missing(request)
        return None if missing is None else _make_response(request, missing)

    async def acheck(self, request: HttpRequest) -> HttpResponse | None:
        """:meth:`check` for coroutines."""
        missing = await self.afind_missing(request)
        return None if missing is None else _make_response(request, missing)

    def find_missing(self, request: HttpRequest) -> Missing | None:
        """What the request lacks, or ``None`` if it may go on. Raises :class:`OryUnavailable`."""
        state = state_of(request)
        outcome = state.outcome(fresh=self.fresh)
        if self._needs_fresh_outcome(outcome):
            outcome = state.outcome(fresh=True)
        own = True
        if isinstance(outcome, SignedIn):
            state.user()
            own = state.is_own_user_shown(request)
        return self._decide(state, outcome, own)

    async def afind_missing(self, request: HttpRequest) -> Missing | None:
        """:meth:`find_missing` for coroutines."""
        state = state_of(request)
        outcome = await state.aoutcome(fresh=self.fresh)
        if self._needs_fresh_outcome(outcome):
            outcome = await state.aoutcome(fresh=True)
        own = True
        if isinstance(outcome, SignedIn):
            await state.aown_user()
            own = await state.ais_own_user_shown(request)
        return self._decide(state, outcome, own)

    def _needs_fresh_outcome(self, outcome: Outcome) -> bool:
        """Whether to call Ory before a cached session is refused, or a stale one accepted for a strict guard."""
        if not isinstance(outcome, SignedIn):
            return False
        strict = self.aal is not None or self.max_age is not None
        return not outcome.satisfies(self.aal, self.max_age) or (outcome.stale and strict)

    def _decide(self, state: RequestState, outcome: Outcome, is_own_user: bool) -> Missing | None:
        match outcome:
            case Unavailable():
                raise state.outage_error(outcome)  # also with @ory_optional
            case SignedOut():
                return outcome
            case SecondFactorMissing():
                return AALRequired()
            case SignedIn() if state.not_admitted:
                return NotAdmitted(state.not_admitted)
            case SignedIn() if not is_own_user and not state.user_outage:
                # The Ory session says nothing about the user whom the view would serve.
                log(Event.USER_MISMATCH, identity=str(outcome.session.identity.id))
                return NotAdmitted(Event.USER_MISMATCH)
            case SignedIn() if self.is_strict and state.actor is not None:
                return NotWhileImpersonating()  # the session says nothing about how the user has signed in
            case SignedIn() if not outcome.satisfies(self.aal, None):
                log(Event.AAL_REQUIRED, aal=self.aal)
                return AALRequired(aal=self.aal)
            case SignedIn() if not outcome.satisfies(self.aal, self.max_age):
                return AALRequired(aal=self._second_factor(), refresh=True)
            case SignedIn():
                if state.user_outage:
                    raise state.outage_error(state.user_outage)
                return None

    def _second_factor(self) -> str | None:
        return self.aal.value if self.aal == AAL.AAL2 else None


def _make_response(request: HttpRequest, missing: Missing) -> HttpResponse:
    match missing:
        case SignedOut():
            return refusals.sign_in(request)
        case AALRequired():
            return refusals.require_step_up(request, missing)
        case NotAdmitted():
            return refusals.not_admitted(request, missing)
        case NotWhileImpersonating():
            return refusals.impersonating(request)


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
