"""Ory's flows as pages: ``ory_auth.pages.ui`` and the templates that render it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils.html import escape
from hypothesis import given, settings
from hypothesis import strategies as st

from ory_auth.pages.ui import FlowPage, read_flow
from ory_auth.pages.ui.page import Captcha, Links
from tests.support.types import Json

ORY = "https://ory.example"
SUBMIT = f"{ORY}/self-service/login?flow=1"
INVISIBLE_TYPES = {"hidden", "submit", "button"}


def message(text: str, type_: str = "info", **context: Any) -> dict[str, Any]:
    return {"id": 1, "type": type_, "text": text, "context": context}


def node(
    type_: str, group: str, *, label: str = "", messages: tuple[Any, ...] = (), **attributes: Any
) -> dict[str, Any]:
    meta = {"label": message(label)} if label else {}
    return {"type": type_, "group": group, "attributes": attributes, "messages": list(messages), "meta": meta}


def field(group: str, name: str, type_: str = "text", **rest: Any) -> dict[str, Any]:
    return node("input", group, name=name, type=type_, disabled=False, **rest)


def submit(group: str, value: str, name: str = "method", **rest: Any) -> dict[str, Any]:
    return field(group, name, "submit", value=value, **rest)


CSRF = field("default", "csrf_token", "hidden", value="c", required=True)
IDENTIFIER = field("default", "identifier", required=True, label="E-mail")
PASSWORD = field("password", "password", "password", required=True, label="Password")


def read(*nodes: Any, **flow: Any) -> FlowPage:
    messages = flow.pop("messages", [])
    return read_flow({"ui": {"nodes": list(nodes), "messages": messages}, **flow}, submit_url=SUBMIT, ory_url=ORY)


def html(page: FlowPage, flow: str = "login", return_to: str = "") -> str:
    context = {"page": page, "flow": flow, "restart_url": "/again", "return_to": return_to}
    return render_to_string(f"ory_auth/{flow}.html", context)


class Elements(HTMLParser):
    """The start tags of a page, and for each form what a press of one of its buttons would send."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.forms: list[list[dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "form":
            self.forms.append([])
        if tag in {"input", "button"}:
            self.forms[-1].append({"tag": tag, **dict(attrs)})

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    def one(self, **wanted: str) -> dict[str, str | None]:
        found = [attrs for _, attrs in self.tags if all(attrs.get(name) == value for name, value in wanted.items())]
        assert len(found) == 1, found
        return found[0]


def sent(page: FlowPage) -> dict[str, list[str]]:
    """Which names each button sends, itself included."""
    pressed = {}
    for form in Elements(html(page, "settings")).forms:
        names = [str(item["name"]) for item in form if item["tag"] == "input"]
        for button in form:
            if button["tag"] == "button" and "disabled" not in button:
                pressed[f"{button['name']}={button['value']}"] = [*names, str(button["name"])]
    return pressed


# Which nodes travel together


def test_login_with_password_sends_the_default_group_and_its_own() -> None:
    page = read(CSRF, IDENTIFIER, PASSWORD, submit("password", "password"))
    assert sent(page) == {"method=password": ["csrf_token", "identifier", "password", "method"]}


def test_methods_that_need_the_identifier_share_its_form() -> None:
    page = read(CSRF, IDENTIFIER, submit("code", "code"), PASSWORD, submit("password", "password"))
    (form,) = Elements(html(page)).forms
    buttons = [item for item in form if item["tag"] == "button"]
    assert [button["value"] for button in buttons] == ["password", "code"], "Enter presses the first one"
    assert "formnovalidate" not in buttons[0]
    assert "formnovalidate" in buttons[1], "the empty password must not hold up the code"


def test_a_button_that_only_carries_a_value_is_not_held_up_by_shared_fields() -> None:
    page = read(submit("oidc", "github", name="provider"), CSRF, IDENTIFIER, PASSWORD, submit("password", "password"))
    assert sent(page)["provider=github"] == ["csrf_token", "provider"]


def test_each_method_of_the_settings_is_a_form_of_its_own() -> None:
    page = read(
        CSRF,
        field("profile", "traits.email", "email", required=True),
        submit("profile", "profile"),
        PASSWORD,
        submit("password", "password"),
        field("totp", "totp_code", required=True),
        submit("totp", "totp"),
        submit("lookup_secret", "true", name="lookup_secret_regenerate"),
    )
    assert sent(page) == {
        "method=profile": ["csrf_token", "traits.email", "method"],
        "method=password": ["csrf_token", "password", "method"],
        "method=totp": ["csrf_token", "totp_code", "method"],
        "lookup_secret_regenerate=true": ["csrf_token", "lookup_secret_regenerate"],
    }
    assert [section.group for section in page.sections] == ["profile", "password", "totp", "lookup_secret"]


def test_sending_the_code_again_needs_no_code_and_enter_does_not_press_it() -> None:
    page = read(
        CSRF,
        field("default", "identifier", "hidden", value="ada@example.org"),
        field("code", "code", required=True),
        submit("code", "code", name="resend"),
        field("code", "method", "hidden", value="code"),
        submit("code", "code"),
    )
    assert sent(page) == {
        "method=code": ["csrf_token", "identifier", "method", "code", "method"],
        "resend=code": ["csrf_token", "identifier", "method", "resend"],
    }


def test_the_hidden_identifier_of_the_step_before_goes_with_every_method() -> None:
    page = read(
        field("identifier_first", "identifier", "hidden", value="ada@example.org"),
        CSRF,
        PASSWORD,
        submit("password", "password"),
        submit("code", "code"),
    )
    assert sent(page) == {
        "method=password": ["csrf_token", "identifier", "password", "method"],
        "method=code": ["csrf_token", "identifier", "method"],
    }


def test_the_way_back_at_registration_needs_no_password() -> None:
    page = read(
        CSRF,
        field("default", "traits.email", "hidden", value="ada@example.org"),
        PASSWORD,
        submit("password", "password"),
        submit("profile", "previous", name="screen"),
    )
    assert sent(page)["screen=previous"] == ["csrf_token", "traits.email", "screen"]
    assert page.sections[1].goes_back


def test_a_trigger_has_its_fields_beside_it_and_enter_removes_no_key() -> None:
    page = read(
        CSRF,
        submit("webauthn", "k1", name="webauthn_remove", label="Remove the key"),
        field("webauthn", "webauthn_register_displayname", label="Name of the key"),
        field("webauthn", "webauthn_register", "hidden", value=""),
        field("webauthn", "webauthn_register_trigger", "button", value="{}", onclickTrigger="oryWebAuthnRegistration"),
    )
    remove, add = Elements(html(page, "settings")).forms
    assert [item.get("name") for item in add] == [
        "csrf_token",
        "webauthn_register",
        None,
        "webauthn_register_displayname",
        "webauthn_register_trigger",
    ]
    assert "disabled" in add[2], "a form whose first submit button is disabled is not sent by Enter"
    assert add[-1]["data-ory-click"] == "oryWebAuthnRegistration"
    assert [item["name"] for item in remove] == ["csrf_token", "webauthn_remove"]


def test_an_unknown_group_is_rendered_like_any_other() -> None:
    page = read(CSRF, field("dance", "steps", "number", required=True), submit("dance", "go", name="begin"))
    assert sent(page) == {"begin=go": ["csrf_token", "steps", "begin"]}


def test_the_token_of_a_captcha_goes_with_every_form() -> None:
    options = json.dumps({"sitekey": "k", "action": "login", "theme": "dark", "response_field_name": "captcha_token"})
    page = read(
        CSRF,
        IDENTIFIER,
        PASSWORD,
        submit("password", "password"),
        submit("oidc", "github", name="provider"),
        field("captcha", "captcha_turnstile_options", "hidden", value=options),
        field("captcha", "captcha_token", "hidden", value=""),
        node("script", "captcha", src="https://challenges.cloudflare.com/turnstile/v0/api.js"),
        node("div", "captcha", id="c"),
    )
    assert page.captcha == Captcha("k", "login", "dark", "captcha_token")
    assert all("captcha_token" in names for names in sent(page).values())


def test_the_items_of_an_array_are_sent_by_the_name_of_the_array() -> None:
    page = read(
        CSRF,
        field("profile", "traits.groups"),
        field("profile", "traits.groups.0", value="choir"),
        field("profile", "traits.groups.1", value="chess"),
        submit("profile", "profile"),
    )
    assert sent(page) == {"method=profile": ["csrf_token", "traits.groups", "traits.groups", "method"]}
    assert [item.get("value") for item in Elements(html(page)).forms[0]][1:3] == ["choir", "chess"]


def test_an_empty_array_stays_one_field_and_is_not_sent_when_hidden() -> None:
    item, array = ("traits.groups.0", "traits.groups")
    page = read(CSRF, field("profile", item, value=""), field("profile", array), submit("profile", "profile"))
    assert sent(page) == {"method=profile": ["csrf_token", array, "method"]}
    page = read(
        CSRF, field("default", item, "hidden", value=""), field("default", array, "hidden"), submit("code", "code")
    )
    assert sent(page) == {"method=code": ["csrf_token", "method"]}


def test_the_items_of_a_hidden_array_are_hidden_too() -> None:
    page = read(
        CSRF,
        field("default", "traits.tags", "hidden"),
        field("default", "traits.tags.0", value="choir"),
        field("default", "traits.tags.1", value=""),
        *(PASSWORD, submit("password", "password")),
    )
    assert sent(page) == {"method=password": ["csrf_token", "traits.tags", "password", "method"]}


# Every type of node


@pytest.mark.parametrize("type_", ["text", "password", "number", "email", "tel", "url", "date"])
def test_an_input_keeps_its_type_and_attributes(type_: str) -> None:
    attributes = {"required": True, "pattern": "[0-9]+", "maxlength": 6, "autocomplete": "tel"}
    page = read(field("a", "x", type_, label="What", **attributes), submit("a", "a"))
    element = Elements(html(page)).one(name="x")
    assert element["type"] == type_
    assert {name: element[name] for name in ("pattern", "maxlength", "autocomplete")} == {
        "pattern": "[0-9]+",
        "maxlength": "6",
        "autocomplete": "tel",
    }
    assert "required" in element


@pytest.mark.parametrize(("type_", "example"), [("datetime-local", "2027-01-31T10:00:00Z"), ("time", "10:00:00Z")])
def test_a_time_with_a_zone_is_entered_as_text(type_: str, example: str) -> None:
    element = Elements(html(read(field("a", "x", type_), submit("a", "a")))).one(name="x")
    assert (element["type"], element["placeholder"]) == ("text", example)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("email", '"kim x"@example.org'),
        ("email", "küm@example.org"),
        ("email", " kim@example.org"),
        ("url", "example.org"),
        ("url", "http://[::1]/"),
        ("url", "https://example.org/a b"),
        ("date", "2027-02-30"),
        ("date", "31.1.2027"),
        ("number", "12 or 13"),
        ("number", "1e400"),
    ],
)
def test_a_value_that_the_type_refuses_makes_a_text_field(type_: str, value: str) -> None:
    element = Elements(html(read(field("a", "x", type_, value=value), submit("a", "a")))).one(name="x")
    assert (element["type"], element["value"]) == ("text", value)


@pytest.mark.parametrize("value", ["one\ntwo", "one\r\ntwo", "\n<two>"])
def test_a_text_with_line_breaks_has_a_field_for_them(value: str) -> None:
    text = html(read(field("a", "x", value=value), submit("a", "a")))
    assert Elements(text).one(name="x").get("type") is None
    assert f"\n{escape(value)}</textarea>" in text


def test_a_value_that_breaks_a_rule_is_not_held_to_it() -> None:
    rules: dict[str, Any] = {"pattern": "[0-9]+", "maxlength": 6}
    element = Elements(html(read(field("a", "x", value="not a number", **rules), submit("a", "a")))).one(name="x")
    assert "pattern" not in element
    assert "maxlength" not in element


def test_a_pattern_that_may_match_a_part_of_a_trait_is_left_to_ory() -> None:
    page = read(
        field("a", "traits.anywhere", pattern="[a-z]"), field("a", "traits.all", pattern="^[a-z]+$"), submit("a", "a")
    )
    elements = Elements(html(page))
    assert "pattern" not in elements.one(name="traits.anywhere")
    assert elements.one(name="traits.all")["pattern"] == "^[a-z]+$"


def test_a_required_boolean_trait_may_stay_unticked() -> None:
    page = read(field("profile", "traits.news", "checkbox", value=False, required=True), submit("profile", "profile"))
    assert "required" not in Elements(html(page)).one(type="checkbox")


def test_the_items_of_an_array_keep_their_order() -> None:
    page = read(
        field("profile", "traits.groups.10", value="a"),
        field("profile", "traits.groups.2", value="b"),
        field("profile", "traits.groups"),
        field("profile", "traits.groups.1", value=""),
        submit("profile", "profile"),
    )
    assert [item.get("value", "") for item in Elements(html(page)).forms[0]][:3] == ["", "b", "a"]


def test_yes_and_no_in_an_array_are_one_value_each() -> None:
    page = read(
        field("profile", "traits.answers.0", "checkbox", value=False),
        field("profile", "traits.answers.1", "checkbox", value=True),
        field("profile", "traits.answers"),
        submit("profile", "profile"),
    )
    assert [item.get("value") for item in Elements(html(page)).forms[0]][:2] == ["false", "true"]


def test_a_label_belongs_to_its_input() -> None:
    elements = Elements(html(read(CSRF, IDENTIFIER, PASSWORD, submit("password", "password"))))
    fields = [attrs["id"] for attrs in elements.all("input") if attrs["type"] not in INVISIBLE_TYPES]
    assert [attrs["for"] for attrs in elements.all("label")] == fields
    assert len(set(fields)) == 2


def test_a_field_without_label_gets_its_name() -> None:
    page = read(field("profile", "traits.home_address"), submit("profile", "profile"))
    assert "Home address" in html(page)


def test_an_input_of_an_unknown_type_is_a_text_field() -> None:
    page = read(field("a", "x", "hologram", value="v"), submit("a", "a"))
    assert Elements(html(page)).one(name="x")["type"] == "text"


def test_a_password_is_never_written_into_the_page() -> None:
    page = read(field("password", "password", "password", value="correct horse"), submit("password", "password"))
    assert "correct horse" not in html(page)


@pytest.mark.parametrize(("value", "checked"), [(True, True), ("true", True), (False, False), (None, False)])
def test_a_checkbox_sends_false_when_it_is_not_checked(value: object, checked: bool) -> None:
    page = read(field("profile", "traits.news", "checkbox", value=value), submit("profile", "profile"))
    off, on = (item for item in Elements(html(page)).forms[0] if item["name"] == "traits.news")
    assert (off["type"], off["value"]) == ("hidden", "false")
    assert (on["type"], on["value"], "checked" in on) == ("checkbox", "true", checked)


def test_hidden_fields_are_kept_with_values_of_any_kind() -> None:
    values = {"a": "text", "b": 7, "c": True, "d": None, "e": 1.5}
    page = read(*(field("default", name, "hidden", value=value) for name, value in values.items()), submit("x", "x"))
    assert [(h.name, h.value) for h in page.sections[0].forms[0].hidden] == [
        ("a", "text"),
        ("b", "7"),
        ("c", "true"),
        ("d", ""),
        ("e", "1.5"),
    ]


def test_a_disabled_field_and_button_stay_disabled() -> None:
    page = read(
        node("input", "a", name="x", type="text", disabled=True),
        node("input", "a", name="method", type="submit", value="a", disabled=True),
    )
    elements = Elements(html(page))
    assert "disabled" in elements.one(name="x")
    assert "disabled" in elements.one(name="method")


def test_a_secret_is_shown_to_be_copied() -> None:
    text = message("JBSWY3DP", secret="JBSWY3DP")
    page = read(node("text", "totp", id="s", text=text, label="Secret"), submit("totp", "totp"))
    assert ">JBSWY3DP</code>" in html(page)


def test_lookup_codes_are_a_list_in_which_the_used_ones_are_marked() -> None:
    codes = [message("aaaa1111", secret="aaaa1111"), message("Used last week", used_at="2026-01-01T00:00:00Z")]
    text = message("aaaa1111, Used last week", secrets=codes)
    page = read(node("text", "lookup_secret", id="codes", text=text, label="Your codes"), submit("lookup_secret", "x"))
    rendered = html(page)
    assert rendered.count("<li>") == 2
    assert "<code>aaaa1111</code>" in rendered
    assert 'title="Used last week"' in rendered


def test_codes_that_were_asked_for_come_first() -> None:
    text = message("aaaa1111", secrets=[message("aaaa1111", secret="aaaa1111")])
    page = read(CSRF, PASSWORD, submit("password", "password"), node("text", "lookup_secret", id="codes", text=text))
    assert [section.group for section in page.sections] == ["lookup_secret", "password"]


def test_text_without_buttons_has_no_form() -> None:
    page = read(CSRF, node("a", "code", id="go", href="https://app.example/", title=message("Go on")))
    elements = Elements(html(page, "verification"))
    assert elements.forms == []
    assert "https://app.example/" in [attrs["href"] for attrs in elements.all("a")]


def test_an_image_has_its_label_as_alt_text() -> None:
    src = "data:image/png;base64,iVBORw0KGgo="
    page = read(node("img", "totp", src=src, width=256, height=256, id="qr", label="QR code"), submit("totp", "totp"))
    assert Elements(html(page)).all("img") == [{"src": src, "alt": "QR code", "width": "256", "height": "256"}]


# What Ory says


def test_an_error_of_a_field_is_tied_to_it() -> None:
    wrong = field("a", "x", messages=(message("Too short", "error"),), label="Word")
    elements = Elements(html(read(field("a", "first"), wrong, submit("a", "a"))))
    element = elements.one(name="x")
    assert element["aria-invalid"] == "true"
    assert elements.one(id=str(element["aria-describedby"]))
    assert "autofocus" in element, "writing goes on where something is wrong"


def test_the_first_empty_field_has_the_focus() -> None:
    page = read(CSRF, field("default", "identifier", value="ada"), PASSWORD, submit("password", "password"))
    assert "autofocus" in Elements(html(page)).one(name="password")


def test_the_settings_take_the_focus_only_for_what_is_wrong() -> None:
    page = replace(read(CSRF, PASSWORD, submit("password", "password")), kind="settings")
    assert "autofocus" not in Elements(html(page, "settings")).one(name="password")
    wrong = {**PASSWORD, "messages": [message("Too short", "error")]}
    page = read(CSRF, wrong, submit("password", "password"))
    assert "autofocus" in Elements(html(page, "settings")).one(name="password")


@pytest.mark.parametrize(
    ("type_", "kind", "role"),
    [("error", "error", "alert"), ("success", "success", "status"), ("new", "info", "status")],
)
def test_a_message_is_announced_by_its_type(type_: str, kind: str, role: str) -> None:
    page = read(messages=[message("Look here", type_)])
    assert [(m.kind, m.text) for m in page.messages] == [(kind, "Look here")]
    assert Elements(html(page)).one(role=role)["class"] == f"ory-message ory-message-{kind}"
    assert page.has_errors is (type_ == "error")


def test_messages_of_hidden_nodes_are_shown() -> None:
    page = read(field("default", "csrf_token", "hidden", messages=(message("No token", "error"),)))
    assert [m.text for m in page.messages] == ["No token"]


def test_a_second_factor_is_known_by_its_buttons() -> None:
    assert not read(CSRF, requested_aal="aal2").has_second_factor
    assert read(CSRF, field("totp", "totp_code"), submit("totp", "totp"), requested_aal="aal2").has_second_factor
    assert not read(CSRF, IDENTIFIER, submit("password", "password"), requested_aal="aal1").has_second_factor


# What must not get into a page


HOSTILE = '"><script>alert(1)</script>'
CLASS: Json = {"class": HOSTILE}


def test_hostile_text_is_escaped_everywhere() -> None:
    said = (message(HOSTILE, "error"),)
    page = read(
        field(HOSTILE, HOSTILE, value=HOSTILE, label=HOSTILE, pattern=HOSTILE, autocomplete=HOSTILE, messages=said),
        field(HOSTILE, HOSTILE, "hidden", value=HOSTILE),
        field(HOSTILE, HOSTILE, "checkbox", label=HOSTILE),
        submit(HOSTILE, HOSTILE, label=HOSTILE),
        field(HOSTILE, "t", "button", value=HOSTILE, onclickTrigger=HOSTILE, onclick="alert(1)"),
        node("text", HOSTILE, text=message(HOSTILE, secrets=[message(HOSTILE)]), label=HOSTILE),
        node("text", HOSTILE, text=message(HOSTILE, secret=HOSTILE), label=HOSTILE),
        node("a", HOSTILE, href=f"https://x.example/{HOSTILE}", title=message(HOSTILE)),
        node("div", HOSTILE, id=HOSTILE, data={HOSTILE: HOSTILE, "a": HOSTILE}, **CLASS),
        messages=[message(HOSTILE)],
    )
    for flow in ("login", "settings"):
        rendered = html(page, flow)
        assert "<script>alert" not in rendered
        assert "onclick=" not in rendered


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/x",
        "https://",
        7,
        None,
    ],
)
def test_a_link_goes_to_http_only(href: object) -> None:
    assert read(node("a", "code", href=href, title=message("Go"))).sections == ()


@pytest.mark.parametrize(
    "src",
    [
        "javascript:alert(1)",
        "data:text/html;base64,AAAA",
        "data:image/png;base64,A A",
        "data:image/svg+xml,<svg>",
        "https://tracker.example/pixel.gif",
        "https://ory.example.evil.example/qr.png",
        "https://ory.example@evil.example/qr.png",
        "http://ory.example/qr.png",
        "",
        None,
    ],
)
def test_an_image_comes_from_data_or_from_ory_only(src: object) -> None:
    assert read(node("img", "totp", src=src)).sections == ()


def test_an_image_of_orys_own_is_shown() -> None:
    page = read(node("img", "totp", src=f"{ORY}/qr.png"))
    assert [image["src"] for image in Elements(html(page)).all("img")] == [f"{ORY}/qr.png"]


@pytest.mark.parametrize("src", [f"{ORY}/.well-known/ory/webauthn.js", "https://evil.example/x.js", None])
def test_no_script_that_ory_names_gets_into_the_page(src: object) -> None:
    rendered = html(read(node("script", "webauthn", id="webauthn_script", src=src, integrity="sha512-x")))
    assert all(str(attrs["src"]).startswith("/static/") for attrs in Elements(rendered).all("script"))


def test_the_forms_go_to_the_url_that_was_given_and_never_to_orys() -> None:
    flow = {
        "ui": {"action": "https://evil.example/", "method": "GET", "nodes": [CSRF, IDENTIFIER, submit("password", "x")]}
    }
    page = read_flow(flow, submit_url=SUBMIT, ory_url=ORY)
    assert [(attrs["action"], attrs["method"]) for attrs in Elements(html(page)).all("form")] == [(SUBMIT, "post")]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[]))
JUNK = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=12
)
WORDS = (
    st.sampled_from(
        [
            "input",
            "text",
            "img",
            "a",
            "div",
            "script",
            "hidden",
            "submit",
            "button",
            "checkbox",
            "method",
            "traits.a",
            "traits.a.0",
            "default",
            "code",
            "https://ory.example/x",
            "true",
        ]
    )
    | JUNK
)
TEXTS = st.fixed_dictionaries(
    {},
    optional={
        "id": JUNK,
        "text": WORDS,
        "type": JUNK,
        "context": st.fixed_dictionaries({}, optional={"secret": WORDS, "secrets": JUNK}) | JUNK,
    },
)
NAMES = [
    "name",
    "type",
    "value",
    "label",
    "src",
    "href",
    "id",
    "data",
    "class",
    "maxlength",
    "pattern",
    "required",
    "disabled",
    "onclickTrigger",
    "width",
]
NODES = st.fixed_dictionaries(
    {},
    optional={
        "type": WORDS,
        "group": WORDS,
        "attributes": st.fixed_dictionaries({}, optional={**dict.fromkeys(NAMES, WORDS), "text": TEXTS, "title": TEXTS})
        | JUNK,
        "messages": st.lists(TEXTS | JUNK, max_size=2) | JUNK,
        "meta": st.fixed_dictionaries({}, optional={"label": TEXTS}) | JUNK,
    },
)
FLOWS = st.fixed_dictionaries(
    {},
    optional={
        "ui": st.fixed_dictionaries(
            {},
            optional={
                "nodes": st.lists(NODES | JUNK, max_size=6) | JUNK,
                "messages": st.lists(TEXTS, max_size=2) | JUNK,
            },
        )
        | JUNK,
        "state": JUNK,
        "requested_aal": JUNK,
        "refresh": JUNK,
    },
)


@given(FLOWS | JUNK)
@settings(deadline=None, max_examples=200)
def test_any_json_of_ory_renders(flow: Any) -> None:
    page = read_flow(flow, submit_url=SUBMIT, ory_url=ORY)
    for name in ("login", "settings"):
        rendered = html(page, name)
        rendered.encode()
        assert {attrs["action"] for attrs in Elements(rendered).all("form")} <= {SUBMIT}


def test_nan_and_huge_numbers_break_nothing() -> None:
    page = read(field("a", "x", value=math.nan, maxlength=10**400), field("a", "y", value=10**5000), submit("a", "a"))
    assert html(page)


# The pages around the flows


PAGES = ["error", "not_admitted", "refused", "unavailable", "login_loop", "no_second_factor", "flow_gone"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_about_a_problem_needs_no_context(name: str) -> None:
    assert "<h1>" in render_to_string(f"ory_auth/{name}.html")


def test_the_error_page_says_what_ory_said() -> None:
    rendered = render_to_string("ory_auth/error.html", {"error": {"reason": "It is <late>.", "message": "Bad request"}})
    assert "It is &lt;late&gt;." in rendered


def test_the_page_about_a_lost_cookie_names_the_cookie_for_developers() -> None:
    context = {"cookie_name": "ory_kratos_session", "host": "localhost:8000", "try_again_url": "/auth/login"}
    rendered = render_to_string("ory_auth/login_loop.html", context)
    for fact in ("ory_kratos_session", "SESSION_COOKIE_NAME", "localhost:8000", 'href="/auth/login"'):
        assert fact in rendered


@pytest.mark.parametrize(
    ("name", "links"),
    [
        ("login", Links(registration="/registration?a=1", recovery="/recovery?a=1")),
        ("registration", Links(login="/login?a=1")),
        ("recovery", Links(login="/login?a=1")),
    ],
)
def test_pages_link_to_the_other_flows_that_are_available(name: str, links: Links) -> None:
    rendered = html(replace(read(CSRF), links=links), name)
    expected = {links.login, links.registration, links.recovery} - {""}
    assert {attrs["href"] for attrs in Elements(rendered).all("a")} == expected
