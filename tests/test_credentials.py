"""Exactly one credential of a request counts, and nothing but it reaches Ory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application

from ory_auth.local import LocalOry
from tests.support.client import DualClient
from tests.support.ory import Ory, Person
from tests.support.types import ChangeSettings

GONE = {"token": "ory_st_never-was-one", "cookie": "ory_kratos_session=never-was-one"}
KINDS = ["token", "cookie", "bearer"]


def header(kind: str, value: str) -> dict[str, str]:
    """The header in which a credential of this kind comes."""
    match kind:
        case "token":
            return {"X-Session-Token": value}
        case "cookie":
            return {"Cookie": value}
        case _:
            return {"Authorization": f"Bearer {value}"}


def credential(person: Person, kind: str) -> dict[str, str]:
    return header(kind, person.browser_session().cookie if kind == "cookie" else person.app_session().token)


def gone(kind: str) -> dict[str, str]:
    return header(kind, GONE["cookie" if kind == "cookie" else "token"])


def seen(web: DualClient, headers: dict[str, str]) -> str | None:
    """The identity that the project sees."""
    identity: str | None = web.get("/session", headers=headers).json()["identity"]
    return identity


# --- one, by a fixed order


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_credential_alone_signs_in(ory: Ory, web: DualClient, kind: str) -> None:
    person = ory.person()
    assert seen(web, credential(person, kind)) == person.id


@pytest.mark.promise("Only the first credential counts, even if Ory refuses it")
@pytest.mark.parametrize(("first", "second"), [("token", "cookie"), ("token", "bearer"), ("cookie", "bearer")])
def test_the_first_credential_in_the_documented_order_counts(
    ory: Ory, web: DualClient, first: str, second: str
) -> None:
    ada, bob = ory.person(), ory.person()
    assert seen(web, {**credential(bob, second), **credential(ada, first)}) == ada.id


@pytest.mark.promise("Only the first credential counts, even if Ory refuses it")
@pytest.mark.parametrize(("first", "second"), [("token", "cookie"), ("token", "bearer"), ("cookie", "bearer")])
def test_a_refused_credential_is_not_replaced_by_the_next(ory: Ory, web: DualClient, first: str, second: str) -> None:
    assert seen(web, {**gone(first), **credential(ory.person(), second)}) is None


def test_several_credentials_are_logged(ory: Ory, web: DualClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "ory_auth"):
        seen(web, {**gone("token"), **gone("cookie")})
    assert "multi_credential kinds=token+cookie" in caplog.text


@pytest.mark.parametrize(
    "empty", [{"X-Session-Token": ""}, {"X-Session-Token": " \t"}, {"Cookie": "ory_kratos_session="}, {"Cookie": ""}]
)
def test_an_empty_credential_does_not_count(ory: Ory, web: DualClient, empty: dict[str, str]) -> None:
    person = ory.person()
    assert seen(web, {**credential(person, "bearer"), **empty}) == person.id


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_the_bearer_scheme_is_case_insensitive(ory: Ory, web: DualClient, scheme: str) -> None:
    session = ory.person().app_session()
    assert seen(web, {"Authorization": f"{scheme} {session.token}"}) == session.person.id


@pytest.mark.promise("A Bearer token without Ory's prefix is not sent to Ory")
@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize(
    "authorization",
    ["Bearer eyJhbGciOiJFUzI1NiJ9.e30.c2ln", "Bearer ory_at_oauth2", "Bearer", "Basic ory_st_x", "Token ory_st_x", "x"],
)
def test_an_authorization_header_without_orys_prefix_is_ignored(ory: Ory, web: DualClient, authorization: str) -> None:
    assert seen(web, {"Authorization": authorization}) is None
    assert not ory.requests_to()


@pytest.mark.usefixtures("local_ory")
def test_no_request_header_can_name_an_identity(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    headers = {
        "X-Kratos-Authenticated-Identity-Id": person.id,
        "X-User": person.id,
        "Ory-Session-Cache-For": "60",
    }
    assert seen(web, headers) is None
    assert not ory.requests_to()


def test_a_header_with_underscores_is_not_the_token_header_under_asgi(ory: Ory) -> None:
    headers = [(b"host", b"testserver"), (b"x_session_token", ory.person().app_session().token.encode())]
    scope = {"type": "http", "method": "GET", "path": "/session", "query_string": b"", "headers": headers}

    async def body() -> bytes:
        app: Any = ApplicationCommunicator(get_asgi_application(), scope)  # type: ignore[no-untyped-call]
        await app.send_input({"type": "http.request", "body": b""})
        await app.receive_output()
        response = await app.receive_output()
        await app.wait()
        return bytes(response["body"])

    assert json.loads(async_to_sync(body)())["identity"] is None


# --- what cannot be one


MALFORMED = {
    "too long": "ory_st_" + "x" * 8192,
    "NUL": "ory_st_\0",
    "CR": "ory_st_\rX-Admin: 1",
    "LF": "ory_st_\nX-Admin: 1",
    "not ASCII": "ory_st_\xe9",
    "binary": "ory_st_\x01\x02\xff",
}


@pytest.mark.promise("A credential has at most 8 KiB")
@pytest.mark.promise("A malformed credential is never sent to Ory, and no other is tried instead")
@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_credential_is_refused_without_a_call(
    ory: Ory, web: DualClient, caplog: pytest.LogCaptureFixture, kind: str, value: str
) -> None:
    later = [other for other in KINDS if KINDS.index(other) > KINDS.index(kind)]
    headers = {name: text for other in later for name, text in credential(ory.person(), other).items()}
    malformed = header(kind, f"ory_kratos_session={value}" if kind == "cookie" else value)
    assert seen(web, {**headers, **malformed}) is None
    assert not ory.requests_to()
    assert f"malformed kind={kind}" in caplog.text


@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end", ["\x0b", "\x0c", "\x1c", "\x85"])
def test_trailing_control_characters_are_not_stripped(ory: Ory, web: DualClient, kind: str, end: str) -> None:
    value = f"ory_st_x{end}"
    assert seen(web, header(kind, f"ory_kratos_session={value}" if kind == "cookie" else value)) is None
    assert not ory.requests_to()


@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize("kind", KINDS)
def test_a_credential_is_sent_to_ory_unchanged(ory: Ory, web: DualClient, kind: str) -> None:
    value = "ory_st_X" if kind == "bearer" else "XxX"
    seen(web, header(kind, f"ory_kratos_session={value}" if kind == "cookie" else value))
    [asked] = ory.requests_to()
    assert any(text.endswith(value) for _, text in asked.headers)


@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize(("size", "calls"), [(8192, 1), (8193, 0)])
def test_a_credential_has_at_most_8_kib(ory: Ory, web: DualClient, size: int, calls: int) -> None:
    seen(web, {"X-Session-Token": "x" * size})
    assert len(ory.requests_to()) == calls


def test_a_program_with_a_malformed_token_gets_401_and_no_redirect(ory: Ory, web: DualClient) -> None:
    response = web.get("/guarded", headers={"X-Session-Token": "x" * 8193, "Accept": "*/*"})
    assert response.status_code == 401


# --- cookies


@pytest.mark.promise("A lookup sends the session cookie to Ory, and no other cookie")
@pytest.mark.usefixtures("local_ory")
def test_a_repeated_session_cookie_is_sent_unchanged(ory: Ory, web: DualClient) -> None:
    web.get("/session", headers={"Cookie": "ory_kratos_session=one; other=x;  ory_kratos_session=two"})
    assert dict(ory.requests_to()[0].headers)["cookie"] == "ory_kratos_session=one; ory_kratos_session=two"


@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize(
    "name",
    ["ory_session_other", "ory_kratos_session2", "my_ory_kratos_session", "ORY_KRATOS_SESSION", "ory_kratos_sessio"],
)
def test_a_cookie_with_another_name_is_ignored(ory: Ory, web: DualClient, name: str) -> None:
    assert seen(web, {"Cookie": ory.person().browser_session().cookie.replace("ory_kratos_session", name)}) is None
    assert not ory.requests_to()


def test_only_the_configured_cookie_name_counts(
    ory: Ory, web: DualClient, local_ory: LocalOry, ory_auth: ChangeSettings
) -> None:
    local_ory.configure(session_cookie_name="my_session")
    ory_auth(SESSION_COOKIE_NAME="my_session")
    person = ory.person()
    cookie = local_ory.create_session(person.id).cookie
    assert cookie.startswith("my_session=")
    assert seen(web, {"Cookie": f"ory_kratos_session=x; {cookie}"}) == person.id
    assert dict(ory.requests_to()[0].headers)["cookie"] == cookie


# --- what reaches Ory


@pytest.mark.promise("A lookup sends the session cookie to Ory, and no other cookie")
@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize(
    ("kind", "carrier"), [("token", "x-session-token"), ("cookie", "cookie"), ("bearer", "authorization")]
)
def test_only_the_credential_reaches_ory(ory: Ory, web: DualClient, kind: str, carrier: str) -> None:
    own = credential(ory.person(), kind)
    cookies = "; ".join(
        filter(None, ["sessionid=dj", "csrftoken=cs", own.get("Cookie"), "csrf_token_1=x", "theme=dark"])
    )
    sent = {"Authorization": "Basic dTpw", **own, "Cookie": cookies, "X-Forwarded-For": "1.2.3.4", "X-CSRFToken": "cs"}
    web.get("/session", headers=sent)
    received = dict(ory.requests_to()[0].headers)
    assert received[carrier] == next(iter(own.values()))
    assert set(received) - {carrier} <= {"host", "accept", "accept-encoding", "user-agent"}


@pytest.mark.usefixtures("local_ory")
def test_the_second_credential_is_not_sent_to_ory(ory: Ory, web: DualClient) -> None:
    ada, bob = ory.person(), ory.person()
    web.get("/session", headers={**credential(ada, "cookie"), **credential(bob, "token")})
    assert "cookie" not in dict(ory.requests_to()[0].headers)


@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize("path", ["/session", "/guarded", "/api/me"])
def test_without_a_credential_ory_is_not_asked(ory: Ory, web: DualClient, path: str) -> None:
    web.get(path, headers={"Cookie": "csrftoken=x"})
    assert not ory.requests_to()
