"""What Django's session holds belongs to one identity at Ory, also in views that never ask who the user is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from asgiref.sync import async_to_sync
from django.contrib import messages
from django.contrib.sessions.models import Session as DjangoSession
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from pytest_django import Settings

from ory_auth.decorators import ory_optional
from ory_auth.local import LocalOry
from ory_auth.types import OryHttpRequest
from tests.project import views
from tests.support.client import DualClient
from tests.support.cookies import delete_ory_cookie, set_cookie, sign_in
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, User
from tests.test_asked_from_inside import current

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

ROOT_PASSWORD = "Sleipnir-8-legs"


# --- a shop that asks nobody ------------------------------------------------------------------------------------------


def put(request: HttpRequest, thing: str) -> HttpResponse:
    request.session["cart"] = [*request.session.get("cart", ()), thing]
    return HttpResponse("stored")


async def aput(request: HttpRequest, thing: str) -> HttpResponse:
    await request.session.aset("cart", [*(await request.session.aget("cart", ())), thing])
    return HttpResponse("stored")


def cart(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"cart": request.session.get("cart")})


async def acart(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"cart": await request.session.aget("cart")})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def content() -> Iterator[str]:
        yield ",".join(request.session.get("cart") or ())

    return StreamingHttpResponse(content())


async def both(request: OryHttpRequest) -> HttpResponse:
    """Several coroutines of one request look at once."""
    *carts, _ = await asyncio.gather(*(request.session.aget("cart") for _ in range(3)), request.auser())
    return JsonResponse({"cart": next((cart for cart in carts if cart), None)})


def session_key(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"key": request.session.session_key})


def constant_stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter(["no cart in here"]))


def saving_stream(request: HttpRequest) -> StreamingHttpResponse:
    def content() -> Iterator[str]:
        request.session["cart"] = ["late shoe"]
        request.session.save()
        yield "stored"

    return StreamingHttpResponse(content())


async def asaving_stream(request: HttpRequest) -> StreamingHttpResponse:
    async def content() -> AsyncIterator[str]:
        await request.session.aset("cart", ["late shoe"])
        await request.session.asave()
        yield "stored"

    return StreamingHttpResponse(content())


def loaded(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"cart": request.session.load().get("cart")})


async def aloaded(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"cart": (await request.session.aload()).get("cart")})


def guest_key(request: HttpRequest) -> HttpResponse:
    """As shops do that store a cart under the key of the session."""
    if not request.session.session_key:
        request.session.save()
    return JsonResponse({"key": request.session.session_key})


def send_message(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Your shoe is ordered.")
    return HttpResponse("ordered")


def read_messages(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"messages": [str(message) for message in messages.get_messages(request)]})


@ory_optional
def greeting(request: OryHttpRequest) -> HttpResponse:
    return JsonResponse({"user": request.user.get_username(), "cart": request.session.get("cart")})


def mine(request: OryHttpRequest) -> HttpResponse:
    return JsonResponse({"user": request.user.get_username(), "cart": request.session.get("cart")})


urlpatterns = [
    path("put/<thing>", put),
    path("aput/<thing>", aput),
    path("cart", cart),
    path("acart", acart),
    path("stream", stream),
    path("constant-stream", constant_stream),
    path("saving-stream/wsgi", saving_stream),
    path("saving-stream/asgi", asaving_stream),
    path("loaded", loaded),
    path("aloaded", aloaded),
    path("guest-key", guest_key),
    path("send-message", send_message),
    path("read-messages", read_messages),
    path("both", both),
    path("key", session_key),
    path("greeting", greeting),
    path("mine", mine),
    path("silent", views.silent),
    path("django-login", views.django_login),
    path("auth/", include("ory_auth.urls")),
]

PUTS = pytest.mark.parametrize("put_path", ["/put/", "/aput/"])
CARTS = pytest.mark.parametrize("cart_path", ["/cart", "/acart", "/mine", "/both"])
ENGINES = ["db", "cache", "cached_db", "signed_cookies", "file"]


def seen_cart(web: DualClient, at: str = "/cart") -> list[str] | None:
    response = web.get(at)
    assert response.status_code == 200, response.content
    found: list[str] | None = response.json()["cart"]
    return found


def renew_cookie(session: Session) -> None:
    """Sign in again in the same session, as ``max_age`` asks for: Ory sends a new cookie for it."""
    before, person = session.cookie, session.person
    flow = session.get("/self-service/login/browser?refresh=true").json
    values = {"method": "password", "identifier": person.email, "password": person.password}
    assert session.submit("login", flow, values).status == 200
    assert session.cookie != before


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, settings: Settings, tmp_path: str) -> str:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{request.param}"
    settings.SESSION_FILE_PATH = tmp_path
    return str(request.param)


@pytest.fixture
def ada(ory: Ory) -> Session:
    return ory.person().browser_session()


@pytest.fixture
def bob(ory: Ory) -> Session:
    return ory.person().browser_session()


# --- another person on the same browser -------------------------------------------------------------------------------


@pytest.mark.promise("The next person on a browser does not see the Django session of the one before")
@PUTS
@CARTS
def test_the_next_person_does_not_see_it(
    web: DualClient, ada: Session, bob: Session, put_path: str, cart_path: str
) -> None:
    sign_in(web, ada)
    web.get(put_path + "shoe")
    assert seen_cart(web, cart_path) == ["shoe"]
    sign_in(web, bob)
    assert seen_cart(web, cart_path) is None


@PUTS
@CARTS
def test_the_one_before_does_not_see_what_the_next_person_stores(
    web: DualClient, ada: Session, bob: Session, put_path: str, cart_path: str
) -> None:
    sign_in(web, ada)
    web.get(put_path + "shoe")
    sign_in(web, bob)
    web.get(put_path + "secret")
    assert seen_cart(web, cart_path) == ["secret"]
    sign_in(web, ada)
    assert seen_cart(web, cart_path) is None


def test_it_holds_for_every_session_engine(web: DualClient, ada: Session, bob: Session, engine: str) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    assert seen_cart(web) == ["shoe"]
    sign_in(web, bob)
    assert seen_cart(web) is None


def test_it_holds_if_the_session_was_loaded_before_ory_middleware(
    web: DualClient, ada: Session, bob: Session, settings: Settings
) -> None:
    settings.CSRF_USE_SESSIONS = True
    sign_in(web, ada)
    web.get("/put/shoe")
    assert seen_cart(web) == ["shoe"]
    sign_in(web, bob)
    assert seen_cart(web) is None


def test_it_holds_if_django_saves_every_session(
    web: DualClient, ada: Session, bob: Session, settings: Settings
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    sign_in(web, ada)
    web.get("/put/shoe")
    sign_in(web, bob)
    web.get("/silent")
    assert seen_cart(web) is None


def test_the_next_person_does_not_get_the_session_key(web: DualClient, ada: Session, bob: Session) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    key = web.cookies["sessionid"].value
    assert web.get("/key").json()["key"] == key
    if web.kind == "wsgi":
        sign_in(web, bob)
        assert web.get("/key").json()["key"] != key


def test_a_stream_that_reads_the_session_late_does_not_see_it(ada: Session, bob: Session) -> None:
    web = DualClient("wsgi")
    sign_in(web, ada)
    web.get("/put/shoe")
    assert b"".join(web.get("/stream")) == b"shoe"
    sign_in(web, bob)
    assert b"".join(web.get("/stream")) == b""


@PUTS
def test_the_first_identity_owns_an_anonymous_cart_from_the_first_change(
    ory: Ory, web: DualClient, ada: Session, bob: Session, put_path: str
) -> None:
    web.get(put_path + "pear")
    sign_in(web, ada)
    web.get(put_path + "shoe")
    assert seen_cart(web) == ["pear", "shoe"]
    sign_in(web, bob)
    assert seen_cart(web) is None


@CARTS
def test_data_of_a_local_user_does_not_reach_the_next_person(web: DualClient, ada: Session, cart_path: str) -> None:
    web.client.force_login(User.objects.create_superuser("root"))
    web.get("/put/shoe")
    sign_in(web, ada)
    assert seen_cart(web, cart_path) is None
    delete_ory_cookie(web)
    assert web.get("/mine").json()["user"] == ""


# --- the same person --------------------------------------------------------------------------------------------------


@PUTS
@CARTS
def test_a_renewed_cookie_changes_nothing(web: DualClient, ada: Session, put_path: str, cart_path: str) -> None:
    sign_in(web, ada)
    web.get(put_path + "shoe")
    renew_cookie(ada)
    sign_in(web, ada)
    assert seen_cart(web, cart_path) == ["shoe"]
    assert seen_cart(web, "/mine") == ["shoe"]


def test_a_second_factor_changes_nothing(web: DualClient, ada: Session) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    ada.set_up_totp()
    sign_in(web, ada)
    assert seen_cart(web) == ["shoe"]


@PUTS
def test_another_session_of_the_same_person_changes_nothing(ory: Ory, web: DualClient, put_path: str) -> None:
    person = ory.person()
    sign_in(web, person.browser_session())
    web.get(put_path + "shoe")
    sign_in(web, person.browser_session())
    assert seen_cart(web) == ["shoe"]


@pytest.mark.usefixtures("local_ory")
@PUTS
@CARTS
def test_ory_is_asked_once_about_each_credential(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, ada: Session, put_path: str, cart_path: str
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    sign_in(web, ada)
    web.get(put_path + "shoe")
    assert len(ory.requests_to()) == 1
    web.get(put_path + "hat")
    web.get("/cart")
    assert len(ory.requests_to()) == 1
    renew_cookie(ada)
    sign_in(web, ada)
    web.get(cart_path)
    asked = len(ory.requests_to())
    web.get("/acart")
    web.get("/cart")
    web.get(put_path + "coat")
    assert len(ory.requests_to()) == asked


def test_a_view_that_does_not_use_the_session_costs_nothing(web: DualClient, ada: Session, bob: Session) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    sign_in(web, bob)
    with CaptureQueriesContext(connection) as queries:
        response = web.get("/silent")
    assert (len(queries), "Vary" in response.headers) == (0, False)


@pytest.mark.usefixtures("local_ory")
def test_an_anonymous_visitor_causes_no_call_to_ory(ory: Ory, web: DualClient) -> None:
    web.get("/put/shoe")
    assert seen_cart(web) == ["shoe"]
    assert ory.requests_to() == []


# --- nobody is signed in ----------------------------------------------------------------------------------------------


@pytest.mark.promise("Without the owner's credential, the data of a Django session is hidden")
@CARTS
def test_after_a_sign_out_at_ory_a_visitor_sees_nothing(web: DualClient, ada: Session, cart_path: str) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    delete_ory_cookie(web)
    assert seen_cart(web, cart_path) is None


@CARTS
def test_after_the_session_has_ended_at_ory_a_visitor_sees_nothing(
    web: DualClient, ada: Session, cart_path: str
) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    other = ada.person.browser_session()
    other.revoke()
    sign_in(web, other)
    assert seen_cart(web, cart_path) is None


@CARTS
@pytest.mark.parametrize("credential", ["", "dead", "x" * 9000], ids=["none", "dead", "malformed"])
def test_a_new_sign_in_finds_the_session_again(
    web: DualClient, ada: Session, engine: str, cart_path: str, credential: str
) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    delete_ory_cookie(web)
    if credential:
        set_cookie(web, "ory_kratos_session", credential)
    assert seen_cart(web, cart_path) is None
    sign_in(web, ada)
    assert seen_cart(web, cart_path) == ["shoe"]


def test_data_that_a_visitor_stores_meanwhile_goes_into_a_new_session(
    web: DualClient, ada: Session, bob: Session
) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    key = web.cookies["sessionid"].value
    delete_ory_cookie(web)
    web.get("/put/pear")
    assert seen_cart(web) == ["pear"]
    assert web.cookies["sessionid"].value != key
    sign_in(web, bob)
    assert seen_cart(web, "/mine") == ["pear"]


def test_the_response_varies_on_the_credential(web: DualClient, ada: Session) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    response = web.get("/cart")
    assert "X-Session-Token" in response["Vary"]
    assert "private" in response["Cache-Control"]


# --- Ory does not answer ----------------------------------------------------------------------------------------------


@CARTS
def test_the_next_person_gets_503_while_ory_is_down(
    local_ory: LocalOry, web: DualClient, ada: Session, bob: Session, cart_path: str
) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    sign_in(web, bob)
    with local_ory.failing(500):
        response = web.get(cart_path)
        assert (response.status_code, b"shoe" in response.content) == (503, False)
    sign_in(web, ada)
    assert seen_cart(web, cart_path) == ["shoe"]


@pytest.mark.parametrize("cart_path", ["/cart", "/acart"])
def test_the_same_credential_is_served_while_ory_is_down(
    ory_auth: ChangeSettings, local_ory: LocalOry, web: DualClient, ada: Session, cart_path: str
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    sign_in(web, ada)
    web.get("/put/shoe")
    with local_ory.failing(500):
        assert seen_cart(web, cart_path) == ["shoe"]


@PUTS
def test_data_stored_while_ory_is_down_belongs_to_the_credential(
    local_ory: LocalOry, web: DualClient, ada: Session, bob: Session, put_path: str
) -> None:
    sign_in(web, ada)
    with local_ory.failing(500):
        assert web.get(put_path + "shoe").status_code == 200
        assert seen_cart(web) == ["shoe"]
    assert seen_cart(web, "/mine") == ["shoe"]
    renew_cookie(ada)
    sign_in(web, ada)
    assert seen_cart(web) == ["shoe"]
    sign_in(web, bob)
    assert seen_cart(web) is None


def test_an_optional_page_shows_no_cart_while_ory_is_down(
    local_ory: LocalOry, web: DualClient, ada: Session, bob: Session
) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    sign_in(web, bob)
    with local_ory.failing(500):
        assert web.get("/greeting").json() == {"user": "", "cart": None}
    sign_in(web, ada)
    assert seen_cart(web) == ["shoe"]


# --- somebody looks from inside the lookup ----------------------------------------------------------------------------


class ReadsTheCart(logging.Handler):
    """As a logging package that adds what the session holds to every line."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []

    def emit(self, record: logging.LogRecord) -> None:
        request = current.get()
        if request is not None:  # not in a thread that calls Ory for coroutines
            self.seen.append(request.session.get("cart"))


@pytest.fixture
def reads_the_cart(settings: Settings) -> Iterator[ReadsTheCart]:
    settings.MIDDLEWARE = ["tests.test_asked_from_inside.remember", *settings.MIDDLEWARE]
    handler, logger = ReadsTheCart(), logging.getLogger("ory_auth")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize("cart_path", ["/cart", "/mine"])
def test_a_log_handler_that_reads_the_session_sees_no_data_of_others(
    ory: Ory, web: DualClient, ada: Session, bob: Session, reads_the_cart: ReadsTheCart, cart_path: str
) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    reads_the_cart.seen.clear()
    bob.revoke()
    sign_in(web, bob)
    assert seen_cart(web, cart_path) is None
    assert reads_the_cart.seen
    assert [cart for cart in reads_the_cart.seen if cart] == []
    sign_in(web, ada)
    assert seen_cart(web, cart_path) == ["shoe"]


# --- SECRET_KEY rotates -----------------------------------------------------------------------------------------------


def rotate_secret_key(settings: Settings) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    settings.SECRET_KEY = f"another {settings.SECRET_KEY}"


def test_a_cart_that_belongs_to_a_credential_survives_a_new_secret_key(
    local_ory: LocalOry, web: DualClient, ada: Session, settings: Settings
) -> None:
    sign_in(web, ada)
    with local_ory.failing(500):
        web.get("/put/shoe")
    rotate_secret_key(settings)
    assert seen_cart(web) == ["shoe"]
    assert seen_cart(web, "/mine") == ["shoe"]


@pytest.mark.usefixtures("local_ory")
def test_a_credential_is_known_after_a_new_secret_key_without_asking_ory(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, ada: Session, settings: Settings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    sign_in(web, ada)
    web.get("/put/shoe")
    rotate_secret_key(settings)
    before = len(ory.requests_to())
    assert seen_cart(web) == ["shoe"]
    assert len(ory.requests_to()) == before


def test_data_of_the_next_person_is_not_stored_under_the_earlier_key(
    web: DualClient, ada: Session, bob: Session
) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    key = web.cookies["sessionid"].value
    sign_in(web, bob)
    web.get("/put/secret")
    assert not DjangoSession.objects.filter(session_key=key).exists()


# --- SESSION_SAVE_EVERY_REQUEST ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cart_path", ["/cart", "/acart", "/mine"])
@pytest.mark.parametrize("credential", ["", "dead"], ids=["none", "dead"])
def test_a_new_sign_in_finds_the_session_again_if_django_saves_every_session(
    web: DualClient, ada: Session, settings: Settings, engine: str, cart_path: str, credential: str
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    sign_in(web, ada)
    web.get("/put/shoe")
    delete_ory_cookie(web)
    if credential:
        set_cookie(web, "ory_kratos_session", credential)
    for _ in range(2):
        assert seen_cart(web, cart_path) is None
    sign_in(web, ada)
    assert seen_cart(web, cart_path) == ["shoe"]


def test_a_visitor_gets_a_new_session_if_django_saves_every_session(
    web: DualClient, ada: Session, settings: Settings, engine: str
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    sign_in(web, ada)
    web.get("/put/shoe")
    delete_ory_cookie(web)
    web.get("/put/pear")
    assert seen_cart(web) == ["pear"]


def test_a_visitor_who_saves_an_empty_session_gets_a_new_key(web: DualClient, ada: Session, settings: Settings) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    sign_in(web, ada)
    web.get("/put/shoe")
    key = web.cookies["sessionid"].value
    delete_ory_cookie(web)
    guest = web.get("/guest-key").json()["key"]
    assert guest != key
    assert web.cookies["sessionid"].value == guest


@pytest.mark.parametrize("status", [200, 500], ids=["Ory is up", "Ory is down"])
def test_a_stream_that_does_not_use_the_session_causes_no_lookup_if_django_saves_every_session(
    ory: Ory,
    local_ory: LocalOry,
    web: DualClient,
    ada: Session,
    bob: Session,
    settings: Settings,
    engine: str,
    status: int,
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    sign_in(web, ada)
    web.get("/put/shoe")
    sign_in(web, bob)
    before = len(ory.requests_to())
    if status == 500:
        with local_ory.failing(500):
            assert web.get("/constant-stream").status_code == 200
    else:
        assert web.get("/constant-stream").status_code == 200
    assert len(ory.requests_to()) == before
    sign_in(web, ada)
    assert seen_cart(web) == ["shoe"]


def test_a_stream_is_still_checked_if_django_saves_every_session(
    ada: Session, bob: Session, settings: Settings
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    web = DualClient("wsgi")
    sign_in(web, ada)
    web.get("/put/shoe")
    delete_ory_cookie(web)
    assert b"".join(web.get("/stream")) == b""
    sign_in(web, ada)
    assert b"".join(web.get("/stream")) == b"shoe"
    sign_in(web, bob)
    assert b"".join(web.get("/stream")) == b""


# --- what is saved has an owner ---------------------------------------------------------------------------------------


@pytest.fixture
def messages_come_first(settings: Settings) -> None:
    own, theirs = "ory_auth.middleware.OryMiddleware", "django.contrib.messages.middleware.MessageMiddleware"
    others = [name for name in settings.MIDDLEWARE if name not in (own, theirs)]
    settings.MIDDLEWARE = [*others, theirs, own]
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"


@pytest.mark.usefixtures("messages_come_first")
@pytest.mark.parametrize("visited", [False, True], ids=["no session yet", "an anonymous session"])
def test_a_message_reaches_its_owner_even_if_middleware_writes_it_after_ours(
    web: DualClient, ada: Session, bob: Session, engine: str, visited: bool
) -> None:
    for reader, expected in ((ada, ["Your shoe is ordered."]), (bob, []), (None, [])):
        web.cookies.clear()
        if visited:
            web.get("/put/pear")
        sign_in(web, ada)
        assert web.get("/send-message").status_code == 200
        delete_ory_cookie(web)
        if reader:
            sign_in(web, reader)
        assert web.get("/read-messages").json()["messages"] == expected


@pytest.mark.usefixtures("messages_come_first")
def test_a_message_has_an_owner_while_ory_is_down(
    local_ory: LocalOry, web: DualClient, ada: Session, bob: Session
) -> None:
    sign_in(web, ada)
    with local_ory.failing(500):
        assert web.get("/send-message").status_code == 200
    sign_in(web, bob)
    assert web.get("/read-messages").json()["messages"] == []


@pytest.mark.usefixtures("messages_come_first")
@pytest.mark.parametrize("signed_in", [False, True], ids=["nobody", "bob"])
def test_a_message_for_the_next_person_does_not_go_into_the_earlier_session(
    web: DualClient, ada: Session, bob: Session, engine: str, signed_in: bool
) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    before = web.cookies["sessionid"].value
    delete_ory_cookie(web)
    if signed_in:
        sign_in(web, bob)
    assert web.get("/send-message").status_code == 200
    assert web.get("/read-messages").json()["messages"] == ["Your shoe is ordered."]
    set_cookie(web, "sessionid", before)
    sign_in(web, ada)
    assert web.get("/read-messages").json()["messages"] == []


@pytest.mark.usefixtures("messages_come_first")
def test_a_message_does_not_go_into_the_earlier_session_while_ory_is_down(
    local_ory: LocalOry, web: DualClient, ada: Session, bob: Session, engine: str
) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    before = web.cookies["sessionid"].value
    sign_in(web, bob)
    with local_ory.failing(500):
        assert web.get("/send-message").status_code == 200
    set_cookie(web, "sessionid", before)
    sign_in(web, ada)
    assert web.get("/read-messages").json()["messages"] == []
    assert seen_cart(web) == ["shoe"]


def read_stream(web: DualClient, at: str) -> bytes:
    async def read() -> bytes:
        response = await web.client.get(at)  # type: ignore[misc]
        return b"".join([part async for part in response])

    return b"".join(web.get(at)) if web.kind == "wsgi" else async_to_sync(read)()


@pytest.mark.promise("Data that a request stores belongs to its person")
@pytest.mark.parametrize("kind_of_engine", ["db", "cache", "cached_db", "file"])
def test_data_that_a_stream_saves_belongs_to_its_user(
    web: DualClient, ada: Session, bob: Session, settings: Settings, tmp_path: str, kind_of_engine: str
) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{kind_of_engine}"
    settings.SESSION_FILE_PATH = tmp_path
    web.get("/put/pear")
    sign_in(web, ada)
    assert read_stream(web, f"/saving-stream/{web.kind}") == b"stored"
    assert seen_cart(web) == ["late shoe"]
    sign_in(web, bob)
    assert seen_cart(web) is None


@pytest.mark.parametrize("cart_path", ["/loaded", "/aloaded"])
def test_load_is_checked(web: DualClient, ada: Session, bob: Session, engine: str, cart_path: str) -> None:
    sign_in(web, ada)
    web.get("/put/shoe")
    assert seen_cart(web, cart_path) == ["shoe"]
    sign_in(web, bob)
    assert seen_cart(web, cart_path) is None
    delete_ory_cookie(web)
    assert seen_cart(web, cart_path) is None
