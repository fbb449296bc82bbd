"""A stand-in for the edge of Ory Network, in front of the public port.

It does what makes a project of Ory Network differ from Kratos for a site on another host: cookies for its own host, its
own URLs in all responses, redirects to its canonical address, and headers of a content delivery network. Ory's own
proxies for local development show how it treats the headers `Ory-Base-URL-Rewrite`, `Ory-Base-URL-Rewrite-Token` and
`Ory-No-Custom-Domain-Redirect`: https://www.ory.com/docs/guides/cli/proxy-and-tunnel
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from hmac import compare_digest
from typing import Protocol
from urllib.parse import quote, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..model.state import State

Headers = list[tuple[bytes, bytes]]
REWRITABLE = ("text/html", "application/json")
OWN_HEADERS = (
    (b"server", b"cloudflare"),
    (b"alt-svc", b'h3=":443"; ma=86400'),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"access-control-allow-credentials", b"true"),
    (b"x-ratelimit-limit", b"20, 20;w=1, 400;w=60"),
    (b"x-ratelimit-remaining", b"19"),
    (b"x-ratelimit-reset", b"1"),
)
ELSEWHERE = rb"(?!/pretend-provider/|/oauth2/)"  # what is not Kratos: a real provider has another host
BROWSER_START = re.compile("/self-service/[a-z]+/browser")


class SharedState(Protocol):
    """An attribute of `LocalOry`, which may be replaced between two requests."""

    state: State


class Edge:
    """The ASGI application in front of another one. It does nothing unless `Config.edge` is set."""

    def __init__(self, shared: SharedState, app: ASGIApp) -> None:
        self.shared, self.app = shared, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = self.shared.state
        if not state.config.edge:
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if location := _canonical_redirect(state, scope, headers):
            await _redirect(send, location)
            return
        response = _BufferedResponse()
        await self.app(scope, receive, response.receive)
        await response.send_to(send, state, _find_base_url(state, headers))


def _canonical_redirect(state: State, scope: Scope, headers: dict[str, str]) -> str:
    """Where a browser that starts a flow at another address of the project is sent; empty if it may stay."""
    canonical = state.config.edge_custom_domain or state.public_url
    is_canonical = headers.get("host") == urlsplit(canonical).netloc
    may_stay = headers.get("ory-no-custom-domain-redirect") == "true" or "text/html" not in headers.get("accept", "")
    if is_canonical or may_stay or not BROWSER_START.fullmatch(scope["path"]):
        return ""
    query = scope["query_string"].decode("latin-1")
    return f"{canonical.rstrip('/')}{scope['path']}{'?' + query if query else ''}"


async def _redirect(send: Send, location: str) -> None:
    headers = [(b"location", location.encode("latin-1")), (b"content-length", b"0"), *OWN_HEADERS]
    await send({"type": "http.response.start", "status": 307, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _find_base_url(state: State, headers: dict[str, str]) -> str:
    """The base URL for the response: the one that the caller names, if its token is right."""
    wanted, token = headers.get("ory-base-url-rewrite", ""), headers.get("ory-base-url-rewrite-token", "")
    expected = state.config.edge_token
    is_allowed = bool(expected) and compare_digest(token.encode(), expected.encode())
    return wanted.rstrip("/") if wanted and is_allowed else ""


class _BufferedResponse:
    """A response of the application behind the edge. Faults may leave it without an end."""

    def __init__(self) -> None:
        self.start: Message | None = None
        self.body = b""
        self.is_complete = False

    async def receive(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            self.is_complete = not message.get("more_body", False)

    async def send_to(self, send: Send, state: State, base_url: str) -> None:
        if self.start is None:
            return
        headers: Headers = list(self.start["headers"])
        if base_url:
            self._rewrite(headers, state.public_url.rstrip("/"), base_url)
        headers = [*_with_domain(headers, urlsplit(state.public_url).hostname or ""), *OWN_HEADERS]
        headers += [(b"cf-ray", secrets.token_hex(8).encode()), _own_cookie(state)]
        await send({**self.start, "headers": headers})
        if self.body or self.is_complete:
            await send({"type": "http.response.body", "body": self.body, "more_body": not self.is_complete})

    def _rewrite(self, headers: Headers, own: str, base_url: str) -> None:
        """Replace the project's own URL in a redirect, also within its query, and in the body."""
        pairs = [(own, base_url), (quote(own, safe=""), quote(base_url, safe=""))]
        content_type = next((value for name, value in headers if name == b"content-type"), b"").decode("latin-1")
        if content_type.startswith(REWRITABLE):
            self.body = _replace(self.body, pairs)
        for index, (name, value) in enumerate(headers):
            if name == b"location":
                headers[index] = name, _replace(value, pairs)
            elif name == b"content-length":
                headers[index] = name, str(len(self.body)).encode()


def _replace(text: bytes, pairs: Iterable[tuple[str, str]]) -> bytes:
    for old, new in pairs:
        text = re.sub(re.escape(old.encode()) + ELSEWHERE, lambda _, new=new: new.encode(), text)  # type: ignore[misc]
    return text


def _with_domain(headers: Headers, domain: str) -> Headers:
    """Cookies are for the host of the project, by name."""
    suffix = f"; Domain={domain}".encode()
    return [
        (name, value + suffix if name == b"set-cookie" and b"; domain=" not in value.lower() else value)
        for name, value in headers
    ]


def _own_cookie(state: State) -> tuple[bytes, bytes]:
    domain = urlsplit(state.public_url).hostname
    value = f"__cf_bm={secrets.token_urlsafe(8)}; Path=/; Domain={domain}; HttpOnly; Secure; SameSite=None"
    return b"set-cookie", value.encode()
