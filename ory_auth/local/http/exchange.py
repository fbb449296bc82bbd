"""One HTTP exchange: a request to the local Ory, and methods that make its response."""

from __future__ import annotations

import html
import json
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from ..model.clock import SECOND
from ..model.errors import OryError
from ..model.session import Device, Session
from ..model.state import State
from . import cookies
from .cookies import CSRF_BYTES, CSRF_MAX_AGE, SessionCookie, UnreadableCookie

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
CONTINUITY_COOKIE = "ory_kratos_continuity"
CONTINUITY_MAX_AGE = 30 * 24 * 3600


class Exchange:
    """A request, the session that it belongs to, and the cookies that its response will set.

    The rules about which credential counts, and which of several cookies, follow recordings of Kratos
    (`whoami_credentials`). Ory's documentation does not state them:
    https://www.ory.com/docs/kratos/reference/api#tag/frontend/operation/toSession
    """

    def __init__(
        self,
        state: State,
        port: str,
        request: Request,
        body: bytes,
        without_lock: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.state = state
        self.without_lock = without_lock  # for a `with` block that calls the application, which may call back
        self.afterwards: list[Callable[[], None]] = []  # what to do when the response is on its way
        self.port = port
        self.request = request
        self.body = body
        self.set_cookies: list[str] = []

    # ---- the request

    @property
    def path_params(self) -> dict[str, str]:
        return self.request.path_params

    @property
    def path(self) -> str:
        path: str = self.request.scope["path"]
        return path

    @cached_property
    def query_pairs(self) -> list[tuple[str, str]]:
        """The names and values of the query, in order."""
        return parse_qsl(self.request.scope["query_string"].decode("latin-1"), keep_blank_values=True)

    @cached_property
    def query(self) -> dict[str, str]:
        """The query as a dictionary. If a name comes more than once, its first value counts."""
        return dict(reversed(self.query_pairs))

    def url_with_query(self, base: str, path: str) -> str:
        """The URL of `path` at `base`, with the query of this request."""
        query = self.request.scope["query_string"].decode("latin-1")
        return f"{base}{path}{'?' + query if query else ''}"

    @property
    def url(self) -> str:
        """The URL of this request, as Kratos stores it with a flow: without a path that a gateway has removed."""
        public = urlsplit(self.state.public_url)
        origin = f"{public.scheme}://{public.netloc}"
        return self.url_with_query(origin, self.request.scope["raw_path"].decode("latin-1"))

    @cached_property
    def wants_json(self) -> bool:
        """Whether the request comes from a program. A browser that navigates wants HTML."""
        accept = self.request.headers.get("accept", "")
        prefers_json = _accept_preference(accept, JSON) > _accept_preference(accept, "text/html")
        return prefers_json or self.request.headers.get("content-type") == JSON

    # ---- its session

    @cached_property
    def cookies(self) -> list[tuple[str, str]]:
        return cookies.parse(self.request.headers.getlist("cookie"))

    @cached_property
    def session_cookie(self) -> SessionCookie | UnreadableCookie | None:
        """The first session cookie that is readable, otherwise the error of the last one."""
        error: UnreadableCookie | None = None
        for name, value in self.cookies:
            if name == self.state.config.session_cookie_name:
                try:
                    return SessionCookie.parse(value, self.state.secret)
                except UnreadableCookie as unreadable:
                    error = unreadable
        return error

    @cached_property
    def session_token(self) -> str:
        """The credential that counts: the header, then the cookie, then the bearer token. Empty if there is none."""
        if header := self.request.headers.get("x-session-token", ""):
            return header
        if isinstance(self.session_cookie, SessionCookie):
            return self.session_cookie.token
        scheme, _, bearer = self.request.headers.get("authorization", "").partition(" ")
        return bearer if scheme.lower() == "bearer" and not bearer.startswith(" ") else ""

    @cached_property
    def session(self) -> Session | None:
        """The active session of this request."""
        return self.state.find_session_by_token(self.session_token) if self.session_token else None

    @cached_property
    def device(self) -> Device:
        """The client. As in Kratos, forwarding headers count even if the client itself sent them."""
        headers = self.request.headers
        forwarded = headers.get("true-client-ip") or headers.get("x-real-ip")
        forwarded = forwarded or headers.get("x-forwarded-for", "").partition(",")[0].strip()
        client = self.request.client
        address = forwarded or (f"{client.host}:{client.port}" if client else "")
        location = ", ".join(filter(None, (headers.get("cf-ipcity"), headers.get("cf-ipcountry"))))
        return Device(address, headers.get("user-agent") or None, location)

    # ---- CSRF

    @cached_property
    def csrf_cookie(self) -> bytes | None:
        """The CSRF token in the browser's cookie."""
        name = cookies.csrf_cookie_name(self.state.own_url)
        tokens = (cookies.unmask_csrf_token(value) for key, value in self.cookies if key == name)
        return next((token for token in tokens if token), None)

    @cached_property
    def csrf_token(self) -> bytes:
        """The browser's CSRF token, or a new one."""
        return self.csrf_cookie or secrets.token_bytes(CSRF_BYTES)

    def renew_csrf_token(self) -> None:
        """Set a new CSRF cookie, so that a form from before a sign-in or sign-out becomes invalid."""
        self.csrf_token = secrets.token_bytes(CSRF_BYTES)
        self.set_csrf_cookie()

    # ---- cookies of the response

    def set_csrf_cookie(self) -> None:
        name = cookies.csrf_cookie_name(self.state.own_url)
        self._set_cookie(name, cookies.mask_csrf_token(self.csrf_token), CSRF_MAX_AGE)

    def set_session_cookie(self, session: Session) -> None:
        """Set the session cookie. If it is another person's, renew the CSRF token."""
        is_known = self.session is not None and self.session.identity.state == "active"
        previous_identity = self.session.identity.id if self.session and is_known else None
        if previous_identity != session.identity.id:
            self.renew_csrf_token()
        value = SessionCookie(session.token, session.expires_at).sign(self.state.secret)
        max_age = (session.expires_at - self.state.clock.now()) // SECOND
        self._set_cookie(self.state.config.session_cookie_name, value, max_age, self._now_in_seconds() + max_age)

    def delete_session_cookie(self, session: Session) -> None:
        value = SessionCookie(session.token, session.expires_at).sign(self.state.secret)
        self._set_cookie(self.state.config.session_cookie_name, value, 0, 1)

    @property
    def continuity_cookie(self) -> str:
        """The cookie of a browser that left a flow and comes back to it. Empty if there is none."""
        return next((value for name, value in self.cookies if name == CONTINUITY_COOKIE), "")

    def set_continuity_cookie(self) -> str:
        """Returns the value of the cookie."""
        value, expires = secrets.token_urlsafe(60), self._now_in_seconds() + CONTINUITY_MAX_AGE
        self._set_cookie(CONTINUITY_COOKIE, value, CONTINUITY_MAX_AGE, expires)
        return value

    def _set_cookie(self, name: str, value: str, max_age: int, expires: float | None = None) -> None:
        config = self.state.config
        always_lax = config.dev and name.startswith("csrf_token_")  # as in Kratos
        header = cookies.set_cookie_header(
            name,
            value,
            max_age=max_age,
            expires=expires,
            domain=None if name == CONTINUITY_COOKIE else config.cookie_domain,  # as in Kratos
            secure=not config.dev,
            same_site="Lax" if always_lax else config.cookie_same_site,
        )
        self.set_cookies.append(header)

    def _now_in_seconds(self) -> int:
        return self.state.clock.now() // SECOND

    # ---- the response

    def json(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        return Response(_json_bytes(content), status, headers, media_type=f"{JSON}; charset=utf-8")

    def empty(self, status: int = 204, content_type: str = "") -> Response:
        return Response(None, status, {"Content-Type": content_type} if content_type else None)

    def json_error(self, error: OryError) -> Response:
        return Response(_json_bytes(error.body()), error.status, {"Ory-Error-Id": error.id}, media_type=JSON)

    def redirect(self, url: str, status: int = 303) -> Response:
        """A redirect like that of Go's `http.Redirect`, which has an HTML body after GET only."""
        url = quote(url, safe=":/%#?=@[]!$&'()*+,;~")
        if self.request.method != "GET":
            return Response(None, status, {"Location": url})
        page = f'<a href="{html.escape(url)}">{HTTPStatus(status).phrase}</a>.\n\n'
        return Response(page, status, {"Location": url}, media_type="text/html")

    def error_response(self, error: OryError) -> Response:
        """JSON for a program. A browser is redirected, usually to the error page, which gets the error by its ID."""
        if self.wants_json:
            return self.json_error(error)
        if error.browser_url:
            return self.redirect(error.browser_url)
        return self.redirect(f"{self.state.ui_url('error')}?id={self.state.store_error(error)}")


def _accept_preference(accept: str, offer: str) -> tuple[float, int]:
    """How much an Accept header prefers a type: its weight, then how exactly the header names it."""
    exactness = {"*/*": 1, f"{offer.partition('/')[0]}/*": 2, offer: 3}
    preferences = [(0.0, 0)]
    for part in accept.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
        if name in exactness and weight.replace(".", "", 1).isdecimal() and float(weight):
            preferences.append((float(weight), exactness[name]))
    return max(preferences)


def _json_bytes(content: Any) -> bytes:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace") + b"\n"  # a lone surrogate becomes a JSON escape
