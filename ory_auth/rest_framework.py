"""Django REST framework: an authentication class, and a permission that requires a second factor."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import APIException, ErrorDetail, PermissionDenied
from rest_framework.permissions import AND, NOT, OR, BasePermission
from rest_framework.request import Request

from .exceptions import AALRequired, NotAdmitted, NotWhileImpersonating
from .request.state import RequestState, find_state, state_of
from .request.user import is_same_user
from .responses.refusals import (
    IMPERSONATING,
    NOT_ADMITTED,
    REALM,
    RETRY_AFTER,
    UNAVAILABLE,
    debug_help,
    describe_step_up,
)
from .sessions.outcomes import SecondFactorMissing, SignedIn, Unavailable
from .types import AAL, OrySession

__all__ = ["AAL2Required", "OrySessionAuthentication"]

# The exception handlers of these packages treat a dict as several errors, one for each key.
ONE_ERROR_PER_KEY = ("drf_standardized_errors", "exceptions_hog")


class _ErrorWithCode(APIException):
    """One error with a stable code, and ``extra`` fields that say what to do.

    ``detail`` is a dict, because DRF's own exception handler uses it as the body. Some handlers would turn a dict into
    several errors. They get the text and the code, and can read ``extra``.
    """

    def __init__(self, body: Mapping[str, Any], request: Request | None = None) -> None:
        self.code = self.default_code = body["code"]
        self.default_detail = body["detail"]
        self.extra = {name: value for name, value in body.items() if name not in {"code", "detail"}}
        super().__init__(body["detail"] if _takes_one_error_per_key(request) else dict(body), self.code)

    def get_codes(self) -> Any:
        return self.code

    def get_full_details(self) -> Any:
        return {"message": ErrorDetail(str(self.default_detail), self.code), "code": self.code}


class OryNotAvailable(_ErrorWithCode):
    """503: Ory did not say who the user is."""

    status_code = 503

    def __init__(self, outcome: Unavailable, request: Request | None = None) -> None:
        body: dict[str, Any] = {"code": "ory_unavailable", "detail": UNAVAILABLE}
        help_text = debug_help(request._request, outcome) if request else None
        super().__init__({**body, "debug": help_text} if help_text else body, request)
        self.wait = outcome.retry_after or RETRY_AFTER  # becomes Retry-After


class Refused(_ErrorWithCode, PermissionDenied):
    """403 with a code that a client can act on."""


class OrySessionAuthentication(BaseAuthentication):
    """Authenticates requests by their Ory credential only.

    ``request.user`` is the Django user, and ``request.auth`` is the :class:`~ory_auth.types.OrySession`. Without an Ory
    credential the class does not authenticate, even if there is a Django session. CSRF is enforced if the credential is
    a cookie.

    If middleware has assigned another user to ``request.user``, as impersonation does, that user also counts here.
    """

    def __init__(self) -> None:
        _describe_to_drf_spectacular()

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        state = find_state(request)
        if state is None:
            return _assigned_user(request)
        outcome = state.outcome()
        match outcome:
            case Unavailable():
                raise _outage_error(state, outcome, request)
            case SecondFactorMissing():
                raise _step_up_error(request)
            case SignedIn() if state.credential is not None:
                if not state.credential.kind.by_header:
                    SessionAuthentication().enforce_csrf(request)
                user = _effective_user(request, self._user(request))
                return (user, outcome.session) if getattr(user, "is_active", False) else None
        return None

    def _user(self, request: Request) -> Any:
        state = state_of(request)
        with state.hide_outages():
            user = state.user()
        if state.not_admitted:
            error = NotAdmitted(state.not_admitted)
            body = {"code": error.code, "detail": NOT_ADMITTED, "reason": error.reason.value}
            raise Refused(body, request)
        if state.user_outage:
            raise _outage_error(state, state.user_outage, request)
        return user

    def authenticate_header(self, request: Request) -> str:
        return REALM


class AAL2Required(BasePermission):
    """Allows users who have used a second factor. Others get a 403 with the URL at which to use one.

    Works with ``&``, ``|`` and ``~``. The 403 of an expression has the URL only if the second factor is why it fails.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not _is_authenticated_by_ory(request):
            return False
        state = state_of(request)
        outcome = state.outcome()
        if isinstance(outcome, SignedIn) and not outcome.satisfies(AAL.AAL2, None):
            outcome = state.outcome(fresh=True)  # ask Ory before refusing a user because of a cached session
            # The user is looked up again, and may be another one now.
            if isinstance(outcome, SignedIn) and not _is_authenticated_by_ory(request):
                return False
        match outcome:
            case Unavailable():
                raise _outage_error(state, outcome, request)
            case SignedIn() if state.find_actor() is None and outcome.satisfies(AAL.AAL2, None):
                return True
            case SignedIn() | SecondFactorMissing():
                _explain_refusal(view)
        return False

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return self.has_permission(request, view)  # if this were always true, ~AAL2Required would refuse every object


class _RefusalExplainer:
    """Replaces two methods of a view object, so that its 403 can say that a second factor is missing.

    DRF only knows that a permission failed. If that is an expression, this finds out whether :class:`AAL2Required` is
    the part that failed, by checking the permissions again. A view object serves one request.
    """

    def __init__(self, view: Any) -> None:
        self.aal2_refused = False  # set by AAL2Required
        self._view = view
        self._objects: tuple[Any, ...] = ()  # that the permissions are checked for
        self._permission_denied = view.permission_denied
        self._check_object_permissions = view.check_object_permissions
        view.permission_denied = self.permission_denied
        view.check_object_permissions = self.check_object_permissions

    def check_object_permissions(self, request: Request, obj: Any) -> None:
        self._objects = (obj,)
        self._check_object_permissions(request, obj)

    def permission_denied(self, request: Request, *args: Any, **kwargs: Any) -> None:
        try:
            self._permission_denied(request, *args, **kwargs)
        except PermissionDenied:
            if self._needs_second_factor(request):
                raise _step_up_error(request) from None
            raise

    def _needs_second_factor(self, request: Request) -> bool:
        for permission in self._view.get_permissions():
            if not self._passes(permission, request):
                return self._fails_for_aal2(permission, request)
        return not self._objects  # AAL2Required failed for an object before this recorded objects

    def _passes(self, permission: Any, request: Request) -> bool:
        return permission.has_permission(request, self._view) and all(
            permission.has_object_permission(request, self._view, obj) for obj in self._objects
        )

    def _fails_for_aal2(self, permission: Any, request: Request) -> bool:
        """Whether a permission that failed did so because of AAL2Required."""
        operator = type(permission)
        if operator is NOT:
            return False
        if operator is AND:
            failed = permission.op2 if self._passes(permission.op1, request) else permission.op1
            return self._fails_for_aal2(failed, request)
        if operator is OR:
            return self._fails_for_aal2(permission.op1, request) or self._fails_for_aal2(permission.op2, request)
        self.aal2_refused = False
        return not self._passes(permission, request) and self.aal2_refused


def _explain_refusal(view: Any) -> None:
    """Let the 403 of a DRF view say that a second factor is missing. Does nothing for other callers."""
    explainer = getattr(view, "_ory_refusal_explainer", None)
    if explainer is None and hasattr(view, "permission_denied") and hasattr(view, "check_object_permissions"):
        explainer = view._ory_refusal_explainer = _RefusalExplainer(view)
    if explainer is not None:
        explainer.aal2_refused = True


def _is_authenticated_by_ory(request: Request) -> bool:
    """Whether the user comes from this request's Ory session, not from another authenticator or an assignment."""
    if not isinstance(request.successful_authenticator, OrySessionAuthentication):
        return False
    state = find_state(request)
    if state is None:
        return False
    outcome, auth = state.outcome(), request.auth
    if not isinstance(outcome, SignedIn) or not isinstance(auth, OrySession):
        return False
    same_session = (auth.id, auth.identity.id) == (outcome.session.id, outcome.session.identity.id)
    return same_session and is_same_user(request.user, state.user())


def _effective_user(request: Request, own_user: Any) -> Any:
    """The user of the session, or another one that middleware assigned to ``request.user``.

    A user that DRF itself assigned, for another authenticator or view, does not count. DRF then also sets ``auth``.
    """
    attributes = vars(request._request)
    assigned_by_drf = "auth" in attributes and not isinstance(attributes["auth"], OrySession)
    return own_user if assigned_by_drf or state_of(request).is_own_user_shown(request) else request._request.user


def _assigned_user(request: Request) -> tuple[Any, Any] | None:
    """The user that was assigned to a request that skipped the middleware, such as one of a test or drf-spectacular."""
    user = getattr(request._request, "user", None)
    if not getattr(user, "is_active", False):
        return None
    SessionAuthentication().enforce_csrf(request)
    return user, getattr(request._request, "auth", None)


def _outage_error(state: RequestState, outcome: Unavailable, request: Request) -> OryNotAvailable:
    state.outage_error(outcome)  # recorded, so that no other response hides the outage
    return OryNotAvailable(outcome, request)


def _step_up_error(request: Request) -> Refused:
    if state_of(request).find_actor() is not None:  # the staff member's second factor does not count for the user
        return Refused({"code": NotWhileImpersonating.code, "detail": IMPERSONATING}, request)
    return Refused(describe_step_up(request._request, AALRequired()), request)


def _takes_one_error_per_key(request: Request | None) -> bool:
    view = request.parser_context.get("view") if request is not None else None
    if view is None:
        return False
    module = getattr(view.get_exception_handler(), "__module__", "")
    return module.partition(".")[0] in ONE_ERROR_PER_KEY


def _describe_to_drf_spectacular() -> None:
    """Register the security schemes, if drf-spectacular is loaded in this process.

    drf-spectacular creates the authenticators of a view before it looks for their schemes. Importing this module is too
    early, because DRF may not be fully imported yet, and drf-spectacular needs DRF.
    """
    if "drf_spectacular.extensions" in sys.modules and "ory_auth.drf_spectacular" not in sys.modules:
        import_module("ory_auth.drf_spectacular")
