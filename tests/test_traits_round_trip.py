"""A settings form that is sent as it is changes no trait, whatever the identity schema says of it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from ory_auth.local import Config, LocalOry
from tests.browser import Browser, Page, through_client
from tests.conftest import Web
from tests.ories import HTTP, PASSWORD, Ory, Person

pytestmark = pytest.mark.django_db

HOST = "127.0.0.1:18000"  # where a real Ory that these tests use has its ui_urls
# A real Ory that these tests use has this schema under the id "traits".
SCHEMA = json.loads((Path(__file__).parent / "traits.schema.json").read_text())
FORMATS = {
    "date-time": ["2027-01-31T10:00:00Z", "2027-01-31t10:00:00.123456789+05:45", "1990-12-31T23:59:60Z"],
    "date": ["2027-01-31", "0000-01-01"],
    "time": ["10:00:00Z", "10:00:00.5+01:00"],
    "email": ["kim@example.org", '"kim x"@example.org', "küm@example.org", "kim@[192.0.2.1]"],
    "tel": ["+49 30 901820", "+1-541-754-3010"],
    "uri": ["https://example.org/?q=1#a", "urn:isbn:0451450523", "mailto:kim@example.org", "http://[2001:db8::1]/"],
    "uri-reference": ["../a?b#c", "//example.org"],
    "uri-template": ["https://example.org/{id}"],
    "iri": ["https://exämple.org/ü"],
    "hostname": ["example.org"],
    "ipv4": ["192.0.2.1"],
    "ipv6": ["2001:db8::1"],
    "regex": ["^[a-z]+$"],
    "json-pointer": ["/a/b~1c", "/ a "],
    "relative-json-pointer": ["1/a"],
    "uuid": ["4f0a2f3e-59b5-4f0c-9a3b-2f5a1b1d6c11"],
    "duration": ["P3Y6M4DT12H30M5S"],
    "idn-email": ["küm@exämple.org"],
    "idn-hostname": ["exämple.org"],
}
TEXTS = [
    "one\ntwo",
    "one\r\ntwo",
    "one\rtwo",
    "\nfirst line empty",
    " spaces on both sides ",
    "\t",
    "",
    "é\N{COMBINING ACUTE ACCENT}\N{ZERO WIDTH SPACE}\N{LINE SEPARATOR}",
    "\N{RIGHT-TO-LEFT OVERRIDE}\x7f\x80\x01",
    "</textarea><script>alert(1)</script>\n&amp;&lt;\"'",
    "x" * 3000,
    "a,b;c=d&e+f%20",
    "👩‍👩‍👧",
]
NUMBERS = [
    "0",
    "-0",
    "1.0",
    "0.1",
    "1e3",
    "1E+2",
    "9007199254740993",
    "-9223372036854775809",
    "0.12345678901234567890123",
]
NUMBERS += ["1" + "0" * 60 + "1", "5e-324", "123456789012345678901234567890"]
LISTS: dict[str, list[Any]] = {
    "texts": [["b", "a"], ["a"], ["a", ""], [""], [], ["x\ny"], [f"{n}" for n in range(12)], ["2", "10", "1"], [" a "]],
    "numbers": [[3, 1, 2], [1.5], [0], [], [2**53 + 1]],
    "integers": [[2, 1]],
    "booleans": [[True, False, True], [False], []],
    "untyped": [["b", "a"], [1, "1", True, None], [{"a": 1}, 2], [[1], [2]]],
    "nullable_items": [["b", None, "a"], ["1"]],
    "tuple": [["a", 1]],
    "lists": [[["b"], ["a", "c"]], [[]]],
    "objects": [[{"street": "B", "main": True}, {"street": "A", "number": 2**60 + 1}], [{}], []],
}
OTHERS: dict[str, list[Any]] = {
    "boolean": [True, False],
    "nullable": ["kim", None],
    "nullable_boolean": [True, False, None],
    "nullable_number": [2**60 + 1, 1.5, None],
    "several": ["1", 1, True, None, {"a": 1}, ["1"]],
    "anything": ["1", 1, True, None, {"a": [1, {"b": None}]}, [1, "1"]],
    "enum": ["b"],
    "enum_without_type": ["b", 2, None],
    "const": ["fixed"],
    "const_number": [7],
    "const_object": [{"a": 1}],
    "null": [None],
    "one_of": ["12", 12, "kim"],
    "any_of": ["kim", None],
    "all_of": ["kim"],
    "referenced": ["12345"],
    "short": ["abc"],
    "pattern": ["abc1"],
    "anchored": ["abc"],
    "choice": [True],
    "map": [{"theme": "dark", "size": 12, "deep": {"a": [1, 2]}}, {"a.b": 1, "": 2, "c\\d": "x"}, {}],
    "half_declared": [{"known": "a", "unknown": "b"}, {"unknown": 2**60 + 1}],
    "address": [{"street": "Main Street 1", "geo": {"lat": 52.52, "lon": 13.405}}, {"street": ""}, {}],
    "undeclared": ["x", 5, {"a": [True]}],
    "with.dot": ["x"],
}


def cases() -> Iterator[Any]:
    for format_, values in FORMATS.items():
        for number, value in enumerate(values):
            yield pytest.param({f"format_{format_.replace('-', '_')}": value}, id=f"{format_}-{number}")
    for number, text in enumerate(TEXTS):
        yield pytest.param({"text": text}, id=f"text-{number}")
    for digits in NUMBERS:
        yield pytest.param(f'{{"number": {digits}}}', id=f"number-{digits[:30]}")
    for name, all_values in {**LISTS, **OTHERS}.items():
        for number, value in enumerate(all_values):
            yield pytest.param({name: value}, id=f"{name}-{number}")
    yield pytest.param({"big": 2**60 + 1, "texts": ["b", "a"], "text": "a\nb", "boolean": True}, id="together")
    yield pytest.param({}, id="nothing")


@pytest.fixture(scope="module")
def _local() -> Iterator[LocalOry]:
    with LocalOry(
        Config(public_port=0, admin_port=0, schema=SCHEMA, schema_id="traits", ui_base=f"http://{HOST}/auth")
    ) as local:
        yield local


@pytest.fixture
def rich_ory(settings: Settings, request: pytest.FixtureRequest) -> Ory:
    """An Ory with the schema of these tests."""
    public, admin = os.environ.get("ORY_TEST_PUBLIC_URL"), os.environ.get("ORY_TEST_ADMIN_URL")
    if public and admin:
        ory = Ory(public, admin)
        if ory.public("GET", "/schemas/traits").status != 200:
            pytest.skip("this Ory does not have the schema of these tests")
    else:
        local = request.getfixturevalue("_local")
        ory = Ory(local.public_url, local.admin_url, local)
    settings.ORY_AUTH = {"SDK_URL": ory.public_url, "ADMIN_URL": ory.admin_url}
    return ory


@pytest.fixture(params=["wsgi-scripts", "asgi-plain"])
def browser(request: pytest.FixtureRequest) -> Browser:
    """One browser with scripts and one without, of a site under WSGI and one under ASGI."""
    front, _, kind = request.param.partition("-")
    return Browser(HOST, through_client(Web(front), HOST), scripts=kind == "scripts")


def register(ory: Ory, traits: Any) -> Person:
    """An identity with these traits, given as values or as JSON."""
    email = f"{uuid.uuid4().hex[:12]}@example.org"
    text = (traits if isinstance(traits, str) else json.dumps(traits)).strip()
    text = f'{{"email": "{email}"{", " if text != "{}" else ""}{text[1:]}'
    credentials = json.dumps({"password": {"config": {"password": PASSWORD}}})
    body = f'{{"schema_id": "traits", "credentials": {credentials}, "traits": {text}}}'
    reply = HTTP.request(
        "POST", f"{ory.admin_url}/admin/identities", body=body, headers={"Content-Type": "application/json"}
    )
    if reply.status == 400:
        pytest.skip("this Ory refuses such a trait")
    assert reply.status == 201, reply.data
    return Person(ory, json.loads(reply.data)["id"], email, PASSWORD)


@dataclass(eq=False)
class Exact:
    """A number, to be compared with all of its digits."""

    text: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Exact) and Decimal(self.text) == Decimal(other.text)


def stored(person: Person) -> Any:
    reply = person.ory.admin("GET", f"/admin/identities/{person.id}")
    return json.loads(reply.body, parse_float=Exact, parse_int=Exact)["traits"]


def open_settings(browser: Browser, person: Person) -> Page:
    browser.jar.update({("127.0.0.1", name): value for name, value in person.cookie().jar.items()})
    page = browser.open("/auth/settings")
    assert (page.path, page.status) == ("/auth/settings", 200)
    return page


def save(browser: Browser, page: Page, **values: str) -> Page:
    """Press Save in the profile; without scripts some profiles need a second press."""
    page = browser.submit(page, page.form_with("traits.email"), "profile", **values)
    again = [form for form in page.forms if "data-ory-submit" in form.attributes]
    return browser.submit(page, again[0]) if again else page


def without_empty_objects(traits: Any) -> Any:
    """Ory adds an empty object for each object that the schema declares and that is not there."""
    if not isinstance(traits, dict):
        return traits
    kept = {name: without_empty_objects(value) for name, value in traits.items()}
    return {name: value for name, value in kept.items() if value != {}}


@pytest.mark.parametrize("traits", list(cases()))
def test_saving_what_is_shown_changes_no_trait(rich_ory: Ory, browser: Browser, traits: Any) -> None:
    person = register(rich_ory, traits)
    before = stored(person)
    page = save(browser, open_settings(browser, person))
    assert (page.path, page.status) == ("/auth/settings", 200), page.text
    assert without_empty_objects(stored(person)) == without_empty_objects(before)
    assert "ory-message-success" in page.text
