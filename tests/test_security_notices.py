"""What other projects had to publish a security notice about, tried here.

``docs/contributing/security-notices.md`` lists the notices. This module tests those that no other test covers.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from email.headerregistry import Address
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import include, path, re_path
from django.views.decorators.cache import cache_page
from pytest_django import Settings
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ory_auth.local import LocalOry
from ory_auth.local.http.faults import Fault
from ory_auth.sessions import rate_limit
from ory_auth.sessions.rate_limit import Rate
from ory_auth.sessions.services import reset_services
from tests.support.browser import resolve_like_browser
from tests.support.client import DualClient
from tests.support.cookies import set_cookie, sign_in
from tests.support.logs import event_ids
from tests.support.ory import WHOAMI, Ory, Person, unknown_token
from tests.support.types import AsyncResponse, ChangeSettings
from tests.support.users import USERNAME_IS_EMAIL, set_metadata, user_of

from .project import urls as project

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

UPDATE, FETCH = (f"django.middleware.cache.{name}CacheMiddleware" for name in ("Update", "FetchFrom"))
KINDS = ["cookie", "token", "bearer"]


def page(request: HttpRequest) -> HttpResponse:
    """Another text each time, so that a copy can be told."""
    return HttpResponse(f"{request.user} {uuid.uuid4()}")


def page_in_public(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.user}", headers={"Cache-Control": "Public, Max-Age=60"})


urlpatterns = [
    path("page", page),
    path("cached-page", cache_page(60)(page)),
    path("page-in-public", page_in_public),
    *project.urlpatterns,
    re_path("^.*sso/", include(("ory_auth.urls", "ory_auth"), namespace="anywhere")),
]


def headers_of(person: Person, kind: str) -> dict[str, str]:
    if kind == "bearer":
        return person.app_session().bearer
    return person.browser_session().headers if kind == "cookie" else person.app_session().headers


# --- guards -----------------------------------------------------------------------------------------------------------

SPOOFED = {
    "a proxy's path": {"X-Forwarded-Uri": "/silent", "X-Original-URL": "/silent", "X-Rewrite-URL": "/silent"},
    "a proxy's host and scheme": {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
    "a health check": {"User-Agent": "GoogleHC/1.0"},
    "another health check": {"User-Agent": "kube-probe/1.36"},
    "a subrequest": {"X-Middleware-Subrequest": "middleware:middleware:middleware:middleware:middleware"},
    "an identity": {"X-Kratos-Authenticated-Identity-Id": str(uuid.UUID(int=1)), "Remote-User": "root"},
    "another method": {"X-HTTP-Method-Override": "OPTIONS"},
}


@pytest.mark.parametrize("headers", SPOOFED.values(), ids=SPOOFED)
@pytest.mark.parametrize("guarded", ["/guarded", "/aguarded", "/django-guarded", "/fresh", "/mixin"])
def test_no_header_of_a_client_opens_a_guarded_page(
    ory: Ory, web: DualClient, guarded: str, headers: dict[str, str]
) -> None:
    response = web.get(guarded, headers=headers)
    assert response.status_code == 302
    assert response["Location"] == f"/auth/login?next={guarded}"


PATHS = [
    "/silent/../guarded", "/silent/%2e%2e/guarded", "/silent;/../guarded", "/guarded;x=/silent", "/guarded?x=/silent",
    "/guarded%3fx=/silent", "/guarded%23/silent", "/%67uarded", "/silent//guarded", "/./guarded", "/guarded/",
    "/guarded%00", "/Guarded", "/silent%2f..%2fguarded", "/.;/guarded", "/silent/..;/guarded", "/\\guarded",
]  # fmt: skip


@pytest.mark.parametrize("written", PATHS)
@pytest.mark.parametrize("middleware", [False, True], ids=["decorator", "LoginRequiredMiddleware"])
def test_no_spelling_of_its_path_opens_a_guarded_page(
    ory: Ory, web: DualClient, settings: Settings, written: str, middleware: bool
) -> None:
    """A guard is at the view, and there is no list of paths that could be read in another way than Django's."""
    if middleware:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert web.get(written).status_code in {302, 404}


# --- one request, one person ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["token", "bearer"])
def test_a_repeated_header_is_malformed(ory: Ory, kind: str) -> None:
    """A proxy in front may have looked at one of them only. (For cookies that come twice, Kratos itself decides.)"""
    [(name, first)], [(_, second)] = (headers_of(ory.person(), kind).items() for _ in range(2))
    lines = [(b"host", b"testserver"), *((name.lower().encode(), value.encode()) for value in (first, second))]

    class Twice(AsyncClient):
        def _base_scope(self, **request: object) -> dict[str, Any]:
            return {**super()._base_scope(**request), "headers": lines}  # type: ignore[misc]

    response: AsyncResponse = async_to_sync(Twice().get)("/asession")
    assert response.json()["session"] is None
    joined_by_the_server = Client().get("/session", headers={name: f"{first}, {second}"})
    assert joined_by_the_server.json()["session"] is None


def test_concurrent_lookups_return_the_right_sessions(ory: Ory, local_ory: LocalOry) -> None:
    sessions = [ory.person().app_session() for _ in range(6)] * 3

    async def ask() -> list[AsyncResponse]:
        return await asyncio.gather(*(AsyncClient().get("/asession", headers=each.headers) for each in sessions))

    def ask_in_thread(headers: dict[str, str]) -> str:
        seen: str = Client().get("/session", headers=headers).json()["session"]
        return seen

    own = [session.id for session in sessions]
    with local_ory.slow(0.1):
        assert [response.json()["session"] for response in async_to_sync(ask)()] == own
        reset_services()
        with ThreadPoolExecutor(len(sessions)) as threads:
            assert list(threads.map(ask_in_thread, [session.headers for session in sessions])) == own


# --- what is kept for others ------------------------------------------------------------------------------------------


@pytest.fixture(params=["cache_page", "site cache"])
def cached_page(request: pytest.FixtureRequest, settings: Settings) -> str:
    """The address of a page that Django keeps, in one of its two ways."""
    if request.param == "cache_page":
        return "/cached-page"
    settings.MIDDLEWARE = [UPDATE, *settings.MIDDLEWARE, FETCH]
    return "/page"


@pytest.mark.parametrize("kind", KINDS)
def test_djangos_caches_keep_no_page_for_any_kind_of_credential(
    ory: Ory, web: DualClient, cached_page: str, kind: str
) -> None:
    ada, bob = (headers_of(ory.person(), kind) for _ in range(2))
    texts = [web.get(cached_page, headers=headers).content for headers in (ada, bob, ada, {})]
    assert len({text.split()[0] for text in texts}) == 3
    assert len(set(texts)) == 4


def test_djangos_caches_keep_no_cookie_that_ory_has_renewed(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, local_ory: LocalOry, cached_page: str
) -> None:
    """The requests have other cookies as well, which used to make Django keep what sets one."""
    ory_auth(SESSION_CACHE_SECONDS=0)
    numbers = iter(range(9))

    async def renewing(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                line = f"ory_kratos_session=renewed-{next(numbers)}; Path=/; HttpOnly".encode()
                message["headers"] = [*message["headers"], (b"set-cookie", line)]
            await send(message)

        await app(scope, receive, add)

    local_ory.faults.append(Fault(WHOAMI, renewing))
    headers = {"Cookie": f"theme=dark; {ory.person().browser_session().cookie}"}
    responses = [web.get(cached_page, headers=headers) for _ in range(2)]
    renewed = [response.cookies["ory_kratos_session"].value for response in responses]
    assert renewed == ["renewed-0", "renewed-1"]
    assert all("private" in response["Cache-Control"] for response in responses)
    without = web.get(cached_page, headers={"Cookie": "theme=dark"})
    assert "ory_kratos_session" not in without.cookies


@pytest.mark.parametrize("flow", ["/auth/login", "/auth/registration", "/auth/settings", "/auth/login?next=/guarded"])
def test_djangos_caches_keep_no_cookie_of_a_starting_sign_in(
    ory: Ory, web: DualClient, settings: Settings, flow: str
) -> None:
    settings.MIDDLEWARE = [UPDATE, *settings.MIDDLEWARE, FETCH]
    set_cookie(web, "theme", "dark")
    markers = []
    for _ in range(2):
        response = web.get(flow)
        markers.append(response.cookies["ory_auth_started"].value)
        assert "no-store" in response["Cache-Control"]
    assert len(set(markers)) == 2


def test_a_cached_page_never_carries_another_users_django_session(
    ory: Ory, web: DualClient, settings: Settings
) -> None:
    settings.MIDDLEWARE = [UPDATE, *settings.MIDDLEWARE, FETCH]
    settings.SESSION_SAVE_EVERY_REQUEST = True
    sign_in(web, ory.person().browser_session())
    web.get("/remember?cart=7")
    own = web.cookies["sessionid"].value
    web.get("/silent")
    web.get("/page")
    web.cookies.clear()
    for address in ("/silent", "/page"):
        assert own not in str(web.get(address).cookies)


def test_a_page_for_a_user_is_private_even_if_the_view_says_public(ory: Ory, web: DualClient) -> None:
    response = web.get("/page-in-public", headers=ory.person().app_session().headers)
    assert "private" in response["Cache-Control"]
    assert "public" not in response["Cache-Control"].lower()


# --- sign-in and sign-out ---------------------------------------------------------------------------------------------

INJECTED = ["/who&aal=aal1", "/who&refresh=false&x=", "/who#&aal=aal1", "/who%26refresh=false", "/who?a=1&aal=aal1"]


@pytest.mark.parametrize("value", INJECTED)
@pytest.mark.parametrize("name", ["next", "return_to"])
def test_next_cannot_add_parameters_to_orys_url(ory: Ory, client: Client, name: str, value: str) -> None:
    person = ory.person()
    person.browser_session().set_up_totp()
    one_factor = person.browser_session()
    for headers, expected in (({}, {"return_to"}), (one_factor.headers, {"return_to", "aal"})):
        response = client.get("/auth/login", {name: value}, headers=headers)
        asked = parse_qs(urlsplit(response["Location"]).query)
        assert set(asked) == expected
        assert asked.get("aal", ["aal2"]) == ["aal2"]


def test_a_cookie_with_a_prefix_is_removed_with_its_attributes(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, local_ory: LocalOry
) -> None:
    """A browser ignores a ``Set-Cookie`` for ``__Host-`` without ``Secure``, and the person would stay signed in."""
    name = "__Host-ory_kratos_session"
    ory_auth(SESSION_COOKIE_NAME=name)
    set_cookie(web, name, "a-session")
    removal = f"{name}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
    begun = json.dumps({"logout_url": "x", "logout_token": "t"}).encode()
    with (
        local_ory.failing(204, {"Set-Cookie": removal}, path="/self-service/logout"),
        local_ory.failing(200, body=begun, path="/self-service/logout/browser"),
        local_ory.failing(200, body=json.dumps({}).encode(), path=WHOAMI),
    ):
        response = web.post("/auth/logout")
    removed = response.cookies[name]
    assert removed.value == ""
    assert (removed["secure"], removed["path"], removed["domain"], removed["max-age"]) == (True, "/", "", "0")


@pytest.mark.usefixtures("local_ory")
def test_ones_own_sign_in_does_not_refill_the_limit(ory: Ory, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "UNKNOWN_CREDENTIALS_OF_CLIENT", Rate(0.0, 5.0))

    def status(headers: dict[str, str]) -> int:
        return client.get("/session", headers=headers, REMOTE_ADDR="192.0.2.1").status_code

    def guess() -> int:
        return status(unknown_token())

    own = [ory.person().app_session().headers for _ in range(3)]
    assert [guess() for _ in range(4)] == [200] * 4
    assert [status(headers) for headers in own] == [200] * 3
    assert [guess() for _ in range(3)] == [200, 503, 503]


BEFORE_THE_PAGES = ["/", "/\\evil.example/", "//evil.example/", "///evil.example/"]


@pytest.mark.usefixtures("local_ory")
def test_a_limit_holds_under_concurrency(ory: Ory, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "UNKNOWN_CREDENTIALS_OF_CLIENT", Rate(0.0, 5.0))

    def status(_: int) -> int:
        headers = unknown_token()
        return Client().get("/session", headers=headers, REMOTE_ADDR="192.0.2.1").status_code

    with ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(status, range(48)))
    assert (statuses.count(200), statuses.count(503)) == (5, 43)
    assert len(ory.requests_to()) == 5


@pytest.mark.parametrize("value", ["http://evil.example/", "//evil.example/", "https://testserver.evil.example/"])
@pytest.mark.parametrize("path", ["/auth/login", "/auth/settings", "/admin/login/"])
def test_a_site_with_allowed_hosts_any_returns_to_its_own_host(
    ory: Ory, client: Client, settings: Settings, path: str, value: str
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    response = client.get(path, {"next": value})
    assert parse_qs(urlsplit(response["Location"]).query)["return_to"][0].startswith("http://testserver/")


@pytest.mark.parametrize("prefix", BEFORE_THE_PAGES)
def test_a_replaced_flow_does_not_lead_to_another_host(
    ory: Ory, client: Client, local_ory: LocalOry, prefix: str
) -> None:
    """Where a project's URL takes anything before the pages of flows, a path may look like another host."""
    body = json.dumps({"use_flow_id": str(uuid.uuid4()), "error": {"id": "self_service_flow_expired"}}).encode()
    with local_ory.failing(410, body=body, path="/self-service/login/flows"):
        response = client.get("/x", {"flow": str(uuid.uuid4())}, PATH_INFO=f"{prefix}sso/login")
    assert response.status_code == 302
    assert resolve_like_browser("http://testserver/x", response["Location"]) == ("http", "testserver")


# --- names and addresses ----------------------------------------------------------------------------------------------

LOOKALIKES = [
    "attacker@evil.example@company.example", "a@evil.example,b@company.example", "a@evil.example;b@company.example",
    "<a@evil.example>b@company.example", "a@evil.example b@company.example", "a@evil.example\0@company.example",
    "a@evil.example\n@company.example", "a@company.example\nBcc: b@evil.example", "a(@company.example)@evil.example",
    "a@[company.example", "a@ company.example", "a\uff20evil.example@company.example", "a\uff20company.example",
]  # fmt: skip


@pytest.mark.parametrize("address", LOOKALIKES, ids=ascii)
def test_an_ambiguous_address_is_not_stored(ory: Ory, ory_auth: ChangeSettings, web: DualClient, address: str) -> None:
    if USERNAME_IS_EMAIL:
        pytest.skip("nobody comes in without an address")
    person = ory.person()
    set_metadata(person, {"address": address})
    ory_auth(USER_FIELDS={"email": "metadata_public.address"})
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).email == ""


def test_the_domain_of_a_quoted_address_is_its_end(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    address = '"e@evil.example"@company.example'
    person = ory.person()
    set_metadata(person, {"address": address})
    ory_auth(USER_FIELDS={"email": "metadata_public.address"})
    web.get("/who", headers=person.app_session().headers)
    stored = user_of(person).email
    assert stored == address
    assert Address(addr_spec=stored).domain == "company.example"


ODD_NAMES = ["root\nERROR", "root\x1b[2K", "ro\u200bot", "\u202etoor", "r\u2028oot"]


@pytest.mark.promise("A username has no invisible characters")
@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_a_user_name_has_no_invisible_characters(ory: Ory, ory_auth: ChangeSettings, client: Client, name: str) -> None:
    if USERNAME_IS_EMAIL:
        pytest.skip("the user name is the address")
    person = ory.person()
    set_metadata(person, {"name": name})
    ory_auth(USER_FIELDS={"username": "metadata_public.name"})
    client.get("/who", headers=person.app_session().headers)
    assert user_of(person).username.isprintable()


# --- logs -------------------------------------------------------------------------------------------------------------

FORGED = "x\r\nERROR ory_auth signed_in identity=root\x1b[2K\u2028\u0085"


@pytest.mark.promise("A visitor cannot forge a line in the log")
def test_log_lines_cannot_be_forged(
    ory: Ory, ory_auth: ChangeSettings, no_raise: DualClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "ory_auth")
    ory_auth(TRUSTED_PROXIES=1, USER_FIELDS={"email": "metadata_public.address", "first_name": "traits.name.first"})
    session = ory.person(name={"first": FORGED}).app_session()
    set_metadata(session.person, {"address": FORGED})
    no_raise.get("/who", headers=session.headers)
    latin = FORGED.encode("ascii", "ignore").decode()
    for name in ("X-Session-Token", "X-Forwarded-For", "Authorization", "User-Agent", "Referer", "Accept"):
        no_raise.get("/session", headers={name: f"Bearer ory_st_{latin}" if name == "Authorization" else latin})
    no_raise.get("/session", headers={"Cookie": f"ory_kratos_session={latin}; ory_kratos_session=other"})
    for name in ("next", "flow", "return_to"):
        no_raise.get(f"/auth/login?{urlencode({name: f'//evil.example/{FORGED}'})}")
    no_raise.get(f"/auth/error?{urlencode({'id': FORGED})}")
    no_raise.get(f"/guarded/{latin}")
    no_raise.post("/auth/logout", {"next": FORGED}, headers=session.headers)
    assert {"value_refused", "malformed", "multi_credential", "bad_return_to", "logout"} <= set(event_ids(caplog))
    lines = [record.getMessage() for record in caplog.records if record.name == "ory_auth"]
    assert [line for line in lines if not (line.isprintable() and line.isascii())] == []
    assert "identity=root" not in "".join(lines)


# --- a request that costs too much ------------------------------------------------------------------------------------

LONG = 300_000


@contextmanager
def endless(head: bytes, part: bytes) -> Iterator[tuple[str, list[int]]]:
    """A server whose response never ends: its URL, and how many bytes each of its connections took."""
    taken: list[int] = []

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                taken.append(0)
                with connection, suppress(OSError):
                    connection.settimeout(5)
                    connection.recv(65536)
                    connection.sendall(head)
                    while True:
                        taken[-1] += connection.send(part)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", taken
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


ENDLESS = {
    "the size of a chunk": (b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 65536),
    "an extension of a chunk": (b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 65536),
    "trailers": (b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n" * 10000),
    "headers": (b"", b"x: y\r\n" * 10000),
    "a packed body of nothing": (b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"")[:10] + b"\0" * 65536),
}


@pytest.mark.parametrize(("head", "part"), ENDLESS.values(), ids=ENDLESS)
def test_a_response_without_an_end_is_cut_off(
    ory_auth: ChangeSettings, web: DualClient, head: bytes, part: bytes
) -> None:
    with endless(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + head, part) as (url, taken):
        ory_auth(SDK_URL=url, TIMEOUT=2.0)
        assert web.get("/session", headers={"X-Session-Token": "ory_st_x"}).status_code == 503
    assert sum(taken) < 16 * 1024 * 1024  # most of it in the buffers of the sockets


@pytest.mark.parametrize("encoding", [", ".join(["gzip"] * 5000), "gzip, gzip", "br", "zstd", "identity, gzip"])
def test_only_gzip_responses_are_decompressed(ory: Ory, web: DualClient, local_ory: LocalOry, encoding: str) -> None:
    body = gzip.compress(b"{}")
    with local_ory.failing(200, {"Content-Encoding": encoding}, body, WHOAMI):
        assert seconds_of(lambda: web.get("/session", headers=ory.person().app_session().headers)) < 2
        assert web.get("/session", headers=ory.person().app_session().headers).status_code == 503


def seconds_of(work: Callable[[], object]) -> float:
    """Of this thread's processor alone: other work on this machine does not count."""
    before = time.thread_time()
    work()
    return time.thread_time() - before


LONG_HEADERS = {
    "many cookies": {"Cookie": "; ".join(f"c{number}=x" for number in range(LONG // 8))},
    "one session cookie many times": {"Cookie": "; ".join(["ory_kratos_session=x"] * (LONG // 20))},
    "separators": {"Cookie": "ory_kratos_session=" + ";" * LONG},
    "spaces": {"Cookie": " " * LONG + "ory_kratos_session=x"},
    "a long token": {"X-Session-Token": "x" * LONG},
    "a token of spaces": {"X-Session-Token": " \t" * (LONG // 2) + "x" + " \t" * (LONG // 2)},
    "a long bearer token": {"Authorization": "Bearer ory_st_" + "x" * LONG},
    "many proxies": {"X-Forwarded-For": ", ".join(["192.0.2.1"] * (LONG // 11))},
    "a long address": {"X-Forwarded-For": "1:" * (LONG // 2)},
    "dots": {"X-Forwarded-For": "1." * (LONG // 2)},
    "digits": {"X-Forwarded-For": "9" * LONG},
    "a zone": {"X-Forwarded-For": "fe80::1%" + "z" * LONG},
    "many types": {"Accept": ", ".join(["text/html;q=0.1"] * (LONG // 17))},
}


@pytest.mark.parametrize("headers", LONG_HEADERS.values(), ids=LONG_HEADERS)
def test_a_long_header_is_parsed_in_linear_time(
    ory: Ory, ory_auth: ChangeSettings, client: Client, headers: dict[str, str]
) -> None:
    """Work that grows with the square of the length would take minutes."""
    ory_auth(TRUSTED_PROXIES=1)
    client.get("/guarded")
    assert seconds_of(lambda: client.get("/guarded", headers=headers)) < 5
    assert client.get("/guarded", headers=headers).status_code in {302, 401}


def test_a_long_accept_header_is_parsed_in_linear_time(ory: Ory, client: Client) -> None:
    """As long as uvicorn takes a header; its sender needs no account."""
    headers = {"Accept": 'text/html; a="' + ";" * 64_000 + '"'}
    client.get("/guarded")
    assert seconds_of(lambda: client.get("/guarded", headers=headers)) < 0.5


LONG_VALUES = {
    "letters": "/" + "a" * LONG,
    "letters that are normalised": "/" + "\ufdfa" * (LONG // 10),
    "slashes": "/" * LONG,
    "backslashes": "\\" * LONG,
    "dots": "/" + "../" * (LONG // 3),
    "colons": "a:" * (LONG // 2),
    "brackets": "http://[" + "a" * LONG,
    "percent signs": "/" + "%" * LONG,
}


@pytest.mark.parametrize("value", LONG_VALUES.values(), ids=LONG_VALUES)
@pytest.mark.parametrize("name", ["next", "flow", "id"])
def test_a_long_parameter_is_parsed_in_linear_time(ory: Ory, client: Client, name: str, value: str) -> None:
    address = "/auth/error" if name == "id" else "/auth/login"
    client.get("/auth/login")
    assert seconds_of(lambda: client.get(address, {name: value})) < 5
    assert client.get(address, {name: value}).status_code in {302, 400, 404}


LONG_TEXT = 60_000
LONG_TEXTS = ["a", "</a>", "<", "&", "1.", " ", "{", "%s", "\\"]


@pytest.mark.parametrize("part", LONG_TEXTS)
def test_a_form_with_long_texts_is_parsed_in_linear_time(
    ory: Ory, client: Client, local_ory: LocalOry, part: str
) -> None:
    text = part * (LONG_TEXT // len(part))
    flow = ory.public("GET", "/self-service/login/browser").json
    flow["ui"]["messages"] = [{"id": 4000001, "type": "error", "text": text, "context": {"reason": text}}]
    field = {"name": text, "type": "text", "value": text, "node_type": "input"}
    link = {"href": f"https://{text}", "title": {"id": 1, "text": text, "type": "info"}, "node_type": "a", "id": "a"}
    image = {"src": f"data:image/png;base64,{text}", "node_type": "img"}
    flow["ui"]["nodes"] += [
        {"type": "input", "group": "default", "attributes": field, "messages": [], "meta": {}},
        {"type": "a", "group": "default", "attributes": link, "messages": [], "meta": {}},
        {"type": "img", "group": "default", "attributes": image, "messages": [], "meta": {}},
    ]
    client.get("/auth/login", {"flow": flow["id"]})
    with local_ory.failing(200, body=json.dumps(flow).encode(), path="/self-service/login/flows"):
        assert seconds_of(lambda: client.get("/auth/login", {"flow": flow["id"]})) < 4
        assert client.get("/auth/login", {"flow": flow["id"]}).status_code == 200
