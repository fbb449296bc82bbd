"""Ory's JSON as values, and what else is read from outside: anything gives a value or ``ValueError``, never worse."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone
from http.cookies import Morsel
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ory_auth.conf import Conf
from ory_auth.ory.cookies import domain_covers, read_set_cookie, select_flow_cookies
from ory_auth.ory.credentials import MAX_BYTES, Credential, Kind, Malformed, cookie_pairs, digest_of, find_credential
from ory_auth.types import AAL, OrySession
from tests.support.ory import Ory
from tests.support.types import Json

IDENTITY: Json = {
    "id": "aeee28f7-4fa7-4d18-8463-aa1706d218ce",
    "schema_id": "person",
    "state": "active",
    "traits": {"email": "ada@example.org", "name": {"first": "Ada"}},
    "verifiable_addresses": [
        {"value": "ada@example.org", "verified": True, "via": "email", "status": "completed"},
        {"value": "old@example.org", "verified": False, "via": "email"},
        {"value": "+49123", "verified": True, "via": "sms"},
    ],
    "metadata_public": {"plan": "gold"},
    "updated_at": "2026-11-23T10:33:47.288039Z",
    "organization_id": None,
}
SESSION: Json = {
    "id": "45433bf6-50b5-4da9-8ede-85ffd10a535a",
    "active": True,
    "expires_at": "2026-11-24T10:33:47.324539513Z",
    "authenticated_at": "2026-11-23T10:33:47.324539513Z",
    "issued_at": "2026-11-23T10:33:47.324539513Z",
    "authenticator_assurance_level": "aal2",
    "authentication_methods": [
        {"method": "password", "aal": "aal1", "completed_at": "2026-11-23T10:33:47.324428002Z"},
        {"method": "totp", "aal": "aal2", "completed_at": "2026-11-23T10:34:00Z"},
        {"method": "lookup_secret", "aal": "aal2", "completed_at": "2026-11-23T10:33:59Z"},
    ],
    "identity": IDENTITY,
}


def read(**changes: object) -> OrySession:
    return OrySession.from_json(json.dumps(SESSION | changes).encode())


# --- a session


def test_ids_are_uuids_and_times_are_aware() -> None:
    session = read()
    assert session.id == UUID(SESSION["id"])
    assert session.identity.id == UUID(IDENTITY["id"])
    for time in (session.expires_at, session.authenticated_at, session.issued_at, session.identity.updated_at):
        assert time
        assert time.utcoffset() == timedelta(0)


def test_a_recorded_session_of_ory_is_parsed(ory: Ory) -> None:
    token = ory.person().app_session()
    body = ory.public("GET", "/sessions/whoami", headers=token.headers).body
    session = OrySession.from_json(body)
    assert (str(session.id), str(session.identity.id)) == (token.id, token.person.id)
    assert (session.aal, session.active, session.raw) == (AAL.AAL1, True, json.loads(body))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T10:33:47.123456789Z", datetime(2026, 11, 23, 10, 33, 47, 123456, UTC)),
        ("2026-11-23T10:33:47.1Z", datetime(2026, 11, 23, 10, 33, 47, 100000, UTC)),
        ("2026-11-23T10:33:47Z", datetime(2026, 11, 23, 10, 33, 47, 0, UTC)),
        ("2026-11-23T12:33:47.5+02:00", datetime(2026, 11, 23, 10, 33, 47, 500000, UTC)),
    ],
)
def test_times_have_any_number_of_decimals(text: str, expected: datetime) -> None:
    assert read(expires_at=text).expires_at == expected


@pytest.mark.parametrize("text", ["2026-11-23T10:33:47", "2026-11-23", "soon", "", None, 1732358027])
def test_an_invalid_time_is_an_invalid_session(text: str | int | None) -> None:
    with pytest.raises(ValueError):
        read(expires_at=text)


def test_an_optional_time_without_a_zone_is_an_invalid_session() -> None:
    with pytest.raises(ValueError):
        read(issued_at="2026-11-23T10:33:47")


@pytest.mark.parametrize("key", ["issued_at", "authentication_methods", "authenticator_assurance_level"])
def test_optional_fields_may_be_missing(key: str) -> None:
    body = {name: value for name, value in SESSION.items() if name != key}
    assert OrySession.from_json(json.dumps(body).encode()).id == UUID(SESSION["id"])


@pytest.mark.parametrize(
    "key", ["schema_id", "state", "traits", "verifiable_addresses", "metadata_public", "updated_at"]
)
def test_a_minimal_identity_is_valid(key: str) -> None:
    sparse = {name: value for name, value in IDENTITY.items() if name != key}
    assert read(identity=sparse).identity.id == UUID(IDENTITY["id"])


def test_an_error_quotes_nothing_of_the_response() -> None:
    with pytest.raises(ValueError) as caught:
        read(expires_at="ada@example.org")
    assert "ada" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_values_are_frozen() -> None:
    session = read()
    for value, name in ((session, "aal"), (session.identity, "id"), (session.authentication_methods[0], "method")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, "other")
    with pytest.raises(TypeError):
        session.identity.traits["email"] = "eve@example.org"  # type: ignore[index]
    with pytest.raises(TypeError):
        session.identity.verifiable_addresses[0]["verified"] = True  # type: ignore[index]


def test_raw_is_orys_json_parsed_each_time() -> None:
    session = read(something={"new": 1})
    assert session.raw == SESSION | {"something": {"new": 1}}
    session.raw["identity"]["traits"]["email"] = "eve@example.org"
    assert session.raw["identity"] == session.identity.raw == IDENTITY


def test_sessions_are_comparable_and_hashable() -> None:
    assert read() == read()
    assert len({read(), read(), read(authenticated_at="2026-11-23T11:00:00Z")}) == 2


def test_only_verified_addresses_of_ory_count_as_verified() -> None:
    assert read().identity.verified_emails() == ["ada@example.org"]


@pytest.mark.promise("An address counts as verified only if Ory says exactly true")
@pytest.mark.parametrize("verified", [None, 0, 1, "true", "false", {}])
def test_only_true_counts_as_verified(verified: object) -> None:
    addresses = [{"value": "eve@example.org", "via": "email", "verified": verified}]
    assert read(identity=IDENTITY | {"verifiable_addresses": addresses}).identity.verified_emails() == []


# --- assurance levels and methods


def test_levels_are_ordered_and_equal_to_orys_words() -> None:
    assert AAL.AAL0 < AAL.AAL1 < AAL.AAL2
    assert str(AAL.AAL2) == AAL("aal2") == "aal2"


@pytest.mark.promise("An unknown AAL counts as the lowest one")
@pytest.mark.parametrize("word", ["aal3", "AAL2", "", None, 2, ["aal2"], {}])
def test_an_unknown_aal_is_the_lowest(word: object, caplog: pytest.LogCaptureFixture) -> None:
    assert read(authenticator_assurance_level=word).aal is AAL.AAL0
    assert "unknown_enum" in caplog.text


def test_an_unknown_method_is_kept_as_it_is() -> None:
    [method] = read(authentication_methods=[{"method": "telepathy", "aal": "aal9"}]).authentication_methods
    assert (method.method, method.aal, method.completed_at) == ("telepathy", AAL.AAL0, None)


def test_the_newest_use_of_a_factor_counts() -> None:
    session = read()
    assert session.authenticated_with(AAL.AAL2) == datetime(2026, 11, 23, 10, 34, tzinfo=UTC)
    assert session.authenticated_with(AAL.AAL0) is None


# --- anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["aal1", SESSION["id"]]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def session_or_value_error(body: bytes) -> None:
    try:
        session = OrySession.from_json(body)
    except ValueError:
        return
    assert session.expires_at.tzinfo
    assert session.raw
    repr(session), hash(session), session.identity.verified_emails(), session.authenticated_with(AAL.AAL1)


@given(st.binary() | st.text().map(str.encode))
@example(b"\xef\xbb\xbf{}")
@example(b"[" * 100_000)
@example(b"1" * 10_000)
def test_any_bytes_are_a_session_or_a_value_error(body: bytes) -> None:
    session_or_value_error(body)


@given(st.dictionaries(st.sampled_from(list(SESSION)), JSON))
def test_any_json_as_a_value_is_a_session_or_a_value_error(changes: Json) -> None:
    session_or_value_error(json.dumps(SESSION | changes).encode())


@given(st.dictionaries(st.sampled_from(list(IDENTITY)), JSON))
def test_any_json_in_an_identity_is_a_session_or_a_value_error(changes: Json) -> None:
    session_or_value_error(json.dumps(SESSION | {"identity": IDENTITY | changes}).encode())


@given(st.lists(st.dictionaries(st.sampled_from(["method", "aal", "completed_at"]), JSON)))
def test_any_json_as_methods_is_a_session_or_a_value_error(methods: list[Json]) -> None:
    session_or_value_error(json.dumps(SESSION | {"authentication_methods": methods}).encode())


@given(st.datetimes(timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))))
def test_times_are_parsed_exactly(time: datetime) -> None:
    assert read(expires_at=time.isoformat()).expires_at == time


# --- credentials

COOKIE = "ory_kratos_session"
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "HTTP_X_SESSION_TOKEN": st.text(),
        "HTTP_COOKIE": st.text()
        | st.lists(st.sampled_from([f"{COOKIE}=a", f"{COOKIE}=", "b=c", "", ";"])).map("; ".join),
        "HTTP_AUTHORIZATION": st.text() | st.text().map("Bearer ory_st_{}".format),
    },
)


@given(HEADERS)
@example({"HTTP_X_SESSION_TOKEN": "x" * MAX_BYTES + "x"})
def test_any_headers_give_one_credential_or_none(headers: dict[str, str]) -> None:
    found = find_credential(headers, COOKIE)
    if isinstance(found, Credential):
        assert 0 < len(found.value.encode("ascii")) <= MAX_BYTES
        assert found.value.isprintable()
        assert len(found.headers) == 1
    else:
        assert found is None or isinstance(found, Malformed)


@given(HEADERS)
def test_credentials_are_sent_unchanged(headers: dict[str, str]) -> None:
    found = find_credential(headers, COOKIE)
    if isinstance(found, Credential) and found.kind is not Kind.COOKIE:
        assert any(found.value in value for value in headers.values())


@given(
    st.text(),
    st.lists(st.sampled_from([f"{COOKIE}=a", f"{COOKIE}=b=c", "other=x", f"x{COOKIE}=y", f"{COOKIE.upper()}=z"])),
)
def test_only_cookie_pairs_with_the_configured_name_are_used(noise: str, pairs: list[str]) -> None:
    taken = cookie_pairs("; ".join([noise.replace(COOKIE, ""), *pairs]), COOKIE)
    assert [pair for pair in pairs if pair.startswith(f"{COOKIE}=")] == (taken.split("; ") if taken else [])


ORY = Conf(sdk_url="http://ory", cache_namespace="")


@pytest.mark.promise("A token and a cookie with the same value have separate cache entries")
@given(*[st.sampled_from(Kind), st.text()] * 2)
def test_a_cache_key_depends_on_kind_and_value(kind: Kind, value: str, other_kind: Kind, other_value: str) -> None:
    one, other = Credential(kind, value), Credential(other_kind, other_value)
    assert (one.key(ORY) == other.key(ORY)) == (one == other)


@pytest.mark.promise("What one Ory says about a credential does not count for another Ory")
@given(st.text(), st.text())
def test_a_cache_key_depends_on_the_ory(url: str, other_url: str) -> None:
    key, other = (
        Credential(Kind.TOKEN, "ory_st_x").key(dataclasses.replace(ORY, sdk_url=address))
        for address in (url, other_url)
    )
    assert (key == other) == (url == other_url)
    assert (digest_of(key) == digest_of(other)) == (url == other_url)


# --- cookies of Ory's, on their way to the browser


def test_an_ory_cookie_is_parsed_with_its_attributes() -> None:
    line = "ory_kratos_session=MTc=; Path=/; Domain=example.org; Max-Age=86400; HttpOnly; SameSite=Lax; Secure; Odd=1"
    cookie = read_set_cookie(line)
    assert cookie
    assert (cookie.key, cookie.value, cookie["domain"], cookie["max-age"]) == (COOKIE, "MTc=", "example.org", "86400")
    assert cookie["httponly"] is cookie["secure"] is True


@given(st.text())
@example("a=b; Path=/\r\nSet-Cookie: admin=1")
@example("a\r\nb=c")
@example("a=b\r\nSet-Cookie: admin=1")
@example("a=b; Domain=\n")
def test_any_text_is_a_one_line_cookie_or_none(line: str) -> None:
    cookie = read_set_cookie(line)
    assert cookie is None or isinstance(cookie, Morsel)
    if cookie is not None:
        text = cookie.OutputString()
        assert "\n" not in text
        assert "\r" not in text


@pytest.mark.parametrize(
    ("domain", "host", "expected"),
    [
        ("", "app.example.org", True),
        ("example.org", "app.example.org", True),
        (".example.org", "app.example.org", True),
        ("Example.ORG", "app.example.org", True),
        ("app.example.org", "app.example.org", True),
        ("other.example.org", "app.example.org", False),
        ("ple.org", "app.example.org", False),
        ("app.example.org", "example.org", False),
        ("example.org", "example.org.evil.test", False),
    ],
)
def test_a_cookie_covers_the_hosts_that_browsers_send_it_to(domain: str, host: str, expected: bool) -> None:
    assert domain_covers(domain, host) is expected


@pytest.mark.promise("A flow is fetched with Ory's cookies, and no other cookie")
@given(st.text())
@example(f"{COOKIE}=x; sessionid=y; csrftoken=z; csrf_token_abc=1")
def test_a_flow_gets_only_orys_cookies(header: str) -> None:
    for pair in filter(None, select_flow_cookies(header, COOKIE).split("; ")):
        assert pair.startswith((f"{COOKIE}=", "csrf_token_"))
        assert pair.isascii()
        assert pair.isprintable()
