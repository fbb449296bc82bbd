"""Django REST framework: an authentication class over the same pipeline, and a permission for a second factor."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from .authentication import is_same_user, state_of
from .exceptions import AALRequired, NotAdmitted
from .outcomes import SecondFactorMissing, SignedIn, Unavailable
from .responses import NOT_ADMITTED, REALM, RETRY_AFTER, UNAVAILABLE, way_on
from .types import AAL, OrySession

__all__ = ["AAL2Required", "OrySessionAuthentication"]


class OryNotAvailable(APIException):
    """503: Ory did not say who the user is."""

    status_code = 503

    def __init__(self, outcome: Unavailable) -> None:
        super().__init__({"code": "ory_unavailable", "detail": UNAVAILABLE})
        self.wait = outcome.retry_after or RETRY_AFTER  # becomes Retry-After


class Refused(APIException):
    """403 with a code that a client can act on."""

    status_code = 403


class OrySessionAuthentication(BaseAuthentication):
    """``request.user`` and ``request.auth`` from an Ory credential, and from nothing else.

    ``request.auth`` is the :class:`~ory_auth.types.OrySession`. Without an Ory credential the class does not
    authenticate, even if there is a Django session. CSRF is enforced if the credential is a cookie.
    """

    def authenticate(self, request: Request) -> tuple[Any, OrySession] | None:
        state = state_of(request)
        outcome = state.outcome()
        match outcome:
            case Unavailable():
                raise OryNotAvailable(outcome)
            case SecondFactorMissing():
                raise _step_up(request)
            case SignedIn() if state.credential is not None:
                if not state.credential.kind.by_header:
                    SessionAuthentication().enforce_csrf(request)
                return self._user(request), outcome.session
        return None

    def _user(self, request: Request) -> Any:
        state = state_of(request)
        with state.seen_as_anonymous():
            user = state.user()
        if state.refused:
            error = NotAdmitted(state.refused)
            raise Refused({"code": error.code, "detail": NOT_ADMITTED, "reason": error.reason.value})
        if state.user_trouble:
            raise OryNotAvailable(state.user_trouble)
        return user

    def authenticate_header(self, request: Request) -> str:
        return REALM


class AAL2Required(BasePermission):
    """Allows users who have used a second factor. Others get 403 with the URL to use one."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not _is_authenticated_by_ory(request):
            return False
        state = state_of(request)
        outcome = state.outcome()
        if isinstance(outcome, SignedIn) and not outcome.satisfies(AAL.AAL2, None):
            outcome = state.outcome(fresh=True)  # ask Ory before refusing somebody because of a cached session
        match outcome:
            case Unavailable():
                raise OryNotAvailable(outcome)
            case SignedIn() if outcome.satisfies(AAL.AAL2, None):
                return True
            case SignedIn() | SecondFactorMissing():
                raise _step_up(request)
        return False


def _is_authenticated_by_ory(request: Request) -> bool:
    """Whether this user came from this request's Ory session, and not from another authenticator or an assignment."""
    if not isinstance(request.successful_authenticator, OrySessionAuthentication):
        return False
    state = state_of(request)
    outcome, auth = state.outcome(), request.auth
    if not isinstance(outcome, SignedIn) or not isinstance(auth, OrySession):
        return False
    same_session = (auth.id, auth.identity.id) == (outcome.session.id, outcome.session.identity.id)
    return same_session and is_same_user(request.user, state.user())


def _step_up(request: Request) -> Refused:
    return Refused(way_on(request._request, AALRequired()))
