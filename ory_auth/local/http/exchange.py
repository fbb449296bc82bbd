"""One request to the local Ory, and the means to answer it."""

from __future__ import annotations

import html
import json
import secrets
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import Response

from ..model.clock import SECOND
from ..model.errors import OryError
from ..model.session import Device, Session
from ..model.state import State
from . import cookies
from .cookies import CSRF_BYTES, CSRF_MAX_AGE, SessionCookie, Unreadable

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
CONTINUITY_COOKIE = "ory_kratos_continuity"
CONTINUITY_MAX_AGE = 30 * 24 * 3600


class Call:
    """A request, who is asking, and the cookies that its answer will set.

    Which credential counts, and which cookie of several, follows what Kratos was seen to do (`whoami_credentials`
    among the recordings); https://www.ory.com/docs/kratos/reference/api#tag/frontend/operation/toSession is silent.
    """

    def __init__(self, state: State, port: str, request: Request, body: bytes) -> None:
        self.state = state
        self.port = port
        self.request = request
        self.body = body
        self.set_cookies: list[str] = []

    @property
    def path_params(self) -> dict[str, str]:
        return self.request.path_params

    @property
    def path(self) -> str:
        path: str = self.request.scope["path"]
        return path

    @cached_property
    def parameters(self) -> list[tuple[str, str]]:
        """The query's names and values, in order."""
        return parse_qsl(self.request.scope["query_string"].decode("latin-1"), keep_blank_values=True)

    @cached_property
    def query(self) -> dict[str, str]:
        """The query's first value of each name."""
        return dict(reversed(self.parameters))

    def at(self, base: str, path: str) -> str:
        """The URL of that path with this request's query."""
        query = self.request.scope["query_string"].decode("latin-1")
        return f"{base}{path}{'?' + query if query else ''}"

    @property
    def url(self) -> str:
        """The URL as Kratos records it with a flow."""
        return self.at(self.state.public_url, self.request.scope["raw_path"].decode("latin-1"))

    @cached_property
    def wants_json(self) -> bool:
        """Whether this comes from a program rather than from a browser's navigation."""
        accept = self.request.headers.get("accept", "")
        prefers_json = _preference(accept, JSON) > _preference(accept, "text/html")
        return prefers_json or self.request.headers.get("content-type") == JSON

    # ---- who is asking

    @cached_property
    def cookies(self) -> list[tuple[str, str]]:
        return cookies.parse(self.request.headers.getlist("cookie"))

    @cached_property
    def session_cookie(self) -> SessionCookie | Unreadable | None:
        """The first session cookie that can be read, else why the last one cannot."""
        outcome: SessionCookie | Unreadable | None = None
        for name, value in self.cookies:
            if name == self.state.config.session_cookie_name:
                try:
                    return SessionCookie.read(value, self.state.secret)
                except Unreadable as unreadable:
                    outcome = unreadable
        return outcome

    @cached_property
    def session_token(self) -> str:
        """The one credential that decides: header, then cookie, then bearer; empty when none can be read."""
        if header := self.request.headers.get("x-session-token", ""):
            return header
        if isinstance(self.session_cookie, SessionCookie):
            return self.session_cookie.token
        scheme, _, bearer = self.request.headers.get("authorization", "").partition(" ")
        return bearer if scheme.lower() == "bearer" and not bearer.startswith(" ") else ""

    @cached_property
    def session(self) -> Session | None:
        return self.state.session_by_token(self.session_token) if self.session_token else None

    @cached_property
    def device(self) -> Device:
        """As Kratos sees it: the forwarding headers count, whoever sends them."""
        headers = self.request.headers
        forwarded = headers.get("true-client-ip") or headers.get("x-real-ip")
        forwarded = forwarded or headers.get("x-forwarded-for", "").partition(",")[0].strip()
        client = self.request.client
        address = forwarded or (f"{client.host}:{client.port}" if client else "")
        return Device(address, headers.get("user-agent") or None)

    # ---- CSRF

    @cached_property
    def csrf_cookie(self) -> bytes | None:
        """The anti-CSRF token that the browser holds, if it does."""
        name = cookies.csrf_cookie_name(self.state.public_url)
        values = (cookies.unmask(value) for key, value in self.cookies if key == name)
        return next((value for value in values if value), None)

    @cached_property
    def csrf_token(self) -> bytes:
        return self.csrf_cookie or secrets.token_bytes(CSRF_BYTES)

    def renew_csrf_token(self) -> None:
        """A new anti-CSRF cookie, so that forms from before a sign-in or sign-out are of no use after it."""
        self.csrf_token = secrets.token_bytes(CSRF_BYTES)
        self.give_csrf_cookie()

    def give_csrf_cookie(self) -> None:
        name = cookies.csrf_cookie_name(self.state.public_url)
        self._set_cookie(name, cookies.mask(self.csrf_token), CSRF_MAX_AGE)

    # ---- answering

    def give_session_cookie(self, session: Session) -> None:
        before = self.session.identity.id if self.session else None
        if before != session.identity.id:
            self.renew_csrf_token()
        value = SessionCookie(session.token, session.expires_at).sign(self.state.secret)
        max_age = (session.expires_at - self.state.clock.now()) // SECOND
        self._set_cookie(self.state.config.session_cookie_name, value, max_age, self._seconds() + max_age)

    def take_session_cookie(self, session: Session) -> None:
        value = SessionCookie(session.token, session.expires_at).sign(self.state.secret)
        self._set_cookie(self.state.config.session_cookie_name, value, 0, 1)

    @property
    def has_continuity_cookie(self) -> bool:
        return any(name == CONTINUITY_COOKIE for name, _ in self.cookies)

    def give_continuity_cookie(self) -> None:
        expires = self._seconds() + CONTINUITY_MAX_AGE
        self._set_cookie(CONTINUITY_COOKIE, secrets.token_urlsafe(60), CONTINUITY_MAX_AGE, expires)

    def _set_cookie(self, name: str, value: str, max_age: int, expires: float | None = None) -> None:
        config = self.state.config
        always_lax = config.dev and name.startswith("csrf_token_")  # as Kratos does it
        line = cookies.set_cookie(
            name,
            value,
            max_age=max_age,
            expires=expires,
            domain=config.cookie_domain,
            secure=not config.dev,
            same_site="Lax" if always_lax else config.cookie_same_site,
        )
        self.set_cookies.append(line)

    def _seconds(self) -> int:
        return self.state.clock.now() // SECOND

    def json(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        return Response(_dump(content), status, headers, media_type=f"{JSON}; charset=utf-8")

    def empty(self, status: int = 204, content_type: str = "") -> Response:
        return Response(None, status, {"Content-Type": content_type} if content_type else None)

    def error(self, error: OryError) -> Response:
        return Response(_dump(error.body()), error.code, {"Ory-Error-Id": error.id}, media_type=JSON)

    def redirect(self, url: str, status: int = 303) -> Response:
        """As Go's `http.Redirect`: with a page that says so after GET, without one after POST."""
        url = quote(url, safe=":/%#?=@[]!$&'()*+,;~")
        if self.request.method != "GET":
            return Response(None, status, {"Location": url})
        page = f'<a href="{html.escape(url)}">{HTTPStatus(status).phrase}</a>.\n\n'
        return Response(page, status, {"Location": url}, media_type="text/html")

    def error_page(self, error: OryError) -> Response:
        """JSON for a program; a browser is sent to the error page, which can read the error by its id."""
        if self.wants_json:
            return self.error(error)
        return self.redirect(error.browser_to or f"{self.state.ui_url('error')}?id={self.state.remember_error(error)}")


def _preference(accept: str, offer: str) -> tuple[float, int]:
    """How much an Accept header is for a type: its weight, and how exactly it is named."""
    names = {"*/*": 1, f"{offer.partition('/')[0]}/*": 2, offer: 3}
    found = [(0.0, 0)]
    for part in accept.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        if name in names and weight.replace(".", "", 1).isdecimal() and float(weight):
            found.append((float(weight), names[name]))
    return max(found)


def _dump(content: Any) -> bytes:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace") + b"\n"  # half a character is written as JSON writes it
