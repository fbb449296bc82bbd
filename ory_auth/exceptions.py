"""What can go wrong, as one tree.

::

    OryAuthError
    ├── OryUnavailable          Ory did not say who the user is: 503, never "signed out"
    │   └── OryResponseInvalid  Ory answered, but not in a way that can be trusted
    ├── AALRequired             known, but a second factor (or a fresh sign-in) is missing
    └── NotAdmitted             known at Ory, but not admitted here

None of them carries a credential, a trait or a body of Ory's.
"""

from __future__ import annotations

from .events import Event

__all__ = ["AALRequired", "NotAdmitted", "OryAuthError", "OryResponseInvalid", "OryUnavailable"]


class OryAuthError(Exception):
    """Base of every error that this package raises for a request."""


class OryUnavailable(OryAuthError):
    """Ory did not say who the user is. The response is a 503.

    ``event`` names the kind of failure, ``status`` is Ory's HTTP status where there was one, ``retry_after`` is the
    number of seconds after which to ask again, and ``connected`` says whether there was a connection to Ory. ``cause``
    is more about it, such as the type of an error, and ``tried`` is the method and path of the call.
    """

    def __init__(
        self,
        message: str = "Ory could not be asked who this is.",
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
    """Ory's response cannot be trusted: not JSON, too large, or about somebody else."""

    def __init__(self, message: str, *, event: Event = Event.BAD_ANSWER, status: int | None = None) -> None:
        super().__init__(message, event=event, status=status)


class AALRequired(OryAuthError):
    """The person has to do more at Ory first: a second factor (``aal``), or signing in again (``refresh``)."""

    def __init__(self, *, aal: str | None = "aal2", refresh: bool = False) -> None:
        super().__init__("A second factor is required." if aal else "Signing in again is required.")
        self.aal, self.refresh = aal, refresh

    @property
    def code(self) -> str:
        """The stable code of the JSON answer, as Ory names it."""
        return "session_refresh_required" if self.refresh else "session_aal2_required"


class NotAdmitted(OryAuthError):
    """Ory knows this person, but they are not admitted here. ``reason`` is the event that says why."""

    code = "not_admitted"

    def __init__(self, reason: Event = Event.NOT_ADMITTED) -> None:
        super().__init__("This account is not admitted here.")
        self.reason = reason
