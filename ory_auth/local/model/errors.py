"""Errors, and their JSON. https://www.ory.com/docs/ecosystem/api-design#error-responses"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

DEFAULT_MESSAGES = {
    400: "the request is malformed",
    401: "the request carries no valid credentials",
    403: "the request is not allowed",
    404: "the resource does not exist",
    409: "the resource already exists",
    429: "too many requests",
    410: "the resource has expired",
    500: "the server failed",
}

STATUS_PHRASES = {422: "Unprocessable Entity"}  # Python 3.13 has a different phrase


class OryError(Exception):
    """An error response.

    `code` is the HTTP status, unless `status` is another one. `id` is a word for programs, often empty. `reason`,
    `message` and `details` explain the error. Only a Kratos that was started with --dev sends `debug`. `extra` contains
    members of the body beside "error". A browser is redirected to `browser_url`, or to the error page if there is none.
    """

    def __init__(
        self,
        code: int,
        id: str = "",
        *,
        reason: str = "",
        message: str = "",
        debug: str = "",
        details: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
        browser_url: str = "",
        status: int | None = None,
    ) -> None:
        self.code = code
        self.status = status or code
        self.id = id
        self.reason = reason
        self.message = message or DEFAULT_MESSAGES[code]
        self.debug = debug
        self.details = details
        self.extra = extra or {}
        self.browser_url = browser_url
        super().__init__(self.message)

    def error_member(self) -> dict[str, Any]:
        """The value of "error" in the body."""
        known = {
            "id": self.id,
            "code": self.code,
            "status": STATUS_PHRASES.get(self.code) or HTTPStatus(self.code).phrase,
            "reason": self.reason,
            "debug": self.debug,
            "details": self.details,
            "message": self.message,
        }
        return {key: value for key, value in known.items() if value not in ("", None)}

    @property
    def summary(self) -> str:
        """The error in one sentence, for people who use the local Ory without HTTP."""
        return self.reason or self.message

    def body(self) -> dict[str, Any]:
        return {"error": self.error_member(), **self.extra}


def not_found() -> OryError:
    return OryError(404)


def unauthorized(reason: str = "no valid session credentials in the request", *, browser_url: str = "") -> OryError:
    return OryError(401, reason=reason, browser_url=browser_url)


def session_inactive(extra: dict[str, Any] | None = None, *, browser_url: str = "") -> OryError:
    reason, message = "there is no active session", "no active session"
    return OryError(401, "session_inactive", reason=reason, message=message, extra=extra, browser_url=browser_url)


def aal2_required(login_url: str) -> OryError:
    """The error for a session without the second factor that its identity has."""
    redirect = {"redirect_browser_to": login_url}
    return OryError(
        403,
        "session_aal2_required",
        reason="a second factor is required",
        details=redirect,
        extra=redirect,
        browser_url=login_url,
    )


def already_signed_in(browser_url: str = "") -> OryError:
    reason = "the request already has a valid session; use refresh=true to ask for the password again"
    message = "already signed in"
    return OryError(400, "session_already_available", reason=reason, message=message, browser_url=browser_url)


def registration_disabled() -> OryError:
    reason, message = "registration is disabled", "registration flow disabled"
    return OryError(400, "self_service_flow_disabled", reason=reason, message=message)


def browser_location_change_required(url: str) -> OryError:
    """Asks a single-page app to navigate the browser to `url`."""
    return OryError(
        422,
        "browser_location_change_required",
        reason=f"the browser has to go to {url}",
        message="browser location change required",
        extra={"redirect_browser_to": url},
    )
