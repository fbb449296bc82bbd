"""No cookie, token, trait or answer of Ory's is ever logged, shown or put into a trace."""

from __future__ import annotations

import logging
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NoReturn

import pytest
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.debug import SafeExceptionReporterFilter, get_default_exception_reporter_filter
from pytest_django import Settings

from ory_auth.conf import conf
from ory_auth.exceptions import OryUnavailable
from ory_auth.local import LocalOry
from ory_auth.ory.credentials import Credential, Kind
from ory_auth.types import Identity, OryHttpRequest, OrySession
from ory_auth.users import UserHandler
from tests.support.caches import cache_contents
from tests.support.client import DualClient
from tests.support.ory import WHOAMI, Ory, Session
from tests.support.types import ChangeSettings, Json

from .project import urls as project

TRAIT = "Canary-of-a-trait"
CSRF = "canary-of-django-csrf-0123456789"
DJANGO = "canaryofdjangosession0123456789"

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class HidesTheAgent(SafeExceptionReporterFilter):
    def get_safe_request_meta(self, request: HttpRequest) -> Json:
        return {**super().get_safe_request_meta(request), "HTTP_USER_AGENT": "hidden"}


class BrokenHandler(UserHandler):
    """A project's own handler with a mistake in it, deep inside the pipeline."""

    def create(self, identity: Identity) -> None:
        raise ValueError("a bug of the project's own")


def collector(request: HttpRequest) -> HttpResponse:
    """As an error collector does: the trace of an outage, with the variables of every frame."""
    try:
        return HttpResponse(str(request.user))
    except OryUnavailable as error:
        lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
        return HttpResponse("".join(lines), status=418)


def breaks_after_asking(request: OryHttpRequest) -> NoReturn:
    user, session = request.user, request.ory_session
    raise ValueError(f"{user.pk} {session and session.id}")


urlpatterns = [
    path("collector", collector),
    path("breaks-after-asking", breaks_after_asking),
    *project.urlpatterns,
]


AssertClean = Callable[[str], None]


@pytest.fixture
def session(ory: Ory) -> Session:
    """A person with a trait that must not be seen anywhere."""
    return ory.person(name={"first": TRAIT, "last": TRAIT}).browser_session()


@pytest.fixture
def token(session: Session) -> str:
    return session.person.app_session().token


@pytest.fixture
def headers(session: Session, token: str) -> dict[str, str]:
    """Every credential that a request can carry."""
    cookie = f"sessionid={DJANGO}; csrftoken={CSRF}; {session.cookie}"
    return {"Cookie": cookie, "X-Session-Token": token, "Authorization": f"Bearer {token}"}


@pytest.fixture
def assert_clean(session: Session, token: str) -> AssertClean:
    """A text holds no secret; the person's own page may hold their address."""

    def check(text: str) -> None:
        value = session.cookie.partition("=")[2]
        secrets = {"cookie": value, "token": token, "trait": TRAIT, "e-mail": session.person.email}
        assert [name for name, secret in secrets.items() if secret in text] == []

    return check


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """All that is logged by anybody, at every level."""
    caplog.set_level(logging.DEBUG)
    for logger in ("ory_auth", "django", "django.request", "asyncio"):
        caplog.set_level(logging.DEBUG, logger)

    def text() -> str:
        return caplog.text + "".join(repr(vars(record)) for record in caplog.records)

    caplog.clear()
    return text


# --- logs


REQUESTS = [
    "/who",
    "/guarded",
    "/aal2",
    "/api/me",
    "/fresh",
    "/broken",
    "/nowhere",
    "/auth/login?next=//evil.example.test",
]


@pytest.mark.django_db(transaction=True)  # under ASGI Django makes error pages in a thread of its own
@pytest.mark.parametrize("path", REQUESTS)
def test_no_log_has_a_secret_of_people_who_sign_in(
    no_raise: DualClient,
    headers: dict[str, str],
    session: Session,
    logs: Callable[[], str],
    caplog: pytest.LogCaptureFixture,
    assert_clean: AssertClean,
    path: str,
) -> None:
    caplog.clear()
    no_raise.get(path, headers=headers)
    no_raise.get(path, headers={"Cookie": session.cookie})
    assert_clean(logs())


@pytest.mark.parametrize(
    "fault",
    [
        lambda ory, echo: ory.failing(500, {"X-Echo": echo}, echo.encode(), WHOAMI),
        lambda ory, echo: ory.failing(200, {"X-Echo": echo}, b'{"id":"%s"}' % echo.encode(), WHOAMI),
        lambda ory, echo: ory.failing(403, {}, b'{"error":{"id":"%s"}}' % echo.encode(), WHOAMI),
        lambda ory, echo: ory.failing(302, {"Location": f"/?{echo}"}, b"", WHOAMI),
        lambda ory, echo: ory.failing(429, {"Retry-After": echo}, echo.encode(), WHOAMI),
        lambda ory, echo: ory.failing(200, {"Content-Encoding": "gzip"}, echo.encode(), WHOAMI),
        lambda ory, echo: ory.stopped(),
        lambda ory, echo: ory.hang_up(),
        lambda ory, echo: ory.slow(0.3),
    ],
    ids=["500", "200", "403", "302", "429", "badly packed", "refused", "hang up", "too late"],
)
@pytest.mark.parametrize("path", ["/guarded", "/collector"])
def test_no_log_and_no_trace_has_a_secret_in_an_outage(
    no_raise: DualClient,
    local_ory: LocalOry,
    ory_auth: ChangeSettings,
    headers: dict[str, str],
    token: str,
    session: Session,
    logs: Callable[[], str],
    caplog: pytest.LogCaptureFixture,
    assert_clean: AssertClean,
    fault: Callable[[LocalOry, str], AbstractContextManager[object]],
    path: str,
) -> None:
    ory_auth(TIMEOUT=0.1)
    with fault(local_ory, f"{token} {TRAIT} {session.person.email}"):
        caplog.clear()
        responses = [no_raise.get(path, headers=sent) for sent in (headers, {"Cookie": session.cookie})]
    assert {response.status_code for response in responses} <= {503, 418}
    assert_clean(logs())
    for response in responses:
        assert_clean(response.content.decode())


@pytest.mark.parametrize("bad", ["\x00", "\xe9", "x" * 8192])
def test_no_log_has_a_malformed_credential(
    no_raise: DualClient, logs: Callable[[], str], token: str, assert_clean: AssertClean, bad: str
) -> None:
    no_raise.get("/who", headers={"X-Session-Token": token + bad})
    assert "malformed" in logs()
    assert_clean(logs())


@pytest.mark.promise("Flow ids and logout tokens are not logged")
@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize("kind", ["cookie", "token"])
def test_no_log_has_a_secret_of_a_sign_out(
    ory: Ory,
    no_raise: DualClient,
    logs: Callable[[], str],
    session: Session,
    token: str,
    assert_clean: AssertClean,
    kind: str,
) -> None:
    no_raise.post(
        "/auth/logout", headers={"Cookie": session.cookie} if kind == "cookie" else {"X-Session-Token": token}
    )
    assert_clean(logs())
    assert "logout_token" not in logs()
    for request in ory.requests_to("/self-service/logout"):
        assert request.query.partition("=")[2] not in logs()


def test_no_log_has_the_id_of_a_flow(
    ory: Ory, no_raise: DualClient, session: Session, logs: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    flow = session.get("/self-service/login/browser?refresh=true").json["id"]
    caplog.clear()
    cookies = "; ".join(f"{name}={value}" for name, value in session.jar.items())
    assert no_raise.get(f"/auth/login?flow={flow}", headers={"Cookie": cookies}).status_code == 200
    assert flow not in caplog.text


@pytest.mark.promise("Flow ids and logout tokens are not logged")
@pytest.mark.parametrize("fault", [lambda ory: ory.hang_up(), lambda ory: ory.slow(0.3)], ids=["hang up", "too late"])
def test_neither_log_nor_page_has_the_id_of_a_flow_that_cannot_be_fetched(
    local_ory: LocalOry,
    no_raise: DualClient,
    ory_auth: ChangeSettings,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    fault: Callable[[LocalOry], AbstractContextManager[object]],
) -> None:
    ory_auth(TIMEOUT=0.1)
    settings.DEBUG = True
    caplog.set_level(logging.DEBUG)
    flow = str(uuid.uuid4())
    with fault(local_ory):
        response = no_raise.get(f"/auth/login?flow={flow}")
    assert response.status_code == 503
    assert "/self-service/login/flows" in response.content.decode()  # the page says which call failed
    assert flow not in response.content.decode()
    assert flow not in caplog.text


@pytest.mark.promise("Flow ids and logout tokens are not logged")
def test_no_log_has_the_logout_token_of_a_sign_out_that_fails(
    local_ory: LocalOry, no_raise: DualClient, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        local_ory.hang_up("/self-service/logout"),
        local_ory.failing(200, body=b'{"logout_token": "canary-token"}', path="/self-service/logout/browser"),
    ):
        no_raise.post("/auth/logout", headers={"Cookie": session.cookie})
    assert [request.query for request in local_ory.requests if request.path == "/self-service/logout"]
    assert "at=logout" in caplog.text
    assert "canary-token" not in caplog.text


def test_a_log_names_credentials_by_a_fingerprint(
    no_raise: DualClient, ory: Ory, token: str, caplog: pytest.LogCaptureFixture, ory_auth: ChangeSettings
) -> None:
    ory_auth(REFUSED_CACHE_SECONDS=0)
    caplog.set_level(logging.INFO, "ory_auth")
    for value in ("gone", "gone", "gone too"):
        no_raise.get("/session", headers={"X-Session-Token": value})
    one, again, other = [
        vars(record)["ory_facts"]["credential"] for record in caplog.records if record.name == "ory_auth"
    ]
    assert one == again != other
    assert len(one) == 8


@pytest.mark.promise("Cache keys and log lines do not confirm a guessed credential without SECRET_KEY")
@pytest.mark.parametrize("mark", [lambda token: token.fingerprint, lambda token: token.key(conf())])
def test_fingerprints_reveal_nothing_without_the_secret_key(
    settings: Settings, mark: Callable[[Credential], str]
) -> None:
    credential = Credential(Kind.TOKEN, "ory_st_x")
    before = mark(credential)
    settings.SECRET_KEY = "another"
    assert mark(credential) != before


# --- error pages and mails


@pytest.mark.promise("Error pages with DEBUG show no cookie")
@pytest.mark.django_db(transaction=True)  # under ASGI Django makes error pages in a thread of its own
@pytest.mark.parametrize("path", ["/broken", "/breaks-after-asking", "/no-such-thing", "/nowhere"])
def test_the_debug_page_has_no_secret(
    no_raise: DualClient,
    settings: Settings,
    headers: dict[str, str],
    session: Session,
    assert_clean: AssertClean,
    path: str,
) -> None:
    settings.DEBUG = True
    for sent in (headers, {"Cookie": headers["Cookie"]}):
        page = no_raise.get(path, headers=sent).content.decode()
        assert_clean(page)
        assert DJANGO not in page
        assert CSRF not in page


@pytest.mark.promise("Error pages with DEBUG show no cookie")
@pytest.mark.parametrize("kind", ["X-Session-Token", "Cookie", "Authorization"])
def test_the_debug_page_of_an_internal_error_has_no_secret(
    no_raise: DualClient,
    settings: Settings,
    ory_auth: ChangeSettings,
    headers: dict[str, str],
    assert_clean: AssertClean,
    kind: str,
) -> None:
    settings.DEBUG = True
    ory_auth(USER_HANDLER=f"{__name__}.BrokenHandler")
    response = no_raise.get("/who", headers={kind: headers[kind]})
    assert response.status_code == 500
    assert "a bug of the project" in response.content.decode()
    assert_clean(response.content.decode())


@pytest.mark.django_db(transaction=True)  # under ASGI Django makes error pages in a thread of its own
@pytest.mark.parametrize("path", ["/broken", "/breaks-after-asking"])
def test_an_error_mail_has_no_secret(
    no_raise: DualClient, error_mails: list[EmailMessage], headers: dict[str, str], assert_clean: AssertClean, path: str
) -> None:
    no_raise.get(path, headers=headers)
    [mail] = error_mails
    assert_clean(str(mail.message()))


def test_an_error_mail_about_an_internal_error_has_no_secret(
    no_raise: DualClient,
    ory_auth: ChangeSettings,
    error_mails: list[EmailMessage],
    headers: dict[str, str],
    assert_clean: AssertClean,
) -> None:
    ory_auth(USER_HANDLER=f"{__name__}.BrokenHandler")
    no_raise.get("/who", headers=headers)
    [mail] = error_mails
    assert_clean(str(mail.message()))


@pytest.fixture
def own_filter(settings: Settings) -> Iterator[None]:
    settings.DEFAULT_EXCEPTION_REPORTER_FILTER = f"{__name__}.HidesTheAgent"
    forget = get_default_exception_reporter_filter.cache_clear  # type: ignore[attr-defined]  # unknown to django-stubs
    forget()
    yield
    forget()


@pytest.mark.django_db(transaction=True)  # under ASGI Django makes error pages in a thread of its own
def test_the_projects_own_filter_of_error_pages_still_applies(
    no_raise: DualClient, settings: Settings, headers: dict[str, str], own_filter: None
) -> None:
    settings.DEBUG = True
    page = no_raise.get("/broken", headers={**headers, "User-Agent": "canary-of-an-agent"}).content.decode()
    assert "canary-of-an-agent" not in page


# --- values


def test_reprs_have_no_secret(session: Session, assert_clean: AssertClean) -> None:
    content = session.ory.public("GET", WHOAMI, headers=session.headers).body
    value = OrySession.from_json(content)
    for shown in (value, value.identity, Credential(Kind.COOKIE, session.cookie), [value], {"session": value}):
        assert_clean(f"{shown!r} {shown}")


@pytest.mark.parametrize("path", ["/silent", "/who"])
def test_the_repr_of_the_user_has_no_query_string(ory: Ory, web: DualClient, path: str) -> None:
    request = vars(web.get(f"{path}?code=canary-of-a-code"))[f"{web.kind}_request"]
    assert "canary" not in repr(request.user)


def test_the_repr_of_the_session_has_no_secret(
    ory: Ory, web: DualClient, session: Session, assert_clean: AssertClean
) -> None:
    request = vars(web.get("/who", headers=session.headers))[f"{web.kind}_request"]
    assert_clean(repr(request.ory_session) + repr(request._ory_state) + repr(request))


def test_no_cache_key_has_a_secret(
    web: DualClient, headers: dict[str, str], session: Session, assert_clean: AssertClean
) -> None:
    for sent in (headers, {"Cookie": session.cookie}):
        web.get("/session", headers=sent)
    keys = " ".join(cache_contents())
    assert "ory_auth:" in keys
    assert_clean(keys)


def test_no_cache_entry_has_a_credential(
    web: DualClient, headers: dict[str, str], session: Session, token: str
) -> None:
    for sent in (headers, {"Cookie": session.cookie}):
        web.get("/session", headers=sent)
    kept = b"".join(cache_contents().values())
    assert token.encode() not in kept
    assert session.cookie.partition("=")[2].encode() not in kept
