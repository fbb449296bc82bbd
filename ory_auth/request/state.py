"""The pipeline of one request, and the object that stores its results.

::

    headers, cookies → Credential → lookup → OrySession → shadow user → request.user

Nothing happens until code reads the user or the session. The outcome then stays the same for the rest of the request,
failures included. The modules beside this one decide; :mod:`ory_auth.sessions.driver` does the I/O, for sync and async
callers alike.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ..exceptions import OryUnavailable
from ..sessions.outcomes import Outcome, SignedIn, Unavailable
from ..types import OrySession
from .django_login import handle_login
from .impersonation import store_end
from .impersonation_cookie import Reference, sign
from .middleware_order import DIRECTLY_AFTER, ORY_MIDDLEWARE, find_positions
from .outages import outage_error, raise_unless_exempt
from .outcome import aget_outcome, get_outcome
from .session_access import aopen_session, arecord_owner, open_session, record_owner
from .sign_out import begin_sign_out, end_session
from .user import (
    aget_request_user,
    aget_user,
    ais_own_user_shown,
    get_request_user,
    get_user,
    is_own_user_shown,
    show_person,
    show_user,
)
from .user_signals import send_waiting_signals
from .values import RequestValues


class RequestState(RequestValues):
    """The request as other packages see it. A method with the prefix ``a`` is the async version."""

    # --- the outcome at Ory

    def outcome(self, *, fresh: bool = False) -> Outcome:
        """Who this is at Ory. With ``fresh``, an outcome from a cache does not count, and Ory is called."""
        return get_outcome(self, fresh=fresh)

    async def aoutcome(self, *, fresh: bool = False) -> Outcome:
        return await aget_outcome(self, fresh=fresh)

    def session(self) -> OrySession | None:
        """The Ory session, or ``None``; raises :class:`OryUnavailable`."""
        return self._session_in(self.outcome())

    async def asession(self) -> OrySession | None:
        return self._session_in(await self.aoutcome())

    def _session_in(self, outcome: Outcome) -> OrySession | None:
        if isinstance(outcome, SignedIn):
            return outcome.session
        if isinstance(outcome, Unavailable):
            raise_unless_exempt(self, outcome)
        return None

    # --- the user

    @property
    def lazy_user(self) -> Any:
        """The value of ``request.user`` until code assigns another one."""
        return get_request_user(self)

    def user(self) -> Any:
        """The user of the credential, anonymous if nobody is signed in; raises :class:`OryUnavailable`."""
        return get_user(self)

    async def auser(self) -> Any:
        """What ``await request.auser()`` returns: the user of the credential, or one that code has assigned."""
        return await aget_request_user(self)

    async def aown_user(self) -> Any:
        """:meth:`user` for coroutines, even if another user was assigned to ``request.user``."""
        return await aget_user(self)

    def is_own_user_shown(self, request: Any) -> bool:
        """Whether ``request.user`` is the person of the Ory session, no matter what assigned it.

        For use after :meth:`user`. ``request`` may be a copy, which has its own ``user``.
        """
        return is_own_user_shown(self, django_request(request))

    async def ais_own_user_shown(self, request: Any) -> bool:
        return await ais_own_user_shown(self, django_request(request))

    # --- impersonation

    def find_actor(self) -> Any:
        """The staff member who impersonates the user, or ``None``; raises :class:`OryUnavailable`."""
        if self.may_impersonate:
            get_user(self)
        return self.actor

    async def afind_actor(self) -> Any:
        if self.may_impersonate:
            await aget_user(self)
        return self.actor

    def begin_impersonation(self, person: Any, reference: Reference) -> None:
        """From now on, the user of this request and of the browser is ``person``."""
        show_person(self, person, actor=self.session_user, impersonation_id=reference.impersonation_id)
        self.impersonation_cookie = sign(reference)

    def end_impersonation_again(self) -> None:
        """After the view: end what this request has ended, because its transaction may have rolled that back."""
        store_end(self)

    def leave_impersonation(self) -> None:
        """From now on, the user of this request and of the browser is the person of the Ory session."""
        actor = self.actor
        self.forget_impersonation()
        if actor is not None:
            self.current_user = actor
            show_user(self, actor)

    def outage_error(self, outage: Unavailable) -> OryUnavailable:
        """The outage as an error to raise. From now on the response must not hide it."""
        return outage_error(self, outage)

    def send_waiting_signals(self) -> None:
        """Send the signals that were held back until all middleware has begun."""
        send_waiting_signals(self)

    # --- Django's own sign-in and session

    def handle_django_login(self, new_user: Any) -> None:
        """Django's ``login()`` was called: that user counts for this request and this credential."""
        handle_login(self, new_user)

    def open_django_session(self, session: Any) -> bool:
        """Before Django's session is first used: hide its data if this request may not see it.

        ``False`` if that is not known yet, because a lookup is running. Raises :class:`OryUnavailable`.
        """
        return open_session(self, session)

    async def aopen_django_session(self, session: Any) -> bool:
        return await aopen_session(self, session)

    def record_session_owner(self) -> None:
        """Before Django's session is saved: store whose data this request has put into it."""
        record_owner(self)

    async def arecord_session_owner(self) -> None:
        await arecord_owner(self)

    # --- signing out

    def begin_sign_out(self) -> Any:
        """The user for ``user_logged_out``, or ``None``. Call it within :meth:`hide_outages`."""
        return begin_sign_out(self)

    def sign_out(self) -> Unavailable | None:
        """End the Ory session: here at once, and at Ory. Returns ``Unavailable`` if Ory could not end it."""
        return end_session(self)


def state_of(request: Any) -> RequestState:
    """The state of this request: Django's, or one that wraps it as DRF's does."""
    state = find_state(request)
    if state is None:
        raise ImproperlyConfigured(
            f"This {type(request).__name__} has not passed through {ORY_MIDDLEWARE!r}, so its user is not known. "
            "In a test, call ory_auth.testing.prepare_request(request) first. In a middleware, move that middleware "
            "below OryMiddleware in MIDDLEWARE. Consumers of Channels use ory_auth.channels."
        )
    return state


def django_request(request: Any) -> Any:
    """Django's request, which one of Django REST framework wraps."""
    return getattr(request, "_request", request)


def find_state(request: Any) -> RequestState | None:
    """:func:`state_of`, or ``None`` if this request has not passed through the middleware, as a test's may not."""
    state = getattr(django_request(request), "_ory_state", None)
    if isinstance(state, RequestState):
        return state
    if not find_positions(settings.MIDDLEWARE, ORY_MIDDLEWARE):
        raise ImproperlyConfigured(f"{ORY_MIDDLEWARE!r} is missing from MIDDLEWARE. Add it {DIRECTLY_AFTER}.")
    return None
