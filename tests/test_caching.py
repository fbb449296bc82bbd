"""What is kept of Ory's answers and for how long, and what nobody else may keep."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.db import DatabaseCache
from django.core.management import call_command
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import path
from django.views.decorators.cache import cache_page
from pytest_django import Settings

from ory_auth.local import LocalOry
from tests.support.caches import cache_contents
from tests.support.client import DualClient
from tests.support.ory import WHOAMI, Ory, Session
from tests.support.types import ChangeSettings, Fault, Response, Wait

from .project import urls as project

UPDATE, FETCH = (f"django.middleware.cache.{name}CacheMiddleware" for name in ("Update", "FetchFrom"))
LOOKED_AT = {"X-Session-Token", "Cookie", "Authorization"}

pytestmark = pytest.mark.urls(__name__)


def page(request: HttpRequest) -> HttpResponse:
    """Another text each time, so that a copy can be told."""
    return HttpResponse(f"{request.user} {uuid.uuid4()}")


def page_in_public(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.user}", headers={"Cache-Control": "public, max-age=60"})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"a", b"b"]))


async def astream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"a"

    return StreamingHttpResponse(parts())


urlpatterns = [
    path("page", page),
    path("kept-page", cache_page(60)(page)),
    path("page-in-public", page_in_public),
    path("a-stream", stream),
    path("an-async-stream", astream),
    *project.urlpatterns,
]


@pytest.fixture
def later(local_ory: LocalOry, monkeypatch: pytest.MonkeyPatch) -> Wait:
    """Let seconds pass, here and at Ory."""

    def wait(seconds: float) -> None:
        clock = time.time
        monkeypatch.setattr(time, "time", lambda: clock() + seconds)
        local_ory.clock.move(seconds)

    return wait


Seen = Callable[[Session], str | None]


@pytest.fixture
def seen(web: DualClient) -> Seen:
    """The session that the project sees."""
    return lambda session: web.session_id(session.headers)


def entries(tier: str = "s") -> list[str]:
    """The keys of what is kept."""
    keys = (key.partition(":1:")[2] for key in cache_contents())
    return [key for key in keys if key.startswith(f"ory_auth:{tier}:")]


# --- how long


def assert_kept(ory: Ory, seen: Seen, later: Wait, session: Session, seconds: float) -> None:
    """Ory is asked once until then, and again after it."""
    assert seen(session) == session.id
    later(seconds - 1)
    assert seen(session) == session.id
    assert len(ory.requests_to()) == 1
    later(1.1)
    assert seen(session) == session.id
    assert len(ory.requests_to()) == 2


@pytest.mark.promise("A session is cached for at most a minute by default")
@pytest.mark.parametrize(("allowed", "kept"), [(10, 10), (60, 60), (3600, 60), (None, 60)])
def test_a_session_is_cached_as_long_as_ory_allows_and_at_most_a_minute(
    ory: Ory, local_ory: LocalOry, seen: Seen, later: Wait, allowed: int | None, kept: int
) -> None:
    local_ory.configure(cacheable_sessions_max_age=allowed)
    session = ory.person().app_session()
    assert_kept(ory, seen, later, session, kept)


def test_nothing_is_cached_if_ory_does_not_allow_it(ory: Ory, local_ory: LocalOry, seen: Seen) -> None:
    local_ory.configure(cacheable_sessions=False)
    session = ory.person().app_session()
    assert seen(session) == seen(session) == session.id
    assert len(ory.requests_to()) == 2
    assert not entries()


@pytest.mark.parametrize("allowed", ["0", "", "-60", "60.5", "\xb3", "60, 60", "soon"])
def test_an_invalid_cache_header_allows_no_caching(ory: Ory, local_ory: LocalOry, seen: Seen, allowed: str) -> None:
    session = ory.person().app_session()
    body = json.dumps(session.whoami()).encode()
    with local_ory.failing(200, {"Ory-Session-Cache-For": allowed}, body, WHOAMI):
        assert seen(session) == session.id
    assert not entries()


@pytest.mark.parametrize("allowed", [True, False])
def test_a_number_in_the_settings_overrides_ory(
    ory: Ory, local_ory: LocalOry, seen: Seen, later: Wait, ory_auth: ChangeSettings, allowed: bool
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=300)
    local_ory.configure(cacheable_sessions=allowed)
    session = ory.person().app_session()
    assert_kept(ory, seen, later, session, 300)


@pytest.mark.usefixtures("local_ory")
@pytest.mark.django_db(transaction=True)
def test_a_database_cache_does_not_wait_for_the_requests_transaction(
    ory: Ory, settings: Settings, ory_auth: ChangeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a sign-out elsewhere would not see it, and it would be there after that."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "kept"}}
    call_command("createcachetable", verbosity=0)
    ory_auth(SESSION_CACHE_SECONDS=60)
    in_transaction: list[bool] = []
    add = DatabaseCache.add

    def noted(cache: DatabaseCache, *given: Any, **named: Any) -> bool:
        in_transaction.append(connection.in_atomic_block)
        return add(cache, *given, **named)

    monkeypatch.setattr(DatabaseCache, "add", noted)
    with transaction.atomic():
        Client().get("/session", headers=ory.person().app_session().headers)
    assert in_transaction
    assert not any(in_transaction)
    connection.cursor().execute("DROP TABLE kept")


@pytest.mark.usefixtures("local_ory")
def test_nothing_is_cached_for_zero_seconds(ory: Ory, seen: Seen, ory_auth: ChangeSettings) -> None:
    session = ory.person().app_session()
    seen(session)
    ory_auth(SESSION_CACHE_SECONDS=0)
    assert seen(session) == seen(session) == session.id
    assert len(ory.requests_to()) == 3


@pytest.mark.parametrize("ahead", [-300, 0, 300])
def test_a_session_counts_until_it_ends_by_orys_clock(
    ory: Ory, local_ory: LocalOry, seen: Seen, later: Wait, ory_auth: ChangeSettings, ahead: int
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=3600)
    local_ory.clock.move(ahead)
    local_ory.configure(session_lifespan=100)
    session = ory.person().app_session()
    assert seen(session) == session.id
    later(95)
    assert seen(session) == session.id
    assert len(ory.requests_to()) == 1
    [key] = entries()
    later(5)
    assert caches["default"].get(key) is None
    assert seen(session) is None


@pytest.mark.promise("A cached session ends when it expires")
@pytest.mark.parametrize("ahead", [-300, 0, 300])
def test_a_cached_session_ends_in_time_even_if_the_cache_keeps_the_entry(
    ory: Ory, web: DualClient, local_ory: LocalOry, later: Wait, ory_auth: ChangeSettings, ahead: int
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=3600)
    local_ory.clock.move(ahead)
    local_ory.configure(session_lifespan=100)
    session = ory.person().app_session()
    web.get("/session", headers=session.headers)
    [key] = entries()
    caches["default"].touch(key, None)
    with local_ory.failing(500):
        later(95)
        assert web.session_id(session.headers) == session.id
        later(5)
        assert web.get("/session", headers=session.headers).status_code == 503


# --- whose, and what


@pytest.mark.usefixtures("local_ory")
def test_each_header_of_a_token_has_its_own_entry(ory: Ory, web: DualClient) -> None:
    session = ory.person().app_session()
    by_header = [session.headers, session.bearer]
    for headers in by_header:
        web.get("/session", headers=headers)
    assert len(entries()) == 2
    asked = len(ory.requests_to())
    assert [web.session_id(headers) for headers in by_header] == [session.id] * 2
    assert len(ory.requests_to()) == asked


@pytest.mark.usefixtures("local_ory")
def test_each_ory_has_its_own_entries(ory: Ory, seen: Seen, ory_auth: ChangeSettings) -> None:
    session = ory.person().app_session()
    seen(session)
    ory_auth(SDK_URL=ory.public_url.replace("127.0.0.1", "localhost"))
    seen(session)
    assert len(ory.requests_to()) == len(entries()) == 2


@pytest.mark.usefixtures("local_ory")
def test_other_bytes_of_a_cookie_are_another_entry(ory: Ory, web: DualClient) -> None:
    cookie = ory.person().browser_session().cookie
    for sent in (cookie, f"{cookie}; {cookie}"):
        assert web.session_id({"Cookie": sent})
    assert len(entries()) == 2


@pytest.mark.usefixtures("local_ory")
def test_other_cookies_do_not_change_the_entry(ory: Ory, web: DualClient) -> None:
    cookie = ory.person().browser_session().cookie
    for sent in (cookie, f"theme=dark; {cookie}; csrftoken=x"):
        web.get("/session", headers={"Cookie": sent})
    assert len(ory.requests_to()) == 1


@pytest.mark.usefixtures("local_ory")
def test_a_new_secret_key_invalidates_all_entries(ory: Ory, seen: Seen, settings: Settings) -> None:
    session = ory.person().app_session()
    seen(session)
    settings.SECRET_KEY = "another one"
    assert seen(session) == session.id
    assert len(entries()) == 2


@pytest.mark.promise("A cache entry under another key is a miss")
@pytest.mark.promise("A cache entry that this package did not write is a miss")
@pytest.mark.usefixtures("local_ory")
def test_an_entry_under_another_key_is_a_miss(ory: Ory, seen: Seen, caplog: pytest.LogCaptureFixture) -> None:
    ada, bob = ory.person().app_session(), ory.person().app_session()
    seen(ada), seen(bob)
    one, other = entries()
    cache = caches["default"]
    swapped = {one: cache.get(other), other: cache.get(one)}
    cache.set_many(swapped)
    assert (seen(ada), seen(bob)) == (ada.id, bob.id)
    assert len(ory.requests_to()) == 4
    assert "cache_invalid" in caplog.text


@pytest.mark.promise("A cache entry that this package did not write is a miss")
@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda packed: b"",
        lambda packed: b"x" * 10,
        lambda packed: packed[:-1],
        lambda packed: packed[:40],
        lambda packed: packed + b" ",
        lambda packed: packed[:16] + bytes(8) + packed[24:],
        lambda packed: packed.replace(b"aal1", b"aal2"),
        lambda packed: packed.decode("latin-1"),
        lambda packed: {"session": "x"},
        lambda packed: 1,
        lambda packed: False,
    ],
    ids=["empty", "short", "cut", "head", "longer", "clock", "aal", "text", "dict", "number", "false"],
)
def test_a_modified_entry_is_a_miss(
    ory: Ory, seen: Seen, caplog: pytest.LogCaptureFixture, spoil: Callable[[bytes], object]
) -> None:
    session = ory.person().app_session()
    seen(session)
    [key] = entries()
    caches["default"].set(key, spoil(caches["default"].get(key)))
    assert seen(session) == session.id
    assert len(ory.requests_to()) == 2
    assert "cache_invalid" in caplog.text


@pytest.mark.parametrize(
    "response", [(401, b"{}"), (403, b'{"error":{"id":"session_aal2_required"}}'), (500, b""), (200, b"{}")]
)
def test_only_valid_sessions_are_cached(
    ory: Ory, web: DualClient, local_ory: LocalOry, seen: Seen, ory_auth: ChangeSettings, response: tuple[int, bytes]
) -> None:
    ory_auth(REFUSED_CACHE_SECONDS=0)
    session = ory.person().app_session()
    status, body = response
    with local_ory.failing(status, {"Ory-Session-Cache-For": "60"}, body, WHOAMI):
        web.get("/session", headers=session.headers)
    assert not entries()
    assert seen(session) == session.id


@pytest.mark.django_db
def test_a_failure_does_not_replace_a_valid_entry(ory: Ory, web: DualClient, local_ory: LocalOry, seen: Seen) -> None:
    session = ory.person().app_session()
    seen(session)
    with local_ory.failing(500, path=WHOAMI):
        assert web.get("/fresh", headers=session.headers).status_code == 503
        assert seen(session) == session.id


# --- asking past the cache


@pytest.mark.usefixtures("local_ory")
@pytest.mark.django_db
def test_a_fresh_view_always_asks_ory_past_the_edge_cache(ory: Ory, web: DualClient) -> None:
    session = ory.person().app_session()
    for _ in range(2):
        assert web.get("/fresh", headers=session.headers).status_code == 200
    assert [dict(request.headers)["cache-control"] for request in ory.requests_to()] == ["max-age=0"] * 2


@pytest.mark.usefixtures("local_ory")
def test_other_views_use_the_edge_cache(ory: Ory, seen: Seen) -> None:
    seen(ory.person().app_session())
    assert "cache-control" not in dict(ory.requests_to()[0].headers)


@pytest.mark.promise("A view with fresh=True does not use the cache")
@pytest.mark.django_db
def test_a_fresh_view_refuses_a_revoked_session_at_once(ory: Ory, web: DualClient, seen: Seen) -> None:
    session = ory.person().app_session()
    assert seen(session) == session.id
    session.revoke()
    assert web.get("/fresh", headers=session.headers).status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/aal2", "/aaal2", "/api/aal2"])
def test_a_second_factor_counts_at_once(ory: Ory, web: DualClient, seen: Seen, path: str) -> None:
    session = ory.person().browser_session()
    headers = {**session.headers, "Accept": "application/json"}
    assert seen(session) == session.id
    assert web.get(path, headers=headers).status_code == 403
    session.set_up_totp()
    assert web.get(path, headers=headers).status_code == 200


# --- while Ory is down


@pytest.mark.parametrize("fault", [lambda ory: ory.failing(500), lambda ory: ory.stopped()], ids=["500", "refused"])
def test_fresh_entries_count_while_ory_is_down(ory: Ory, local_ory: LocalOry, seen: Seen, fault: Fault) -> None:
    session = ory.person().app_session()
    seen(session)
    with fault(local_ory):
        assert seen(session) == session.id


FAULTS: dict[str, tuple[float, ...]] = {"failing": (500,), "stopped": (), "slow": (2,)}


@pytest.mark.usefixtures("local_ory")
class TestStaleIfError:
    @pytest.fixture(autouse=True)
    def allowed(self, ory: Ory, ory_auth: ChangeSettings) -> None:
        ory_auth(STALE_IF_ERROR_SECONDS=120)

    @pytest.mark.parametrize(("seconds", "status"), [(61, 200), (179, 200), (181, 503)])
    def test_a_stale_session_counts_for_the_configured_time(
        self, ory: Ory, web: DualClient, local_ory: LocalOry, later: Wait, seconds: int, status: int
    ) -> None:
        session = ory.person().app_session()
        web.get("/session", headers=session.headers)
        later(seconds)
        with local_ory.failing(500):
            assert web.get("/session", headers=session.headers).status_code == status

    @pytest.mark.parametrize("fault", FAULTS)
    def test_a_stale_session_counts_in_every_kind_of_outage(
        self, ory: Ory, web: DualClient, local_ory: LocalOry, later: Wait, ory_auth: ChangeSettings, fault: str
    ) -> None:
        ory_auth(TIMEOUT=0.5)
        session = ory.person().app_session()
        web.get("/session", headers=session.headers)
        later(61)
        with getattr(local_ory, fault)(*FAULTS[fault]):
            assert web.get("/session", headers=session.headers).status_code == 200

    def test_a_session_does_not_count_beyond_its_end(
        self, ory: Ory, web: DualClient, local_ory: LocalOry, later: Wait
    ) -> None:
        local_ory.configure(session_lifespan=70)
        session = ory.person().app_session()
        web.get("/session", headers=session.headers)
        later(71)
        with local_ory.failing(500):
            assert web.get("/session", headers=session.headers).status_code == 503

    def test_a_refused_session_is_not_used_as_stale(self, ory: Ory, seen: Seen, later: Wait) -> None:
        session = ory.person().app_session()
        seen(session)
        session.revoke()
        later(61)
        assert seen(session) is None

    @pytest.mark.django_db
    @pytest.mark.parametrize("path", ["/aal2", "/aaal2", "/fresh", "/api/aal2", "/recent"])
    def test_a_stale_session_does_not_satisfy(
        self, ory: Ory, web: DualClient, local_ory: LocalOry, later: Wait, path: str
    ) -> None:
        session = local_ory.create_session(ory.person().id, aal="aal2")
        headers = {"X-Session-Token": session.token}
        assert web.get(path, headers=headers).status_code == 200
        later(61)
        with local_ory.failing(500):
            assert web.get("/who", headers=headers).status_code == 200
            assert web.get(path, headers=headers).status_code == 503

    def test_nothing_is_stale_without_the_setting(
        self, ory: Ory, web: DualClient, local_ory: LocalOry, later: Wait, ory_auth: ChangeSettings
    ) -> None:
        session = ory.person().app_session()
        web.get("/session", headers=session.headers)
        ory_auth(STALE_IF_ERROR_SECONDS=0)
        later(61)
        with local_ory.failing(500):
            assert web.get("/session", headers=session.headers).status_code == 503


# --- a cache that is down


class BrokenCache(BaseCache):
    """Every call fails, as with Redis away."""

    def __init__(self, *_: object) -> None:
        super().__init__({})

    def _fail(self, *_: Any, **__: Any) -> Any:
        raise ConnectionError("no cache here")

    add = get = set = touch = delete = get_many = set_many = delete_many = _fail

    def clear(self) -> None:
        pass


@pytest.fixture
def broken_cache(settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.BrokenCache"}}


@pytest.mark.promise("A cache that fails signs nobody out")
@pytest.mark.parametrize("path", ["/session", "/asession"])
def test_without_the_cache_ory_is_asked(
    ory: Ory, web: DualClient, broken_cache: None, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    session = ory.person().app_session()
    for _ in range(2):
        assert web.get(path, headers=session.headers).json()["session"] == session.id
    assert "cache_down error=ConnectionError" in caplog.text


@pytest.mark.django_db
def test_without_the_cache_a_sign_out_still_ends_the_session_at_ory(
    ory: Ory, web: DualClient, broken_cache: None, seen: Seen
) -> None:
    session = ory.person().app_session()
    assert web.post("/auth/logout", headers=session.headers).status_code == 204
    assert seen(session) is None


def test_without_the_cache_an_outage_is_503(ory: Ory, web: DualClient, local_ory: LocalOry, broken_cache: None) -> None:
    session = ory.person().app_session()
    with local_ory.failing(500):
        assert web.get("/session", headers=session.headers).status_code == 503


# --- what others may keep: browsers, CDNs, Django's own page caches


def vary(response: Response) -> set[str]:
    return {name.strip() for name in response.get("Vary", "").split(",") if name.strip()}


@pytest.mark.promise("A response that depends on the user names the headers it depends on")
@pytest.mark.promise("A response that depends on the user is private")
@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/who", "/awho", "/session", "/template", "/page-in-public"])
def test_a_page_for_a_user_is_private(ory: Ory, web: DualClient, path: str) -> None:
    response = web.get(path, headers=ory.person().app_session().headers)
    assert vary(response) >= LOOKED_AT
    assert "private" in response["Cache-Control"]
    assert "public" not in response["Cache-Control"]


@pytest.mark.promise("A response that depends on the user names the headers it depends on")
@pytest.mark.parametrize("path", ["/who", "/awho", "/session", "/template"])
def test_an_anonymous_page_is_not_private_and_says_what_it_depends_on(ory: Ory, web: DualClient, path: str) -> None:
    response = web.get(path)
    assert vary(response) >= LOOKED_AT
    assert "Cache-Control" not in response


def test_a_page_for_an_invalid_credential_is_private(ory: Ory, web: DualClient) -> None:
    response = web.get("/session", headers={"Cookie": "ory_kratos_session=gone"})
    assert "private" in response["Cache-Control"]


def test_a_page_that_does_not_read_the_user_is_unchanged(ory: Ory, web: DualClient) -> None:
    response = web.get("/silent", headers=ory.person().browser_session().headers)
    assert "Cache-Control" not in response
    assert not vary(response)


def a_stream(web: DualClient) -> str:
    return "/an-async-stream" if web.kind == "asgi" else "/a-stream"


def test_a_stream_that_reads_the_user_late_is_private(ory: Ory, web: DualClient) -> None:
    response = web.get(a_stream(web), headers=ory.person().browser_session().headers)
    assert vary(response) >= LOOKED_AT
    assert "private" in response["Cache-Control"]


def test_an_anonymous_stream_says_what_it_depends_on(ory: Ory, web: DualClient) -> None:
    response = web.get(a_stream(web))
    assert vary(response) >= LOOKED_AT
    assert "Cache-Control" not in response


@pytest.fixture(params=["cache_page", "site cache"])
def kept_page(request: pytest.FixtureRequest, settings: Settings) -> str:
    """The address of a page that Django keeps, in one of its two ways."""
    if request.param == "cache_page":
        return "/kept-page"
    settings.MIDDLEWARE = [UPDATE, *settings.MIDDLEWARE, FETCH]
    return "/page"


@pytest.mark.promise("Django's page caches do not store a page that depends on the user")
@pytest.mark.django_db
def test_djangos_caches_keep_no_page_for_a_user(ory: Ory, web: DualClient, kept_page: str) -> None:
    ada, bob = ory.person(), ory.person()
    first, second = ada.browser_session(), bob.app_session()
    texts = [
        web.get(kept_page, headers=headers).content.decode()
        for headers in (first.headers, second.headers, first.headers, {}, {})
    ]
    assert [text.split()[0] for text in texts] == [ada.id, bob.id, ada.id, "AnonymousUser", "AnonymousUser"]
    assert texts[0] != texts[2]


def test_djangos_caches_keep_anonymous_pages(ory: Ory, web: DualClient, kept_page: str) -> None:
    assert web.get(kept_page).content == web.get(kept_page).content


@pytest.mark.django_db
def test_the_site_cache_shows_no_anonymous_page_to_users(ory: Ory, web: DualClient, settings: Settings) -> None:
    settings.MIDDLEWARE = [UPDATE, *settings.MIDDLEWARE, FETCH]
    person = ory.person()
    web.get("/page")
    assert web.get("/page", headers=person.app_session().headers).content.decode().split()[0] == person.id


def test_the_site_cache_keeps_no_page_for_an_invalid_credential(ory: Ory, web: DualClient, settings: Settings) -> None:
    settings.MIDDLEWARE = [UPDATE, *settings.MIDDLEWARE, FETCH]
    gone = {"Cookie": "ory_kratos_session=gone"}
    assert web.get("/page", headers=gone).content != web.get("/page", headers=gone).content


def test_a_page_that_does_not_read_the_user_is_cached_for_everyone(
    ory: Ory, web: DualClient, settings: Settings
) -> None:
    settings.MIDDLEWARE = [UPDATE, *settings.MIDDLEWARE, FETCH]
    web.get("/silent", headers=ory.person().app_session().headers)
    assert [key for key in cache_contents() if "cache_page" in key]
