"""A settings form that is sent as it is changes no trait, whatever the identity schema says of it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from ory_auth.local import Config, LocalOry
from ory_auth.local.model.nodes import submit_button
from ory_auth.local.model.trait_forms import parse_traits, trait_nodes
from ory_auth.pages.ui import read_flow, read_traits, write_exact
from tests.support.browser import Browser, Page, client_transport
from tests.support.client import DualClient
from tests.support.html_forms import read_forms
from tests.support.ory import HTTP, PASSWORD, Ory, Person

pytestmark = pytest.mark.django_db
ChangeSchema = Callable[..., None]

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
    "a\0b",
    "a\ud800b",
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
    site = f"http://{HOST}"
    with LocalOry(
        Config(
            public_port=0,
            admin_port=0,
            schema=SCHEMA,
            schema_id="traits",
            ui_base=f"{site}/auth",
            default_return_url=f"{site}/",
            allowed_return_urls=(f"{site}/",),
        )
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


@pytest.fixture
def change_schema(rich_ory: Ory) -> Iterator[ChangeSchema]:
    """Keep only some traits of the schema, or add others."""
    local = rich_ory.local
    if not local:
        pytest.skip("the schema of a real Ory is not changed")

    def change(*, keep: Sequence[str] = (), **more: object) -> None:
        traits = SCHEMA["properties"]["traits"]
        kept = {name: one for name, one in traits["properties"].items() if not keep or name in keep}
        traits = {**traits, "properties": {**kept, **more}}
        local.configure(schema={**SCHEMA, "properties": {"traits": traits}})

    yield change
    local.configure(schema=SCHEMA)


@pytest.fixture(params=["wsgi-scripts", "asgi-plain"])
def browser(request: pytest.FixtureRequest) -> Browser:
    """One browser with scripts and one without, of a site under WSGI and one under ASGI."""
    front, _, kind = request.param.partition("-")
    return Browser(HOST, client_transport(DualClient(front), HOST), scripts=kind == "scripts")


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
    browser.jar.update({("127.0.0.1", name): value for name, value in person.browser_session().jar.items()})
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


@pytest.mark.promise("Saving the settings page changes no trait that was not edited")
@pytest.mark.parametrize("traits", list(cases()))
def test_saving_an_unchanged_form_changes_no_trait(rich_ory: Ory, browser: Browser, traits: Any) -> None:
    person = register(rich_ory, traits)
    before = stored(person)
    page = save(browser, open_settings(browser, person))
    assert (page.path, page.status) == ("/auth/settings", 200), page.text
    assert without_empty_objects(stored(person)) == without_empty_objects(before)
    assert "ory-message-success" in page.text


# --- changes


LOSSY = {"big": 2**60 + 1, "objects": [{"street": "B"}, {"street": "A", "floor": 2}], "nullable": "kim", "text": "a\nb"}


def test_a_change_reaches_ory_and_leaves_the_rest_alone(rich_ory: Ory, browser: Browser) -> None:
    person = register(rich_ory, {**LOSSY, "texts": ["b", "a"], "address": {"street": "Old Street"}})
    before = stored(person)
    page = save(browser, open_settings(browser, person), traits__address__street="New Street")
    assert "ory-message-success" in page.text
    expected = {**before, "address": {"street": "New Street"}}
    assert without_empty_objects(stored(person)) == without_empty_objects(expected)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("traits.nullable", "sam", {"nullable": "sam"}),
        ("traits.nullable", "", {"nullable": None}),
        ("traits.big", "1152921504606846979", {"big": Exact("1152921504606846979")}),
        ("traits.number", "9007199254740995", {"number": Exact("9007199254740995")}),
        ("traits.boolean", "true", {"boolean": True}),
        ("traits.text", "one\r\ntwo", {"text": "one\ntwo"}),
        ("traits.objects.1.street", "C", {"objects": [{"street": "B"}, {"street": "C", "floor": Exact("2")}]}),
        ("traits.objects.1.floor", "3", {"objects": [{"street": "B"}, {"street": "A", "floor": Exact("3")}]}),
        ("traits.objects.1.street", "", {"objects": [{"street": "B"}, {"floor": Exact("2")}]}),
        ("traits.texts", "new", {"texts": ["new"]}),
        ("traits.numbers", "1.5", {"numbers": [Exact("1.5")]}),
        ("traits.format_date_time", "2027-01-31T10:00:00+05:45", {"format_date_time": "2027-01-31T10:00:00+05:45"}),
        ("traits.half_declared.known", "x", {"half_declared": {"known": "x"}}),
    ],
)
def test_entered_values_get_the_type_of_the_trait(
    rich_ory: Ory, browser: Browser, field: str, value: str, expected: dict[str, Any]
) -> None:
    person = register(rich_ory, LOSSY)
    before = stored(person)
    page = save(browser, open_settings(browser, person), **{field: value})
    assert "ory-message-success" in page.text
    changed = {name: value for name, value in {**before, **expected}.items() if value is not None}
    assert without_empty_objects(stored(person)) == changed


def test_a_form_of_plain_traits_goes_to_ory_directly(rich_ory: Ory, browser: Browser) -> None:
    person = register(rich_ory, {"text": "a", "texts": ["b", "a"], "boolean": True, "number": 1.5})
    page = open_settings(browser, person)
    form = page.form_with("traits.email")
    assert form.action.startswith(rich_ory.public_url)
    page = browser.submit(page, form, "profile", traits__text="c", traits__boolean="false", traits__number="2")
    after = stored(person)
    assert (after["text"], after["texts"], after["boolean"]) == ("c", ["b", "a"], False)
    assert after["number"] == Exact("2")


def test_the_first_item_of_a_list_needs_scripts_if_the_form_goes_to_ory(rich_ory: Ory, browser: Browser) -> None:
    person = register(rich_ory, {})
    page = open_settings(browser, person)
    if browser.scripts:
        save(browser, page, traits__texts="choir")
        assert stored(person)["texts"] == ["choir"]
    else:
        assert page.form_with("traits.email").control("traits.texts").disabled
        assert "Turn on JavaScript to fill in this field." in page.text


def test_an_emptied_item_is_removed(rich_ory: Ory, browser: Browser) -> None:
    person = register(rich_ory, {**LOSSY, "texts": ["c", "", "a", "b"], "numbers": [3, 1]})
    page = open_settings(browser, person)
    form = page.form_with("traits.email")
    items = [control for control in form.controls if control.name == "traits.texts"]
    assert [item.value for item in items] == ["c", "", "a", "b"]
    items[2].enter("")
    next(control for control in form.controls if control.name == "traits.numbers").enter("4")
    page = browser.submit(page, form, "profile")
    for again in (form for form in page.forms if "data-ory-submit" in form.attributes):
        browser.submit(page, again)
    after = stored(person)
    assert after["texts"] == ["c", "", "b"]
    assert after["numbers"] == [Exact("4"), Exact("1")]


@pytest.mark.parametrize("traits", [{}, LOSSY], ids=["plain", "merged"])
def test_a_value_that_ory_refuses_is_shown_again_and_nothing_is_lost(
    rich_ory: Ory, browser: Browser, traits: dict[str, Any]
) -> None:
    person = register(rich_ory, {**traits, "enum": "a"})
    before = stored(person)
    wrong = {"traits.format_date_time": "tomorrow", "traits.pattern": "abc"}
    page = save(browser, open_settings(browser, person), **wrong)
    assert stored(person) == before
    form = page.form_with("traits.email")
    assert {name: form.fields[name] for name in wrong} == wrong
    assert "ory-message-error" in page.text
    page = save(browser, page, traits__format_date_time="2027-01-31T10:00:00Z")
    expected = {**before, "format_date_time": "2027-01-31T10:00:00Z", "pattern": "abc"}
    assert without_empty_objects(stored(person)) == expected


def test_a_person_registers_with_a_time(rich_ory: Ory, browser: Browser, change_schema: ChangeSchema) -> None:
    change_schema(keep=("email", "format_date_time"))
    email, time = f"{uuid.uuid4().hex[:12]}@example.org", "2027-01-31T10:00:00+05:45"
    page = browser.open("/auth/registration")
    form = page.form_with("traits.email")
    assert form.control("traits.format_date_time").attributes["placeholder"] == "2027-01-31T10:00:00Z"
    page = browser.submit(page, form, "profile", traits__email=email, traits__format_date_time=time)
    browser.submit(page, page.form_with("password"), "password", password=PASSWORD)
    [identity] = rich_ory.admin("GET", f"/admin/identities?credentials_identifier={email}").json
    assert identity["traits"]["format_date_time"] == time


@pytest.mark.parametrize(
    "traits",
    [
        {"objects": [{"street": "B", "main": True}, {"street": "A"}], "lists": [["b"], ["a", "c"]], "fixed": {"a": 1}},
        {"objects": [], "lists": [[]], "fixed": {"a": 1}, "text": "x"},
    ],
)
def test_declared_lists_of_objects_stay(
    rich_ory: Ory, browser: Browser, change_schema: ChangeSchema, traits: dict[str, Any]
) -> None:
    street = {"type": "object", "properties": {"street": {"type": "string"}}}
    change_schema(
        objects={"type": "array", "items": street},
        lists={"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
        fixed={"const": {"a": 1}},
    )
    person = register(rich_ory, traits)
    before = stored(person)
    page = save(browser, open_settings(browser, person), traits__text="changed")
    assert "ory-message-success" in page.text
    assert without_empty_objects(stored(person)) == without_empty_objects({**before, "text": "changed"})


def test_nothing_is_lost_if_ory_requires_reauthentication(rich_ory: Ory, browser: Browser) -> None:
    if not rich_ory.local:
        pytest.skip("needs the local Ory")
    person = register(rich_ory, LOSSY)
    before, email = stored(person), f"{uuid.uuid4().hex[:12]}@example.org"
    page = open_settings(browser, person)
    rich_ory.local.configure(privileged_session_max_age=-1)
    page = save(browser, page, traits__email=email)
    rich_ory.local.configure(privileged_session_max_age=900)
    assert page.path == "/auth/login"
    page = browser.submit(page, page.form_with("password"), "password", identifier=person.email, password=PASSWORD)
    assert page.path == "/auth/settings"
    assert without_empty_objects(stored(person)) == {**before, "email": email}


# --- the profile on its way to Ory


def test_nothing_is_lost_without_the_schema(rich_ory: Ory, browser: Browser) -> None:
    if not rich_ory.local:
        pytest.skip("needs the local Ory")
    person = register(rich_ory, {**LOSSY, "texts": ["b", "a"], "boolean": True})
    before = stored(person)
    with rich_ory.local.failing(503, path="/schemas"):
        page = open_settings(browser, person)
        page = save(browser, page, traits__text="c", traits__boolean="false")
    assert "ory-message-success" in page.text
    assert without_empty_objects(stored(person)) == {**before, "text": "c", "boolean": False}


def test_too_deeply_nested_traits_are_left_alone(rich_ory: Ory, browser: Browser) -> None:
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    page = open_settings(browser, register(rich_ory, {"undeclared": deep}))
    assert "Your profile cannot be changed on this page." in page.text
    assert "traits.email" not in page.fields
    assert "password" in page.fields


@pytest.mark.promise("The settings page takes a profile only with a CSRF token")
@pytest.mark.parametrize("without", ["", "django.middleware.csrf.CsrfViewMiddleware"])
def test_the_profile_is_refused_without_the_token_of_this_site(rich_ory: Ory, settings: Settings, without: str) -> None:
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if each != without]
    client = Client(enforce_csrf_checks=True)
    session = register(rich_ory, LOSSY).browser_session()
    flow = session.get("/self-service/settings/browser").json
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in session.jar.items())}
    response = client.post(f"/auth/settings?flow={flow['id']}", {"traits.text": "forged"}, headers=headers)
    assert response.status_code == 403
    assert "forged" not in response.content.decode()


def test_a_profile_for_another_persons_flow_is_refused(rich_ory: Ory) -> None:
    flow = register(rich_ory, LOSSY).browser_session().get("/self-service/settings/browser").json
    session = register(rich_ory, {}).browser_session()
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in session.jar.items())}
    response = Client().post(f"/auth/settings?flow={flow['id']}", {"traits.text": "mine"}, headers=headers)
    assert response.status_code in {403, 404}
    assert "mine" not in response.content.decode()


@pytest.mark.parametrize("query", ["", "?flow=", "?flow=5bb3bca8-4ab7-4f5b-aefb-9519451920ea"])
def test_a_profile_without_a_flow_says_how_to_start_again(rich_ory: Ory, query: str) -> None:
    response = Client().post(f"/auth/settings{query}", {"traits.text": "x"})
    if rich_ory.local or "-" not in query:
        assert response.status_code == 404
        assert "Start again" in response.content.decode()
    else:  # a real Ory looks for the session first
        assert response.status_code == 302


def test_hostile_text_is_escaped(rich_ory: Ory, browser: Browser) -> None:
    hostile = "\"'><script>alert(1)</script>"
    person = register(rich_ory, {**LOSSY, hostile: hostile})
    page = open_settings(browser, person)
    assert hostile not in page.text
    browser.scripts = False
    page = browser.submit(page, page.form_with("traits.email"), "profile", traits__text=hostile)
    assert "data-ory-submit" in page.text
    assert "<script>alert" not in page.text
    save_form = next(form for form in page.forms if "data-ory-submit" in form.attributes)
    browser.submit(page, save_form)
    after = stored(person)
    assert (after["text"], after[hostile]) == (hostile, hostile)


# --- any traits at all


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=4), below, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(sorted(SCHEMA["properties"]["traits"]["properties"])) | st.text(max_size=4)


@pytest.mark.parametrize("scripts", [True, False])
@given(traits=st.dictionaries(NAMES, JSON, max_size=4), known=st.booleans())
@hypothesis_settings(deadline=None, max_examples=150)
def test_no_traits_are_lost_on_the_way_through_a_form(scripts: bool, traits: dict[str, Any], known: bool) -> None:
    """Also traits that the schema would not allow. The nodes and the reading of the form are the local Ory's."""
    traits = {"email": "kim@example.org", **traits}
    nodes = [*trait_nodes("profile", SCHEMA, traits), submit_button("profile", 1070003)]
    flow = json.dumps({"identity": {"traits": traits}, "ui": {"nodes": nodes}})
    read = read_traits(flow.encode(), SCHEMA if known else None)
    assert read
    page = read_flow(json.loads(flow), submit_url="/ory", ory_url="http://ory", traits=read, merge_url="/here")
    context = {"page": page, "flow": "settings", "csrf_token": "c"}
    [form] = read_forms(render_to_string("ory_auth/settings.html", context))
    if scripts:
        form.run_script()
    sent: dict[str, list[str]] = {}
    for name, value in form.entries([("method", "profile")], scripts=scripts):
        sent.setdefault(name, []).append(value)
    merged = form.action == "/here"
    after = json.loads(write_exact(read.merge(sent))) if merged else parse_traits(SCHEMA, sent)
    assert in_one_form(after) == in_one_form(traits)


def in_one_form(traits: Any) -> str:
    """JSON in which 1 and 1.0 are the same, and true is not."""
    return json.dumps(json.loads(json.dumps(without_empty_objects(traits)), parse_int=float), sort_keys=True)
