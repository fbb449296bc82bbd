"""django-ninja: authenticators for sync and async operations."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security.base import SecuritySchema
from ninja.utils import check_csrf

from .conf import conf
from .ory.credentials import Kind
from .process.event_loop import in_event_loop
from .request.django_session.session_data import SAFE_METHODS
from .request.state import RequestState, state_of
from .responses.guard import Guard, Missing
from .sessions.outcomes import Outcome, SignedIn, SignedOut
from .types import AAL, OrySession

__all__ = ["OryAuth"]


class OryAuth(tuple["_Authenticator", ...]):
    """``NinjaAPI(auth=OryAuth())``, or the ``auth`` of a router or an operation.

    ``request.auth`` is the :class:`~ory_auth.types.OrySession`, and ``request.user`` the user. Django's own session
    does not count. CSRF is enforced if the credential is a cookie. ``aal``, ``max_age`` and ``fresh`` mean the same
    as in :func:`~ory_auth.decorators.ory_required`.

    It is a tuple of authenticators, because OpenAPI describes each form of the credential separately. Unpack it to
    accept other credentials, too: ``auth=[*OryAuth(), ApiKey()]``.
    """

    def __new__(
        cls, *, aal: str | AAL | None = None, max_age: timedelta | float | None = None, fresh: bool = False
    ) -> OryAuth:
        guard = Guard(aal, max_age, fresh=fresh)
        return super().__new__(cls, (OryBearer(guard), OryCookie(guard), OrySessionToken(guard)))


class _Authenticator:
    """Authenticates the request if its credential has this form."""

    kind: ClassVar[Kind]
    is_async = True  # in async operations, django-ninja then awaits the result

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def __call__(self, request: HttpRequest) -> OrySession | Awaitable[OrySession | None] | None:
        state = state_of(request)
        state.is_api = state.asked = True
        if state.credential_or_malformed is None or state.credential_or_malformed.kind is not self.kind:
            return None
        return self._aauthenticate(request, state) if in_event_loop() else self._authenticate(request, state)

    def _authenticate(self, request: HttpRequest, state: RequestState) -> OrySession | None:
        if self._needs_csrf_token(request, state.outcome()):
            _require_csrf_token(request)
        _refuse(state, self._guard.find_missing(request))
        return state.session()  # None if signed out: django-ninja then tries the next authenticator

    async def _aauthenticate(self, request: HttpRequest, state: RequestState) -> OrySession | None:
        if self._needs_csrf_token(request, await state.aoutcome()):
            await sync_to_async(_require_csrf_token)(request)  # the token may be in Django's session
        _refuse(state, await self._guard.afind_missing(request))
        return await state.asession()

    def _needs_csrf_token(self, request: HttpRequest, outcome: Outcome) -> bool:
        """Browsers also add the cookie to requests that another site makes."""
        exempt = request.method in SAFE_METHODS or getattr(request, "_ninja_csrf_exempt", False)
        return isinstance(outcome, SignedIn) and not self.kind.by_header and not exempt


class OrySessionToken(_Authenticator):
    """A session token in its own header."""

    kind = Kind.TOKEN
    openapi_security_schema = SecuritySchema("apiKey", **{"in": "header", "name": "X-Session-Token"})


class OryCookie(_Authenticator):
    """Ory's session cookie, as browsers send it."""

    kind = Kind.COOKIE
    csrf = True  # django-ninja's documentation page then sends the token

    @property
    def openapi_security_schema(self) -> dict[str, Any]:
        description = "Requests that change something also need Django's CSRF token in the header X-CSRFToken."
        return SecuritySchema(
            "apiKey", **{"in": "cookie", "name": conf().session_cookie_name, "description": description}
        )


class OryBearer(_Authenticator):
    """A session token as a bearer token."""

    kind = Kind.BEARER
    openapi_security_schema = SecuritySchema("http", scheme="bearer", description="Ory's session token: ory_st_…")


def _require_csrf_token(request: HttpRequest) -> None:
    if check_csrf(request):
        raise HttpError(403, "CSRF check failed: the header X-CSRFToken is missing or wrong.")


def _refuse(state: RequestState, missing: Missing | None) -> None:
    """Raise the reason why a signed-in user is refused, if there is one."""
    if missing is not None and not isinstance(missing, SignedOut):
        state.api_error = missing
        raise missing
