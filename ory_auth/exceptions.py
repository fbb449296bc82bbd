"""The errors of this package, as one tree.

::

    OryAuthError
    ├── OryUnavailable          Ory did not say who the user is: 503, never "signed out"
    │   ├── OryResponseInvalid  Ory's response cannot be trusted
    │   └── RateLimited         Ory limits the rate of calls: try again later
    ├── AALRequired             a second factor, or signing in again, is required
    ├── NotAdmitted             known at Ory, but not admitted here
    ├── NotWhileImpersonating   the view is not for staff who impersonate another user
    ├── ImpersonationRefused    the staff member may not impersonate this user
    ├── NotFound                the admin API does not know the identity or session
    ├── Conflict                another identity has one of these values
    ├── InvalidIdentity         the admin API refuses these values
    ├── MethodDisabled          a method that the call needs is turned off at Ory
    └── InvitationNotSent       the mail with a code or link could not be sent

None of them contains a credential, a trait or a part of Ory's response.
"""

from __future__ import annotations

from .events import Event

__all__ = [
    "AALRequired",
    "Conflict",
    "ImpersonationRefused",
    "InvalidIdentity",
    "InvitationNotSent",
    "MethodDisabled",
    "NotAdmitted",
    "NotFound",
    "NotWhileImpersonating",
    "OryAuthError",
    "OryResponseInvalid",
    "OryUnavailable",
    "RateLimited",
]


class OryAuthError(Exception):
    """Base class of all errors that this package raises, for a request or for a call of the admin API."""


class OryUnavailable(OryAuthError):
    """Ory did not say who the user is, or did not carry out a call. In a request, the response is a 503.

    ``event`` is the kind of failure, ``status`` Ory's HTTP status if there was a response, and ``retry_after`` the
    number of seconds after which to try again. ``connected`` is whether there was a connection to Ory, ``cause`` a
    detail such as the type of an error, and ``tried`` the method and path of the call.
    """

    def __init__(
        self,
        message: str = "Ory did not say who the user is.",
        *,
        event: Event = Event.UNAVAILABLE,
        status: int | None = None,
        retry_after: int | None = None,
        connected: bool = True,
        cause: str | None = None,
        tried: str | None = None,
    ) -> None:
        super().__init__(message)
        self.event, self.status, self.retry_after, self.connected = event, status, retry_after, connected
        self.cause, self.tried = cause, tried


class OryResponseInvalid(OryUnavailable):
    """Ory's response cannot be trusted: it is not JSON, is too large, or is about another identity."""

    def __init__(self, message: str, *, event: Event = Event.BAD_ANSWER, status: int | None = None) -> None:
        super().__init__(message, event=event, status=status)


class RateLimited(OryUnavailable):
    """Ory limits the rate of calls (429). Try again after ``retry_after`` seconds, if Ory says how long."""

    def __init__(self, message: str = "Ory limits the rate of calls (429).", *, retry_after: int | None = None) -> None:
        super().__init__(message, event=Event.RATE_LIMITED, status=429, retry_after=retry_after)


class AALRequired(OryAuthError):
    """The person must first use a second factor (``aal``) or sign in again (``refresh``) at Ory."""

    def __init__(self, *, aal: str | None = "aal2", refresh: bool = False) -> None:
        super().__init__("A second factor is required." if aal else "Signing in again is required.")
        self.aal, self.refresh = aal, refresh

    @property
    def code(self) -> str:
        """The stable code in JSON responses, which is Ory's own."""
        return "session_refresh_required" if self.refresh else "session_aal2_required"


class NotAdmitted(OryAuthError):
    """The person is known at Ory, but not admitted here. ``reason`` is the event that says why."""

    code = "not_admitted"

    def __init__(self, reason: Event = Event.NOT_ADMITTED) -> None:
        super().__init__("This account is not admitted here.")
        self.reason = reason


class NotWhileImpersonating(OryAuthError):
    """The view refuses staff who impersonate another user. Raise it in a view for a 403 with the way out."""

    code = "impersonating"

    def __init__(self) -> None:
        super().__init__("This is not available while you impersonate another user.")


class ImpersonationRefused(OryAuthError):
    """The impersonation may not start.

    ``reason`` is a stable word: ``"no_permission"``, ``"self"``, ``"superuser"``, ``"inactive"``, ``"more_rights"``,
    ``"handler"``, ``"not_signed_in"``, ``"token"``, ``"active"`` or ``"no_reason"``. ``explanation`` is the text of
    the handler's ``refuse_impersonation()``, if that has refused.
    """

    def __init__(self, reason: str, explanation: str = "") -> None:
        super().__init__(f"The impersonation is refused: {reason}.")
        self.reason, self.explanation = reason, explanation


class NotFound(OryAuthError):
    """The admin API does not know this identity, session or credential."""

    def __init__(self, message: str = "Ory does not know this identity.") -> None:
        super().__init__(message)


class Conflict(OryAuthError):
    """Another identity has one of these values: an address, a username, an ``external_id``. Ory does not say which."""

    def __init__(self, message: str = "Another identity at Ory has one of these values.") -> None:
        super().__init__(message)


class InvalidIdentity(OryAuthError):
    """The admin API refuses what it was sent (400), often because the identity schema does.

    ``fields`` are JSON pointers to the refused values, such as ``"#/traits/email"``. The values are not included.
    """

    def __init__(self, message: str = "Ory refuses these values.", *, fields: tuple[str, ...] = ()) -> None:
        super().__init__(f"{message} Refused: {', '.join(fields)}." if fields else message)
        self.fields = fields


class MethodDisabled(OryAuthError):
    """A method that the call needs is turned off at Ory: recovery by code or by link, or verification."""

    def __init__(self, message: str = "This method is turned off at Ory.") -> None:
        super().__init__(message)


class InvitationNotSent(OryAuthError):
    """The mail of an invitation could not be sent. ``cause`` is the type of the error that Django's mail raised."""

    def __init__(self, message: str = "The invitation could not be sent.", *, cause: str | None = None) -> None:
        super().__init__(message)
        self.cause = cause
