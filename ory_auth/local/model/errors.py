"""Errors as Kratos puts them into JSON, https://www.ory.com/docs/ecosystem/api-design#error-responses."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

MESSAGES = {
    400: "the request cannot be understood",
    401: "the request carries no valid credentials",
    403: "the request is not allowed",
    404: "there is no such resource",
    409: "the resource exists already",
    410: "the resource has expired",
    500: "the server failed",
}

PHRASES = {422: "Unprocessable Entity"}  # Python 3.13 has another one


class OryError(Exception):
    """An answer that is an error.

    `code` is the HTTP status, `id` the word a client may rely on (often none), `reason`, `message` and `details`
    explain, and `beside` is what stands next to "error" in the body. `browser_to` is where a browser is sent instead
    of the error page.
    """

    def __init__(
        self,
        code: int,
        id: str = "",
        *,
        reason: str = "",
        message: str = "",
        details: dict[str, Any] | None = None,
        beside: dict[str, Any] | None = None,
        browser_to: str = "",
    ) -> None:
        self.code = code
        self.id = id
        self.reason = reason
        self.message = message or MESSAGES[code]
        self.details = details
        self.beside = beside or {}
        self.browser_to = browser_to
        super().__init__(self.message)

    def content(self) -> dict[str, Any]:
        """The value of "error"."""
        known = {
            "id": self.id,
            "code": self.code,
            "status": PHRASES.get(self.code) or HTTPStatus(self.code).phrase,
            "reason": self.reason,
            "details": self.details,
            "message": self.message,
        }
        return {key: value for key, value in known.items() if value not in ("", None)}

    def body(self) -> dict[str, Any]:
        return {"error": self.content(), **self.beside}


def not_found() -> OryError:
    return OryError(404)


def unauthorized(reason: str = "no valid session credentials in the request", *, browser_to: str = "") -> OryError:
    return OryError(401, reason=reason, browser_to=browser_to)


def session_inactive(beside: dict[str, Any] | None = None, *, browser_to: str = "") -> OryError:
    reason, message = "there is no active session", "no active session"
    return OryError(401, "session_inactive", reason=reason, message=message, beside=beside, browser_to=browser_to)


def aal2_required(login_url: str) -> OryError:
    """The session lacks the second factor that its identity has."""
    to = {"redirect_browser_to": login_url}
    reason = "a second factor is required"
    return OryError(403, "session_aal2_required", reason=reason, details=to, beside=to, browser_to=login_url)


def already_signed_in(browser_to: str = "") -> OryError:
    reason = "there is a valid session already; refresh=true asks for the password again"
    message = "already signed in"
    return OryError(400, "session_already_available", reason=reason, message=message, browser_to=browser_to)


def location_change(url: str) -> OryError:
    """Tells a single-page app that the browser itself has to go somewhere."""
    return OryError(
        422,
        "browser_location_change_required",
        reason=f"the browser has to be sent to {url}",
        message="browser location change required",
        beside={"redirect_browser_to": url},
    )
