"""Channels: ``OryAuthMiddlewareStack``, ``OryRequired`` and ``recheck`` with consumers of both kinds."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.auth import AuthMiddlewareStack
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client
from django.urls import path
from pytest_django import Settings
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ory_auth.channels import OryAuthMiddleware, OryAuthMiddlewareStack, OryRequired, recheck
from ory_auth.exceptions import OryUnavailable
from ory_auth.local import LocalOry
from ory_auth.local.http.faults import Fault
from ory_auth.request.impersonation_cookie import COOKIE
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.ory import Ory
from tests.support.types import ChangeSettings, Json, User

pytestmark = pytest.mark.django_db

T = TypeVar("T")
Communicator: Any = ApplicationCommunicator  # has no types, like Channels itself
Required: Any = OryRequired  # Django's types know only views in path()
HOST = {"Host": "testserver"}
HERE = {**HOST, "Origin": "http://testserver"}
UNAVAILABLE, NOT_SIGNED_IN, FORBIDDEN = 1013, 4401, 4403


def seen(scope: Any) -> Json:
    session = scope["ory_session"]
    return {
        "user": scope["user"].get_username(),
        "session": session and str(session.id),
        "unavailable": scope["ory_unavailable"],
    }


class Coroutines(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    async def connect(self) -> None:
        await self.accept()
        await self.send_json(seen(self.scope))

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        match content:
            case "recheck":
                try:
                    still: object = await recheck(self.scope)
                except OryUnavailable:
                    still = "unavailable"
                await self.send_json({"still": still, **seen(self.scope)})
            case ["remember", cart]:
                self.scope["session"]["cart"] = cart
                await self.scope["session"].asave()
                await self.send_json("kept")
            case "recall":
                await self.send_json(await self.scope["session"].aget("cart"))


class Threads(JsonWebsocketConsumer):  # type: ignore[misc]
    def connect(self) -> None:
        self.accept()
        self.send_json(seen(self.scope))

    def receive_json(self, content: Any, **kwargs: Any) -> None:
        match content:
            case "recheck":
                try:
                    still: object = async_to_sync(recheck)(self.scope)
                except OryUnavailable:
                    still = "unavailable"
                self.send_json({"still": still, **seen(self.scope)})
            case ["remember", cart]:
                self.scope["session"]["cart"] = cart
                self.scope["session"].save()
                self.send_json("kept")
            case "recall":
                self.send_json(self.scope["session"].get("cart"))


class LongPolling(AsyncHttpConsumer):  # type: ignore[misc]
    async def handle(self, body: bytes) -> None:
        await self.send_response(200, json.dumps(seen(self.scope)).encode())


def application(**options: Any) -> Any:
    both: dict[str, Any] = {"": Coroutines.as_asgi(), "a-thread/": Threads.as_asgi()}
    routes = []
    for where, consumer in both.items():
        routes += [
            path(f"{where}who", consumer),
            path(f"{where}guarded", Required(consumer)),
            path(f"{where}aal2", Required(consumer, aal="aal2")),
            path(f"{where}just-now", Required(consumer, max_age=60)),
            path(f"{where}fresh", Required(consumer, fresh=True)),
        ]
    http = [path("poll", LongPolling.as_asgi()), path("guarded-poll", Required(LongPolling.as_asgi()))]
    return ProtocolTypeRouter(
        {
            "websocket": OryAuthMiddlewareStack(URLRouter(routes), **options),
            "http": OryAuthMiddlewareStack(URLRouter(http), **options),
        }
    )


class _Client(Communicator):  # type: ignore[misc]
    """A client of a consumer. Channels' own needs daphne."""

    def __init__(self, app: Any, scope: Json, headers: dict[str, str]) -> None:
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        super().__init__(app, {"query_string": b"", "headers": raw, **scope})


class Socket(_Client):
    """A client of a WebSocket with these headers."""

    def __init__(self, where: str, headers: dict[str, str], app: Any = None, **scope: Any) -> None:
        super().__init__(app or application(), {"type": "websocket", "path": f"/{where}", **scope}, headers)

    async def connect(self) -> int | None:
        """The code of a connection that is refused."""
        await self.send_input({"type": "websocket.connect"})
        message = await self.receive_output(5)
        if message["type"] == "websocket.close":
            await self.wait(5)
            return int(message["code"])
        assert message["type"] == "websocket.accept"
        self.accepted = message
        return None

    async def says(self, message: Any) -> Any:
        await self.send_input({"type": "websocket.receive", "text": json.dumps(message)})
        return await self.hears()

    async def hears(self) -> Any:
        message = await self.receive_output(5)
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def disconnect(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(5)


def run(steps: Callable[[], Awaitable[T]]) -> T:
    return async_to_sync(steps)()


def connect(where: str, headers: dict[str, str], app: Any = None) -> Any:
    """What the consumer shows, or the code of a connection that is refused."""

    async def steps() -> Any:
        socket = Socket(where, headers, app)
        if code := await socket.connect():
            return code
        shown = await socket.hears()
        await socket.disconnect()
        return shown

    return run(steps)


def respond(where: str, headers: dict[str, str], app: Any = None) -> tuple[int, dict[str, str], Json]:
    """The response to a WebSocket, from a server that can send one."""

    async def steps() -> tuple[int, dict[str, str], Json]:
        socket = Socket(where, headers, app, extensions={"websocket.http.response": {}})
        await socket.send_input({"type": "websocket.connect"})
        start, body = await socket.receive_output(5), await socket.receive_output(5)
        await socket.wait(5)
        assert (start["type"], body["type"]) == ("websocket.http.response.start", "websocket.http.response.body")
        sent = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], sent, json.loads(body["body"])

    return run(steps)


kinds = pytest.mark.parametrize("kind", ["", "a-thread/"], ids=["async", "sync"])


@pytest.mark.promise("A WebSocket is refused during an impersonation")
@pytest.mark.parametrize("where", ["who", "a-thread/who", "guarded"])
def test_a_socket_is_refused_during_an_impersonation(ory: Ory, web: DualClient, where: str) -> None:
    session = ory.person().browser_session()
    sign_in(web, session)
    web.get("/who")
    User.objects.update(is_superuser=True)
    assert connect(where, {**HERE, **session.headers})["session"] == session.id
    ada = User.objects.create_user("ada")
    web.post("/auth/impersonate", {"user": str(ada.pk), "reason": "Request 4711"})
    cookies = f"{session.cookie}; {COOKIE}={web.cookies[COOKIE].value}"
    assert connect(where, {**HERE, "Cookie": cookies}) == FORBIDDEN
    assert respond(where, {**HERE, "Cookie": cookies})[2]["code"] == "impersonating"


def test_a_socket_does_not_delete_the_cookie_of_an_impersonation_that_has_ended(ory: Ory, web: DualClient) -> None:
    """Only a response to a request can renew the CSRF token of the user's pages, so that one has to see the end."""
    session = ory.person().browser_session()
    sign_in(web, session)
    web.get("/who")
    User.objects.update(is_superuser=True)
    ada = User.objects.create_user("ada")
    web.post("/auth/impersonate", {"user": str(ada.pk), "reason": "Request 4711"})
    ada.delete()
    cookies = f"{session.cookie}; {COOKIE}={web.cookies[COOKIE].value}"

    async def steps() -> Any:
        socket = Socket("who", {**HERE, "Cookie": cookies})
        assert await socket.connect() is None
        await socket.hears()
        await socket.disconnect()
        return socket.accepted["headers"]

    assert not any(COOKIE.encode() in value for _, value in run(steps))


# --- who it is --------------------------------------------------------------------------------------------------------


@kinds
def test_the_cookie_signs_in(ory: Ory, kind: str) -> None:
    session = ory.person().browser_session()
    shown = connect(f"{kind}who", {**HERE, **session.headers})
    assert shown == {"user": session.person.id, "session": session.id, "unavailable": False}


@kinds
@pytest.mark.parametrize("form", ["X-Session-Token", "Authorization"])
def test_a_token_signs_in_with_either_header(ory: Ory, kind: str, form: str) -> None:
    session = ory.person().app_session()
    value = session.token if form == "X-Session-Token" else f"Bearer {session.token}"
    assert connect(f"{kind}who", {form: value})["session"] == session.id


@kinds
@pytest.mark.parametrize("headers", [{}, {"X-Session-Token": "ory_st_dead"}, {"Authorization": "Bearer x"}])
def test_a_visitor_is_anonymous_in_a_public_consumer(ory: Ory, kind: str, headers: dict[str, str]) -> None:
    assert connect(f"{kind}who", headers) == {"user": "", "session": None, "unavailable": False}


@kinds
def test_the_user_of_a_django_session_counts_as_in_requests(ory: Ory, kind: str) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    assert connect(f"{kind}who", {**HERE, "Cookie": cookie})["user"] == "root"
    assert connect(f"{kind}guarded", {**HERE, "Cookie": cookie}) == NOT_SIGNED_IN


@kinds
def test_the_middleware_stack_of_channels_may_stay_outside(ory: Ory, kind: str) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    consumers: dict[str, Any] = {"": Coroutines, "a-thread/": Threads}
    consumer = consumers[kind].as_asgi()
    app = AuthMiddlewareStack(OryAuthMiddleware(consumer))
    assert connect("/", {**HERE, "Cookie": f"sessionid={client.cookies['sessionid'].value}"}, app)["user"] == "root"
    session = ory.person().browser_session()
    assert connect("/", {**HERE, **session.headers}, app)["user"] == session.person.id


def test_other_protocols_pass_through(ory: Ory) -> None:
    called = []

    async def lifespan(scope: Any, receive: Any, send: Any) -> None:
        called.append(scope["type"])

    async_to_sync(OryAuthMiddleware(lifespan))({"type": "lifespan"}, None, None)
    assert called == ["lifespan"]


def test_a_path_of_any_bytes_works(ory: Ory) -> None:
    async def steps() -> Any:
        socket = Socket("who", {}, query_string=b"token=\xff", client=["\xff", 1])
        return await socket.connect()

    assert run(steps) is None


# --- another site -----------------------------------------------------------------------------------------------------


@pytest.mark.promise("Another site cannot open a WebSocket with the browser's cookies")
@kinds
@pytest.mark.parametrize("origin", ["https://evil.example", "https://testserver", "null", "", "http://testserver.evil"])
def test_another_site_cannot_use_the_cookie(ory: Ory, kind: str, origin: str) -> None:
    session = ory.person().browser_session()
    for where in ("who", "guarded"):
        assert connect(kind + where, {**HOST, "Origin": origin, **session.headers}) == FORBIDDEN
    assert connect(f"{kind}who", {**HOST, **session.headers}) == FORBIDDEN
    status, _, body = respond(f"{kind}who", {**HOST, "Origin": origin, **session.headers})
    assert (status, body["code"]) == (403, "origin_not_allowed")
    assert ory.local is None or not ory.requests_to()


@pytest.mark.promise("Another site cannot open a WebSocket with the browser's cookies")
def test_another_site_cannot_use_a_django_session(ory: Ory) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    assert connect("who", {**HOST, "Origin": "https://evil.example", "Cookie": cookie}) == FORBIDDEN
    both = {"X-Session-Token": " ", "Authorization": "Bearer x", "Cookie": cookie}
    assert connect("who", {**HOST, "Origin": "https://evil.example", **both}) == FORBIDDEN


def test_a_disallowed_host_is_not_a_trusted_origin(ory: Ory) -> None:
    session = ory.person().browser_session()
    evil = {"Host": "evil.example", "Origin": "http://evil.example"}
    assert connect("who", {**evil, **session.headers}) == FORBIDDEN


def test_pages_of_trusted_origins_may_use_the_cookie(ory: Ory, settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example", "https://*.example.org"]
    session = ory.person().browser_session()
    for origin in ("https://app.example", "https://chat.example.org"):
        assert connect("who", {**HOST, "Origin": origin, **session.headers})["session"] == session.id
    assert connect("who", {**HOST, "Origin": "http://app.example", **session.headers}) == FORBIDDEN


def test_behind_a_proxy_the_scheme_is_that_of_the_page(ory: Ory, settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    session = ory.person().browser_session()
    headers = {**HOST, "Origin": "https://testserver", "X-Forwarded-Proto": "https", **session.headers}
    assert connect("who", headers)["session"] == session.id


def test_over_tls_the_page_is_https(ory: Ory) -> None:
    session = ory.person().browser_session()

    async def steps() -> Any:
        secure = {**HOST, "Origin": "https://testserver", **session.headers}
        return [
            await Socket("who", headers, scheme="wss").connect()
            for headers in (secure, {**secure, "Origin": "http://testserver"})
        ]

    assert run(steps) == [None, FORBIDDEN]


def test_a_token_and_a_visitor_without_cookies_may_come_from_anywhere(ory: Ory) -> None:
    elsewhere = {**HOST, "Origin": "https://evil.example"}
    session = ory.person().app_session()
    assert connect("who", {**elsewhere, **session.headers})["session"] == session.id
    assert connect("who", elsewhere)["user"] == ""


# --- guards -----------------------------------------------------------------------------------------------------------


@kinds
def test_a_guarded_consumer_requires_a_sign_in(ory: Ory, kind: str) -> None:
    session = ory.person().browser_session()
    assert connect(f"{kind}guarded", {**HERE, **session.headers})["session"] == session.id
    assert connect(f"{kind}guarded", HERE) == NOT_SIGNED_IN
    status, headers, body = respond(f"{kind}guarded", HERE)
    assert (status, headers["www-authenticate"], body["code"]) == (401, 'Bearer realm="ory"', "not_authenticated")


@kinds
def test_a_guarded_consumer_refuses_a_missing_second_factor(ory: Ory, kind: str) -> None:
    person = ory.person()
    person.browser_session().set_up_totp()
    session = person.browser_session()
    assert connect(f"{kind}who", {**HERE, **session.headers})["user"] == ""
    for where in ("guarded", "aal2"):
        assert connect(kind + where, {**HERE, **session.headers}) == FORBIDDEN
        status, _, body = respond(kind + where, {**HERE, **session.headers})
        assert (status, body["code"]) == (403, "session_aal2_required")
    session.step_up()
    assert connect(f"{kind}aal2", {**HERE, **session.headers})["user"] == person.id


def test_a_consumer_that_requires_aal2_refuses_aal1(ory: Ory) -> None:
    session = ory.person().app_session()
    assert connect("aal2", session.headers) == FORBIDDEN
    assert respond("aal2", session.headers)[2]["code"] == "session_aal2_required"


def test_an_old_sign_in_requires_reauthentication(ory: Ory, local_ory: LocalOry) -> None:
    old, person = ory.person().browser_session(), ory.person()
    local_ory.clock.move(2 * 60)
    assert respond("just-now", {**HERE, **old.headers})[2]["code"] == "session_refresh_required"
    assert connect("just-now", {**HERE, **person.browser_session().headers})["user"] == person.id


def test_fresh_asks_ory_past_the_cache(ory: Ory, ory_auth: ChangeSettings) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60)
    session = ory.person().app_session()
    assert connect("fresh", session.headers)["session"] == session.id
    session.revoke()
    assert connect("who", session.headers)["session"] == session.id
    assert connect("fresh", session.headers) == NOT_SIGNED_IN


def test_a_person_who_is_not_admitted_gets_the_code(ory: Ory) -> None:
    session = ory.person().app_session()
    assert connect("who", session.headers)["user"] == session.person.id
    User.objects.update(is_active=False)
    assert connect("who", session.headers)["user"] == ""
    assert connect("guarded", session.headers) == FORBIDDEN
    assert respond("guarded", session.headers)[2]["code"] == "not_admitted"


def test_a_guard_with_impossible_values_is_refused_at_start(ory: Ory) -> None:
    with pytest.raises(ValueError, match="aal9"):
        OryRequired(Coroutines.as_asgi(), aal="aal9")


def test_a_guard_without_the_middleware_says_what_is_missing(ory: Ory) -> None:
    with pytest.raises(ImproperlyConfigured, match="OryAuthMiddlewareStack"):
        connect("/", HERE, OryRequired(Coroutines.as_asgi()))


# --- outages ----------------------------------------------------------------------------------------------------------


@pytest.mark.promise("In an outage, a WebSocket is refused")
@kinds
@pytest.mark.parametrize("where", ["who", "guarded"])
def test_while_ory_is_down_a_known_credential_is_refused(ory: Ory, local_ory: LocalOry, kind: str, where: str) -> None:
    session = ory.person().browser_session()
    with local_ory.failing(500):
        assert connect(kind + where, {**HERE, **session.headers}) == UNAVAILABLE
        status, headers, body = respond(kind + where, {**HERE, **session.headers})
    assert (status, headers["retry-after"], body["code"]) == (503, "5", "ory_unavailable")
    assert connect(kind + where, {**HERE, **session.headers})["session"] == session.id


@kinds
def test_an_optional_consumer_knows_that_ory_is_down(ory: Ory, local_ory: LocalOry, kind: str) -> None:
    session = ory.person().browser_session()
    with local_ory.failing(500):
        shown = connect(f"{kind}who", {**HERE, **session.headers}, application(optional=True))
        refused = connect(f"{kind}guarded", {**HERE, **session.headers}, application(optional=True))
    assert shown == {"user": "", "session": None, "unavailable": True}
    assert refused == UNAVAILABLE


@pytest.mark.urls("tests.support.catch_all_urls")
def test_a_catch_all_view_does_not_make_sockets_optional(ory: Ory, local_ory: LocalOry) -> None:
    session = ory.person().browser_session()
    with local_ory.failing(500):
        assert connect("who", {**HERE, **session.headers}) == UNAVAILABLE


@pytest.mark.django_db(transaction=True)
def test_a_broken_connection_to_the_database_is_replaced(ory: Ory) -> None:
    headers = ory.person().app_session().headers
    connect("who", headers)  # creates the user, so that the next one only reads
    connection.ensure_connection()
    connection.errors_occurred = True
    assert connect("aal2", headers) == FORBIDDEN
    assert not connection.errors_occurred


def test_requests_without_a_credential_work_while_ory_is_down(ory: Ory, local_ory: LocalOry) -> None:
    with local_ory.failing(500):
        assert connect("who", HERE)["user"] == ""


# --- while it is open -------------------------------------------------------------------------------------------------


@pytest.mark.promise("recheck() notices a sign-out")
@kinds
def test_a_recheck_notices_a_sign_out(ory: Ory, ory_auth: ChangeSettings, kind: str) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().browser_session()
    headers = {**HERE, **session.headers}

    async def steps() -> tuple[Json, Json]:
        socket = Socket(f"{kind}guarded", headers)
        await socket.connect()
        await socket.hears()
        before = await socket.says("recheck")
        await sync_to_async(session.revoke)()
        after = await socket.says("recheck")
        await socket.disconnect()
        return before, after

    before, after = run(steps)
    assert (before["still"], before["user"]) == (True, session.person.id)
    assert after == {"still": False, "user": "", "session": None, "unavailable": False}


@kinds
def test_a_sign_out_here_counts_at_once(ory: Ory, ory_auth: ChangeSettings, web: DualClient, kind: str) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60)
    session = ory.person().app_session()

    async def steps() -> Json:
        socket = Socket(f"{kind}who", session.headers)
        await socket.connect()
        await socket.hears()
        await sync_to_async(web.post)("/auth/logout", headers=session.headers)
        shown: Json = await socket.says("recheck")
        await socket.disconnect()
        return shown

    assert run(steps)["still"] is False


@kinds
def test_a_recheck_in_an_outage_says_so_and_changes_nothing(
    ory: Ory, ory_auth: ChangeSettings, local_ory: LocalOry, kind: str
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().browser_session()
    headers = {**HERE, **session.headers}

    async def steps() -> Json:
        socket = Socket(f"{kind}who", headers, application(optional=True))
        await socket.connect()
        await socket.hears()
        with local_ory.failing(500):
            shown: Json = await socket.says("recheck")
        await socket.disconnect()
        return shown

    assert run(steps) == {
        "still": "unavailable",
        "user": session.person.id,
        "session": session.id,
        "unavailable": False,
    }


def test_an_error_report_of_a_recheck_shows_no_credential(
    ory: Ory, ory_auth: ChangeSettings, local_ory: LocalOry
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().app_session()
    shown: list[str] = []

    async def consumer(scope: Any, receive: Any, send: Any) -> None:
        with local_ory.failing(500), pytest.raises(OryUnavailable) as raised:
            await recheck(scope)
        for entry in raised.traceback[1:]:  # from the package on
            shown.append(repr(entry.frame.f_locals))

    app = OryAuthMiddleware(consumer)
    raw = [(b"x-session-token", session.token.encode())]
    async_to_sync(app)({"type": "websocket", "path": "/", "headers": raw}, None, None)
    assert len(shown) > 3
    assert session.token not in "".join(shown)


def rechecks_two_minutes_apart(open_socket: Callable[[], Socket], local_ory: LocalOry) -> list[object]:
    async def steps() -> list[Json]:
        socket = open_socket()
        await socket.connect()
        await socket.hears()
        before = await socket.says("recheck")
        local_ory.clock.move(120)
        after = await socket.says("recheck")
        await socket.disconnect()
        return [before, after]

    return [shown["still"] for shown in run(steps)]


@kinds
def test_a_recheck_repeats_what_the_guard_requires(
    ory: Ory, ory_auth: ChangeSettings, local_ory: LocalOry, kind: str
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().app_session()
    socket = partial(Socket, f"{kind}just-now", session.headers)
    assert rechecks_two_minutes_apart(socket, local_ory) == [True, False]


@pytest.mark.parametrize(("outer", "inner"), [({"max_age": 60}, {}), ({}, {"max_age": 60})])
def test_a_recheck_repeats_what_each_of_several_guards_requires(
    ory: Ory, ory_auth: ChangeSettings, local_ory: LocalOry, outer: Json, inner: Json
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().app_session()
    consumer = Required(Coroutines.as_asgi(), **inner)
    app = OryAuthMiddlewareStack(Required(URLRouter([path("who", consumer)]), **outer))
    socket = partial(Socket, "who", session.headers, app)
    assert rechecks_two_minutes_apart(socket, local_ory) == [True, False]


@kinds
def test_a_recheck_notices_an_inactive_user(ory: Ory, kind: str) -> None:
    session = ory.person().app_session()

    async def steps() -> Json:
        socket = Socket(f"{kind}who", session.headers)
        await socket.connect()
        await socket.hears()
        await User.objects.aupdate(is_active=False)
        shown: Json = await socket.says("recheck")
        await socket.disconnect()
        return shown

    assert run(steps)["still"] is False


@kinds
def test_a_recheck_notices_the_end_of_a_django_session(ory: Ory, kind: str) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    headers = {**HERE, "Cookie": f"sessionid={client.cookies['sessionid'].value}"}

    async def steps() -> list[Json]:
        socket = Socket(f"{kind}who", headers)
        await socket.connect()
        await socket.hears()
        before = await socket.says("recheck")
        await sync_to_async(client.logout)()
        after = await socket.says("recheck")
        await socket.disconnect()
        return [before, after]

    assert [shown["still"] for shown in run(steps)] == [True, False]


# --- Django's session beside ------------------------------------------------------------------------------------------


@kinds
def test_a_django_session_belongs_to_one_identity(ory: Ory, kind: str) -> None:
    ada, bob = ory.person().browser_session(), ory.person().browser_session()
    client = Client()
    client.get("/remember?cart=ash&ask=1", headers={"Cookie": ada.cookie})
    sessionid = f"sessionid={client.cookies['sessionid'].value}"

    def recalled(*cookies: str) -> Any:
        async def steps() -> Any:
            socket = Socket(f"{kind}who", {**HERE, "Cookie": "; ".join(cookies)})
            await socket.connect()
            await socket.hears()
            cart = await socket.says("recall")
            await socket.disconnect()
            return cart

        return run(steps)

    assert recalled(sessionid) is None  # signed out
    assert recalled(sessionid, ada.cookie) == "ash"
    assert recalled(sessionid, bob.cookie) is None


@kinds
def test_data_stored_by_a_consumer_belongs_to_its_user(ory: Ory, kind: str) -> None:
    ada, bob = ory.person().browser_session(), ory.person().browser_session()
    client = Client()
    client.get("/remember?cart=nothing")  # before anybody signed in
    sessionid = client.cookies["sessionid"].value

    async def steps() -> None:
        socket = Socket(f"{kind}who", {**HERE, "Cookie": f"sessionid={sessionid}; {ada.cookie}"})
        await socket.connect()
        await socket.hears()
        await socket.says(["remember", "ash"])
        await socket.disconnect()

    run(steps)
    cookies = {"Cookie": f"sessionid={sessionid}; {ada.cookie}"}
    assert Client().get("/recall", headers=cookies).json()["cart"] == "ash"  # the browser still has this key
    cookies = {"Cookie": f"sessionid={sessionid}; {bob.cookie}"}
    assert Client().get("/recall", headers=cookies).json()["cart"] is None


# --- Ory's cookie -----------------------------------------------------------------------------------------------------


@pytest.fixture
def renewing(local_ory: LocalOry) -> str:
    """Ory renews the session cookie with whoami."""
    renewed = "ory_kratos_session=renewed"

    async def renew(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"set-cookie", f"{renewed}; Path=/; HttpOnly".encode())]
            await send(message)

        await app(scope, receive, add)

    local_ory.faults.append(Fault("/sessions/whoami", renew))
    return renewed


@kinds
def test_a_renewed_cookie_reaches_the_browser(ory: Ory, renewing: str, kind: str) -> None:
    session = ory.person().browser_session()

    async def steps() -> list[bytes]:
        socket = Socket(f"{kind}guarded", {**HERE, **session.headers})
        await socket.connect()
        await socket.disconnect()
        return [value for name, value in socket.accepted["headers"] if name == b"set-cookie"]

    [cookie] = run(steps)
    assert cookie.decode().startswith(renewing)


def test_a_disallowed_host_is_a_400_if_the_host_is_needed(ory: Ory, renewing: str, settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example"]
    session = ory.person().browser_session()
    headers = {"Host": "evil.example", "Origin": "https://app.example", **session.headers}
    status, _, body = respond("who", headers)
    assert (status, "ALLOWED_HOSTS" in body["detail"]) == (400, True)


# --- HTTP consumers ---------------------------------------------------------------------------------------------------


def poll(where: str, headers: dict[str, str], method: str = "GET") -> tuple[int, dict[str, str], Json]:
    async def steps() -> tuple[int, dict[str, str], Json]:
        client = _Client(application(), {"type": "http", "method": method, "path": f"/{where}"}, headers)
        await client.send_input({"type": "http.request", "body": b"", "more_body": False})
        start, body = await client.receive_output(5), await client.receive_output(5)
        await client.send_input({"type": "http.disconnect"})
        await client.wait(5)
        sent = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return start["status"], sent, json.loads(body["body"])

    return run(steps)


def test_an_http_consumer_sees_the_user_and_is_private(ory: Ory) -> None:
    session = ory.person().browser_session()
    status, headers, body = poll("poll", {**HOST, **session.headers})
    assert (status, body["session"]) == (200, session.id)
    assert (headers["cache-control"], "Cookie" in headers["vary"]) == ("private", True)


def test_an_http_consumer_refuses_with_a_status_code(ory: Ory) -> None:
    assert poll("guarded-poll", HOST)[0] == 401
    session = ory.person().browser_session()
    elsewhere = {**HOST, "Origin": "https://evil.example", **session.headers}
    assert poll("poll", elsewhere, "POST")[0] == 403
    assert poll("poll", {**HERE, **session.headers}, "POST")[0] == 200


def test_an_http_consumer_gets_503_while_ory_is_down(ory: Ory, local_ory: LocalOry) -> None:
    session = ory.person().browser_session()
    with local_ory.failing(500):
        status, headers, body = poll("poll", {**HOST, **session.headers})
    assert (status, headers["retry-after"], body["code"]) == (503, "5", "ory_unavailable")
