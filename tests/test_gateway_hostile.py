"""Hostile requests to the gateway, and hostile responses of Ory: over HTTP, under WSGI and ASGI. None passes.

No test may use the database, which pytest-django makes sure of.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from pytest_django import Settings

from ory_auth.gateway.request import MAX_BODY
from ory_auth.sessions.services import reset_services
from tests.support.gateway import ScriptedOry, scripted_ory, send_raw, served

FORM = "Content-Type: application/x-www-form-urlencoded"
POST = "POST /.ory/self-service/login?flow=f HTTP/1.1"
GET = "GET /.ory/self-service/login/browser HTTP/1.1"
SECRET = "ory_pat_" + "k" * 20


@dataclass
class Site:
    """The site under attack, and the server in Ory's place."""

    address: str
    ory: ScriptedOry

    def send(self, *lines: str, body: bytes = b"", host: str = "localhost", half_close: bool = False) -> bytes:
        head = "\r\n".join([lines[0], f"Host: {host}", "Connection: close", *lines[1:]])
        return send_raw(self.address, head.encode("latin-1") + b"\r\n\r\n" + body, half_close=half_close)


@pytest.fixture(scope="module", params=["wsgi", "asgi"])
def _servers(request: pytest.FixtureRequest) -> Iterator[Site]:
    with ExitStack() as stack:
        ory = stack.enter_context(scripted_ory())
        yield Site(stack.enter_context(served(request.param)), ory)


@pytest.fixture
def site(_servers: Site, settings: Settings) -> Iterator[Site]:
    settings.ROOT_URLCONF = "tests.support.gateway"
    settings.ORY_AUTH = {
        "SDK_URL": _servers.ory.url,
        "BROWSER_URL": "/.ory",
        "ADMIN_URL": "http://127.0.0.1:1",
        "API_KEY": SECRET,
        "TIMEOUT": 1.0,
    }
    settings.ALLOWED_HOSTS = ["localhost"]
    _servers.ory.requests.clear()
    yield _servers
    _servers.ory.reply, _servers.ory.pause = ScriptedOry.reply, 0.0
    reset_services()


def status_of(received: bytes) -> int:
    """The status of the response; 0 if the server has closed the connection without one."""
    return int(received.split(b" ")[1]) if received.startswith(b"HTTP/1.") else 0


PATHS = {
    "dot-dot": "/.ory/self-service/../admin/identities",
    "escaped dot-dot": "/.ory/self-service/%2e%2e/admin/identities",
    "escaped slash": "/.ory/self-service%2f..%2fadmin/identities",
    "twice escaped": "/.ory/self-service/%252e%252e/admin",
    "one dot": "/.ory/self-service/./login",
    "two slashes": "/.ory/self-service//login",
    "two slashes first": "/.ory//self-service/login/browser",
    "a host as path": "/.ory//evil.example/self-service/login",
    "backslash": "/.ory/self-service\\..\\admin",
    "escaped backslash": "/.ory/self-service/%5c..%5cadmin",
    "semicolon": "/.ory/self-service/login;/../../admin/browser",
    "path parameter": "/.ory/self-service/..;/admin/identities",
    "NUL": "/.ory/self-service/login%00/browser",
    "line break": "/.ory/self-service/login%0d%0aX-Evil:%201",
    "line break at the end": "/.ory/self-service/login%0a",
    "space": "/.ory/self-service/login%20HTTP/1.1",
    "upper case": "/.ory/SELF-SERVICE/login/browser",
    "wide letters": "/.ory/%EF%BD%93elf-service/login",
    "overlong dot": "/.ory/self-service/%c0%ae%c0%ae/admin",
    "question mark": "/.ory/self-service/login%3f/../admin",
    "number sign": "/.ory/self-service/login%23/browser",
    "the admin API": "/.ory/admin/identities",
    "the old admin API": "/.ory/identities",
    "an admin session": "/.ory/admin/sessions/00000000-0000-4000-8000-000000000000",
    "health": "/.ory/health/ready",
    "metrics": "/.ory/metrics/prometheus",
    "version": "/.ory/version",
    "OAuth2": "/.ory/oauth2/auth?client_id=x",
    "nothing": "/.ory/",
    "prefix of an endpoint": "/.ory/self-service-evil/login",
    "a session of no UUID": "/.ory/sessions/..",
    "whoami and more": "/.ory/sessions/whoami/extend",
    "well-known": "/.ory/.well-known/jwks.json",
    "a script elsewhere": "/.ory/.well-known/ory/../../admin",
}


@pytest.mark.promise("The gateway sends on only what browsers need of Ory's API")
@pytest.mark.parametrize("target", PATHS.values(), ids=PATHS.keys())
def test_ory_never_sees_another_path(site: Site, target: str) -> None:
    status = status_of(site.send(f"GET {target} HTTP/1.1"))
    assert status in {0, 400, 404}
    assert site.ory.requests == []


@pytest.mark.parametrize("target", ["http://evil.example/.ory/self-service/login/browser", "evil.example:443", "*"])
def test_a_target_in_another_form_is_refused(site: Site, target: str) -> None:
    site.send(f"GET {target} HTTP/1.1")
    assert all(b"\r\nHost: 127.0.0.1" in request and b"evil" not in request for request in site.ory.requests)


@pytest.mark.parametrize("line", ["GET /.ory/self-service/l%6fgin/browser HTTP/1.1", GET.replace("GET", "get")])
def test_another_spelling_is_refused_or_corrected(site: Site, line: str) -> None:
    """WSGI does not say how the path was written."""
    site.send(line)
    assert all(request.startswith(b"GET /self-service/login/browser HTTP/1.1\r\n") for request in site.ory.requests)


METHODS = {
    "PUT": "/self-service/login",
    "PATCH": "/self-service/settings",
    "DELETE": "/self-service/login/browser",
    "OPTIONS": "/self-service/login",
    "TRACE": "/self-service/login",
    "HEAD": "/self-service/login/browser",
    "CONNECT": "/self-service/login",
    "POST": "/sessions/whoami",
    "PROPFIND": "/sessions",
}


@pytest.mark.parametrize(("method", "path"), METHODS.items())
def test_ory_never_sees_another_method(site: Site, method: str, path: str) -> None:
    assert status_of(site.send(f"{method} /.ory{path} HTTP/1.1")) in {0, 400, 404, 405, 501}
    assert site.ory.requests == []


CHUNKED = b"3\r\na=b\r\n0\r\n\r\n"
BODIES = {
    "too large": ([f"Content-Length: {MAX_BODY + 1}", FORM], b"a" * (MAX_BODY + 1), {413}),
    "said to be too large": (["Content-Length: 99999999999999999999", FORM], b"a=b", {0, 400, 413}),
    "shorter than its length": (["Content-Length: 100", FORM], b"method=password", {0, 400}),
    "of negative length": (["Content-Length: -1", FORM], b"a=b", {0, 400}),
    "of no number": (["Content-Length: 3x", FORM], b"a=b", {0, 400}),
    "of hexadecimal length": (["Content-Length: 0x3", FORM], b"a=b", {0, 400}),
    "of length and chunked": (["Content-Length: 3", "Transfer-Encoding: chunked", FORM], CHUNKED, {0, 400}),
    "chunked": (["Transfer-Encoding: chunked", FORM], CHUNKED, {0, 400, 411}),
    "chunked in another spelling": (["Transfer-Encoding: xchunked", FORM], CHUNKED, {0, 400, 411, 501}),
    "chunked twice": (["Transfer-Encoding: chunked, chunked", FORM], b"0\r\n\r\n", {0, 400, 411, 501}),
    "text": (["Content-Length: 3", "Content-Type: text/plain"], b"a=b", {415}),
    "multipart": (["Content-Length: 3", "Content-Type: multipart/form-data; boundary=x"], b"a=b", {415}),
    "of no type": (["Content-Length: 3"], b"a=b", {415}),
}  # fmt: skip


@pytest.mark.parametrize(("headers", "body", "statuses"), BODIES.values(), ids=BODIES.keys())
def test_ory_never_sees_a_body_that_is(site: Site, headers: list[str], body: bytes, statuses: set[int]) -> None:
    is_cut_off = body == b"method=password"
    assert status_of(site.send(POST, *headers, body=body, half_close=is_cut_off)) in statuses
    assert site.ory.requests == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_only_a_post_has_a_body(site: Site, method: str) -> None:
    line = f"{method} /.ory/sessions HTTP/1.1"
    assert status_of(site.send(line, "Content-Length: 3", FORM, body=b"a=b")) == 400
    assert site.ory.requests == []


SMUGGLED = b"GET /.ory/admin/identities HTTP/1.1\r\nHost: localhost\r\n\r\n"
SMUGGLING = {
    "behind a GET": (GET, ["Content-Length: 0"], SMUGGLED),
    "in the body of a GET": (GET, [f"Content-Length: {len(SMUGGLED)}"], SMUGGLED),
    "in a form": (POST, [f"Content-Length: {len(SMUGGLED)}", FORM], SMUGGLED),
    "behind the last chunk": (POST, ["Transfer-Encoding: chunked", FORM], b"0\r\n\r\n" + SMUGGLED),
    "between two lengths": (POST, ["Content-Length: 5", "Transfer-Encoding: chunked", FORM], b"0\r\n\r\n" + SMUGGLED),
    "behind a short length": (POST, ["Content-Length: 3", FORM], b"a=b" + SMUGGLED),
    "between two other lengths": (POST, ["Content-Length: 3", "Content-Length: 60", FORM], b"a=b" + SMUGGLED),
}


@pytest.mark.parametrize(("line", "headers", "body"), SMUGGLING.values(), ids=SMUGGLING.keys())
def test_no_request_is_smuggled(site: Site, line: str, headers: list[str], body: bytes) -> None:
    site.send(line, *headers, body=body)
    assert all(request.startswith((b"GET /self-service/", b"POST /self-service/")) for request in site.ory.requests)
    assert len(site.ory.requests) <= 1
    assert all(b"chunked" not in request for request in site.ory.requests)


CROSS_SITE = {
    "Sec-Fetch-Site": (POST, ["Sec-Fetch-Site: cross-site"]),
    "Sec-Fetch-Site of a word that we don't know": (POST, ["Sec-Fetch-Site: other"]),
    "Sec-Fetch-Site, and our own origin": (POST, ["Sec-Fetch-Site: cross-site", "Origin: http://localhost"]),
    "Origin": (POST, ["Origin: https://evil.example"]),
    "Origin null": (POST, ["Origin: null"]),
    "Origin that begins like ours": (POST, ["Origin: http://localhost.evil.example"]),
    "Origin with a name and password": (POST, ["Origin: http://localhost@evil.example"]),
    "Origin of another scheme": (POST, ["Origin: https://localhost"]),
    "a path like that of a provider": (
        "POST /.ory/self-service/methods/oidc/callbacks/x HTTP/1.1", ["Sec-Fetch-Site: cross-site"]),
    "sign-out of other devices": ("DELETE /.ory/sessions HTTP/1.1", ["Sec-Fetch-Site: cross-site"]),
    "sign-out by a sibling": ("DELETE /.ory/sessions HTTP/1.1", ["Sec-Fetch-Site: same-site"]),
}  # fmt: skip


@pytest.mark.promise("Another site cannot send a form through the gateway")
@pytest.mark.parametrize(("line", "headers"), CROSS_SITE.values(), ids=CROSS_SITE.keys())
def test_another_site_changes_nothing(site: Site, line: str, headers: list[str]) -> None:
    body = (b"a=b", ["Content-Length: 3", FORM]) if line.startswith("POST") else (b"", [])
    assert status_of(site.send(line, *headers, *body[1], body=body[0])) == 403
    assert site.ory.requests == []


FORGED_HOSTS = ["evil.example", "localhost.evil.example", "localhost@evil.example", "localhost evil", "localhost:x"]


@pytest.mark.parametrize("host", FORGED_HOSTS)
def test_a_forged_host_is_refused(site: Site, host: str) -> None:
    assert status_of(site.send(GET, host=host)) in {0, 400}
    assert site.ory.requests == []


FORGED = [
    "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: evil",
    "X-Forwarded-Prefix: /evil", "X-Forwarded-Port: 666", "X-Real-IP: 6.6.6.6", "True-Client-IP: 6.6.6.6",
    "Cf-Connecting-Ip: 6.6.6.6", "Cf-Ipcity: evil", "Cf-Ipcountry: evil", "Forwarded: for=6.6.6.6;host=evil",
    "X-Original-URL: /admin/evil", "X-Rewrite-URL: /admin/evil", "X-HTTP-Method-Override: evil",
    "Ory-Base-URL-Rewrite: https://evil.example", "Ory-Base-URL-Rewrite-Token: evil",
    "Ory-No-Custom-Domain-Redirect: evil", "X-Kratos-Authenticated-Identity-Id: evil", "X-Session-Token: evil",
    "Authorization: Bearer evil", "Authorization: Basic ZXZpbA==evil", "Origin: http://localhost",
    "Proxy-Authorization: evil", "Cookie: sessionid=evil; csrftoken=evil; ory_auth_started=evil; other=evil",
    "Connection: close, X-Evil", "TE: trailers, evil", "Upgrade: evil", "Keep-Alive: evil", "Trailer: evil",
    "Range: bytes=evil", "If-None-Match: evil", "Accept-Encoding: evil", "Via: 1.1 evil", "X-Evil: evil",
    "Expect: evil", "Referer: http://localhost/evil?token=evil#evil", "Referer: evil", "Referer: http://\xe9vil/evil",
    "Referer: http://evil:evil@localhost/", "Referer: http://" + 5000 * "evil." + "example/",
]  # fmt: skip
LEAKS = (b"evil", b"6.6.6.6", b"666", b"Origin", SECRET.encode(), b"sessionid", b"csrftoken")


@pytest.mark.promise("A client's forwarding headers and credentials do not pass the gateway")
@pytest.mark.parametrize("header", FORGED)
def test_ory_never_sees_a_forged_header(site: Site, header: str) -> None:
    assert status_of(site.send(GET, header, "Accept: application/json")) in {200, 400, 417, 431}
    assert not [leak for request in site.ory.requests for leak in LEAKS if leak in request]


@pytest.mark.promise("The gateway sends on only Ory's cookies")
def test_ory_sees_its_own_cookies_only(site: Site) -> None:
    site.send(
        GET, "Cookie: sessionid=s; ory_kratos_session=mine; csrf_token_ab=c; ory_kratos_continuity=k; Ory_x=n; =e"
    )
    assert b"\r\nCookie: ory_kratos_session=mine; csrf_token_ab=c; ory_kratos_continuity=k\r\n" in site.ory.requests[0]


@pytest.mark.promise("The gateway sends on only Ory's cookies")
def test_a_cookie_that_only_ory_would_read_stays_here(site: Site) -> None:
    """Kratos removes the space, and would take the first cookie; this site takes the second."""
    site.send(GET, "Cookie: ory_kratos_session =other; ory_kratos_session=mine; csrf_token_ab =other")
    assert b"\r\nCookie: ory_kratos_session=mine\r\n" in site.ory.requests[0]


INJECTED_COOKIES = ["ory_kratos_session=a\x01b", "ory_kratos_session=\xe4", "ory_x\t=1", "csrf_token_\x7f=1"]


@pytest.mark.parametrize("cookie", INJECTED_COOKIES)
def test_a_cookie_with_control_characters_stays_here(site: Site, cookie: str) -> None:
    site.send(GET, f"Cookie: {cookie}")
    assert all(b"Cookie:" not in request for request in site.ory.requests)


def test_too_many_cookies_are_refused(site: Site) -> None:
    cookies = "; ".join(f"csrf_token_{number}={'x' * 100}" for number in range(100))
    assert status_of(site.send(GET, f"Cookie: {cookies}")) == 431
    assert site.ory.requests == []


@pytest.mark.parametrize("query", ["a=\x01", "a=\xe4", "x" * 17_000, "a#b"])
def test_a_query_that_is_not_one_is_refused(site: Site, query: str) -> None:
    assert status_of(site.send(f"GET /.ory/self-service/login/browser?{query} HTTP/1.1")) in {0, 400, 414}
    assert site.ory.requests == []


def test_a_line_break_in_the_query_is_data(site: Site) -> None:
    site.send("GET /.ory/self-service/login/browser?return_to=%0d%0aX-Evil:%201 HTTP/1.1")
    assert b"\r\nX-Evil" not in site.ory.requests[0]


def test_a_header_of_two_lines_is_refused(site: Site) -> None:
    site.send(GET, "User-Agent: one\r\n X-Evil: two")
    assert all(b"\r\nX-Evil" not in request for request in site.ory.requests)


def test_a_slow_body_holds_no_connection_to_ory(site: Site) -> None:
    head = f"{POST}\r\nHost: localhost\r\n{FORM}\r\nContent-Length: 100\r\n\r\nmethod="
    send_raw(site.address, head.encode(), timeout=0.5)
    assert site.ory.requests == []


# --- hostile responses


def reply(*lines: str, body: bytes = b"", length: bool = True) -> bytes:
    head = [*lines, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


OK, JSON = "HTTP/1.1 200 OK", "Content-Type: application/json"
RESPONSES = {
    "a page": reply(OK, "Content-Type: text/html", body=b"<script>evil()</script>"),
    "a page of XML": reply(OK, "Content-Type: application/xhtml+xml", body=b"<script>evil()</script>"),
    "an image with scripts": reply(OK, "Content-Type: image/svg+xml", body=b"<svg onload=evil()>"),
    "a script": reply(OK, "Content-Type: text/javascript", body=b"evil()"),
    "of no type": reply(OK, body=b"<script>evil()</script>"),
    "a file": reply(OK, "Content-Type: application/octet-stream", body=b"evil"),
    "a page as error": reply("HTTP/1.1 403 Forbidden", "Content-Type: text/html", body=b"evil"),
    "a server error": reply("HTTP/1.1 500 Internal Server Error", JSON, body=b'{"error":"evil"}'),
    "too many requests": reply("HTTP/1.1 429 Too Many Requests", JSON, body=b'{"error":"evil"}'),
    "not modified": reply("HTTP/1.1 304 Not Modified", "X-Evil: evil"),
    "too large": reply(OK, JSON, body=b'"evil' + b"x" * (1024 * 1024) + b'"'),
    "a gzip bomb": reply(OK, JSON, "Content-Encoding: gzip", body=gzip.compress(b'"evil' + b" " * 20_000_000)),
    "half of gzip": reply(OK, JSON, "Content-Encoding: gzip", body=gzip.compress(b'"evil"')[:-4]),
    "shorter than its length": reply(OK, JSON, "Content-Length: 100", body=b'"evil"', length=False),
    "of two lengths": reply(OK, JSON, "Content-Length: 6", "Content-Length: 7", body=b'"evil"', length=False),
    "of length and chunked": reply(OK, JSON, "Transfer-Encoding: chunked", body=b"6\r\n\"evil\"\r\n0\r\n\r\n"),
    "not HTTP": b"220 evil at your service\r\n",
    "HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00evil",
    "silence": b"",
    "a redirect to a script": reply("HTTP/1.1 303 See Other", "Location: javascript:evil()"),
    "a redirect to data": reply("HTTP/1.1 303 See Other", "Location: data:text/html,evil"),
    "a redirect with a line break": reply("HTTP/1.1 303 See Other", "Location: http://localhost/\revil"),
    "a redirect to nowhere": reply("HTTP/1.1 303 See Other", "X-Evil: evil"),
    "a redirect to no host": reply("HTTP/1.1 303 See Other", "Location: http:///evil"),
    "a redirect that keeps the password": reply("HTTP/1.1 307 Temporary Redirect", "Location: https://evil.example/"),
    "a permanent one": reply("HTTP/1.1 308 Permanent Redirect", "Location: https://evil.example/"),
}  # fmt: skip


@pytest.mark.promise("Nothing that Ory returns through the gateway can run as a page of this site")
@pytest.mark.parametrize("answer", RESPONSES.values(), ids=RESPONSES.keys())
def test_a_hostile_response_becomes_a_503(site: Site, answer: bytes) -> None:
    site.ory.reply = answer
    received = site.send(GET, "Accept: application/json")
    assert status_of(received) == 503
    assert b"evil" not in received.lower()
    assert b"\r\nretry-after: " in received.lower()
    assert len(received) < 4096


def test_a_slow_response_becomes_a_503(site: Site) -> None:
    site.ory.reply, site.ory.pause = reply(OK, JSON, body=b'"evil' + b"x" * 1000 + b'"'), 0.02
    started = time.monotonic()
    received = site.send(GET, "Accept: application/json")
    assert status_of(received) == 503
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    "line",
    [
        "POST /.ory/self-service/registration?flow=f HTTP/1.1",
        "GET /.ory/self-service/methods/oidc/callback/google?code=c&state=s HTTP/1.1",
    ],
)
def test_ory_may_ask_others_before_it_answers_a_sign_in(site: Site, line: str) -> None:
    """A provider or a web hook may take longer than a lookup, and the code of a provider works once."""
    answer = reply("HTTP/1.1 303 See Other", "Location: http://localhost/", "Set-Cookie: ory_kratos_session=new")
    site.ory.reply, site.ory.pause = answer, 1.5 / len(answer)
    received = (
        site.send(line, FORM, body=b"")
        if line.startswith("GET")
        else site.send(line, FORM, "Content-Length: 3", body=b"a=b")
    )
    assert status_of(received) == 303
    assert b"ory_kratos_session=new" in received


COOKIES = {
    "Django's session": "sessionid=evil",
    "Django's CSRF token": "csrftoken=evil",
    "our own": "ory_auth_started=evil",
    "another": "evil=evil",
    "with a line break": "ory_kratos_session=evil\x0bx",
    "of a name like Ory's": "xory_kratos_session=evil",
    "without a name": "=evil",
    "without a value": "evil",
    "of a prefix": "__Host-ory_kratos_session=evil",
    "of several": "a=b, sessionid=evil",
}


@pytest.mark.promise("Through the gateway, Ory can set only its own cookies")
@pytest.mark.parametrize("cookie", COOKIES.values(), ids=COOKIES.keys())
def test_ory_cannot_set_a_cookie_that_is_not_its_own(site: Site, cookie: str) -> None:
    site.ory.reply = reply("HTTP/1.1 303 See Other", "Location: http://localhost/", f"Set-Cookie: {cookie}; Path=/")
    received = site.send(GET)
    assert status_of(received) in {303, 503}
    assert b"evil" not in received


@pytest.mark.parametrize(
    "attribute", ["Domain", "Max-Age", "SameSite", "Expires", "Path", "Secure=evil", "HttpOnly=evil"]
)
def test_an_attribute_of_a_cookie_without_its_value_is_left_out(site: Site, attribute: str) -> None:
    cookie = f"Set-Cookie: ory_kratos_session=new; {attribute}"
    site.ory.reply = reply("HTTP/1.1 303 See Other", "Location: http://localhost/", cookie)
    received = site.send(GET, "Cookie: ory_kratos_session=old")
    assert status_of(received) == 303
    assert b"ory_kratos_session=new" in received
    assert b"evil" not in received


HEADERS = [
    "Access-Control-Allow-Origin: evil", "Access-Control-Allow-Credentials: evil", "Strict-Transport-Security: evil",
    "Server: evil", "Alt-Svc: evil", "X-Kratos-Authenticated-Identity-Id: evil", "Content-Security-Policy: evil",
    "Clear-Site-Data: evil", "Refresh: 0; evil", "Service-Worker-Allowed: evil", "X-Accel-Redirect: /evil",
    "X-Sendfile: evil",
    "HX-Redirect: evil", "HX-Trigger: evil", "Public-Key-Pins: evil", "Report-To: evil", "Etag: evil", "Date: evil",
    "Cross-Origin-Opener-Policy: evil", "WWW-Authenticate: evil", "Content-Disposition: evil", "X-Evil: evil",
]  # fmt: skip


@pytest.mark.parametrize("header", HEADERS)
def test_the_browser_never_sees_another_header_of_ory(site: Site, header: str) -> None:
    site.ory.reply = reply(OK, JSON, header, body=b"{}")
    received = site.send(GET, "Accept: application/json")
    assert status_of(received) == 200
    assert b"evil" not in received
    assert b"\r\ncache-control: " in received.lower()
    assert b"no-store" in received


LOCATIONS = ["{ory}.evil/self-service/login", "{ory}@evil.example/self-service/login", "//evil.example/self-service/x"]


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_host_that_begins_like_orys_is_not_ory(site: Site, location: str) -> None:
    host = "http://slug.projects.oryapis.com" if "evil/" in location else site.ory.url
    site.ory.reply = reply("HTTP/1.1 303 See Other", f"Location: {location.format(ory=host)}")
    received = site.send(GET)
    assert b"/.ory/" not in received
