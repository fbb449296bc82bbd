"""What the page of a flow knows beside its fields: order, the primary button, who is meant, where a code went."""

from __future__ import annotations

import json
import random
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from ory_auth.pages.ui import FlowPage, Links, read_error, read_flow
from ory_auth.pages.ui.page import Account, Button, Checkbox, Codes, DateTime, Field, Linking, Select, SentTo
from ory_auth.types import OrySession
from tests.test_types import SESSION
from tests.test_ui import CSRF, IDENTIFIER, ORY, PASSWORD, SUBMIT, Elements, field, html, message, node, submit

EMAIL = "ada@example.org"
PASSWORD_BUTTON = submit("password", "password", label="Sign in")
WITH_PASSWORD = [PASSWORD, PASSWORD_BUTTON]
CODE_BUTTON = submit("code", "code", label="Send a code")
GOOGLE = submit("oidc", "google", name="provider")
GITHUB = submit("oidc", "github", name="provider")
PASSKEY = field("passkey", "passkey_login_trigger", "button", value="", onclickTrigger="oryPasskeyLogin")
CHALLENGE = field("passkey", "passkey_challenge", "hidden", value="{}")
HIDDEN_IDENTIFIER = field("default", "identifier", "hidden", value=EMAIL)
TOTP = [field("totp", "totp_code", required=True), submit("totp", "totp")]
LOOKUP = [field("lookup_secret", "lookup_secret", required=True), submit("lookup_secret", "lookup_secret")]
CODE_SCREEN = [
    field("code", "code", required=True),
    field("code", "method", "hidden", value="code"),
    submit("code", "code"),
    submit("code", "code", name="resend"),
]


LINKS = Links(restart="/again", other_account="/other")


def read(*nodes: Any, kind: str = "login", links: Links | None = None, **flow: Any) -> FlowPage:
    ui = {"nodes": list(nodes), "messages": flow.pop("messages", [])}
    return read_flow(
        {"ui": ui, **flow},
        submit_url=SUBMIT,
        ory_url=ORY,
        kind=kind,
        links=links or Links(restart="/again", other_account="/other"),
    )


def buttons(page: FlowPage) -> list[Button]:
    return [button for section in page.sections for button in section.buttons]


def primary(page: FlowPage) -> list[str]:
    return [f"{button.name}={button.value}" for button in buttons(page) if button.primary]


def labelled(value: dict[str, Any], id_: int, **context: Any) -> dict[str, Any]:
    return {**value, "meta": {"label": {"id": id_, "text": "Label", "type": "info", "context": context}}}


def fields_of(page: FlowPage) -> dict[str, Field]:
    nodes = [node for section in page.sections for node in section.all_nodes]
    return {node.name: node for node in nodes if isinstance(node, Field)}


# Order


def test_the_order_does_not_depend_on_that_of_ory() -> None:
    """Ory puts the code before the password after an error."""
    groups = [[CSRF, IDENTIFIER], [PASSWORD, PASSWORD_BUTTON], [CODE_BUTTON], [PASSKEY, CHALLENGE], [GOOGLE, GITHUB]]
    first = read(*(node for group in groups for node in group))
    shuffler = random.Random(18)
    for _ in range(50):
        shuffler.shuffle(groups)
        again = read(*(node for group in groups for node in group))
        assert [b.value or b.name for b in buttons(again)] == [b.value or b.name for b in buttons(first)]
        assert primary(again) == primary(first) == ["method=password"]


def test_the_button_of_a_form_comes_after_its_field_wherever_ory_puts_it() -> None:
    page = read(CSRF, submit("code", "code", name="resend"), submit("code", "code"), field("code", "code"))
    (section,) = page.sections
    assert [button.name for button in section.forms[0].parts[0].buttons] == ["method"]
    assert section.forms[1].secondary


def test_settings_list_ways_to_sign_in_before_second_factors() -> None:
    page = read(
        CSRF,
        *(submit("lookup_secret", "true", name="lookup_secret_regenerate"), *TOTP),
        labelled(submit("oidc", "google", name="link"), 1050002, provider="Google"),
        *(PASSWORD, PASSWORD_BUTTON),
        *(field("profile", "traits.email", value=EMAIL), submit("profile", "profile")),
        kind="settings",
    )
    assert [section.group for section in page.sections] == ["profile", "password", "oidc", "totp", "lookup_secret"]


def test_social_sign_in_comes_first_on_the_first_screen_and_last_afterwards() -> None:
    first = read(CSRF, IDENTIFIER, PASSWORD, PASSWORD_BUTTON, GOOGLE)
    assert [section.group for section in first.sections] == ["oidc", "password"]
    second = read(CSRF, GOOGLE, HIDDEN_IDENTIFIER, PASSWORD, PASSWORD_BUTTON)
    assert [section.group for section in second.sections] == ["password", "oidc"]


def test_the_way_back_comes_last() -> None:
    page = read(
        CSRF,
        field("default", "traits.email", "hidden", value=EMAIL),
        submit("profile", "previous", name="screen"),
        *(PASSWORD, PASSWORD_BUTTON, GOOGLE),
        kind="registration",
    )
    assert [section.goes_back for section in page.sections] == [False, False, True]


# The primary button

FIRST_SCREEN = [field("identifier_first", "identifier"), submit("identifier_first", "identifier_first")]
MASKED = [submit("code", hash_, name="recovery_select_address", label="a***@example.org") for hash_ in ("h1", "h2")]
ADDRESSES = [submit("code", to, name="address") for to in (EMAIL, "+4915112345678")]
PROFILE = [field("default", "traits.email"), submit("profile", "profile")]
SECOND_SCREEN = [field("default", "traits.email", "hidden", value=EMAIL), submit("profile", "previous", name="screen")]


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        pytest.param(
            [IDENTIFIER, CODE_BUTTON, PASSWORD, PASSWORD_BUTTON, PASSKEY, GOOGLE], "method=password", id="all"
        ),
        pytest.param([*FIRST_SCREEN, GOOGLE, CHALLENGE], "method=identifier_first", id="identifier-first"),
        pytest.param([IDENTIFIER, CODE_BUTTON], "method=code", id="code-only"),
        pytest.param([HIDDEN_IDENTIFIER, *CODE_SCREEN], "method=code", id="code-sent"),
        pytest.param([IDENTIFIER, PASSKEY, CHALLENGE], "passkey_login_trigger=", id="passkey-only"),
        pytest.param([GOOGLE], "provider=google", id="one-provider"),
        pytest.param([GOOGLE, GITHUB], None, id="several-providers"),
        pytest.param([*PROFILE, GOOGLE], "method=profile", id="registration"),
        pytest.param([*SECOND_SCREEN, CODE_BUTTON, *WITH_PASSWORD], "method=password", id="second-screen"),
        pytest.param([HIDDEN_IDENTIFIER, CODE_BUTTON, *WITH_PASSWORD, GITHUB], "method=password", id="linking"),
        pytest.param([*LOOKUP, *ADDRESSES, *TOTP], "method=totp", id="second-factors"),
        pytest.param(ADDRESSES, None, id="addresses"),
        pytest.param(MASKED, None, id="masked-addresses"),
    ],
)
def test_a_page_has_one_primary_button_unless_all_are_equal(nodes: list[Any], expected: str | None) -> None:
    page = read(CSRF, *nodes)
    assert primary(page) == ([expected] if expected else [])


def test_each_section_of_the_settings_has_its_primary_button_but_none_that_takes_something_away() -> None:
    page = read(
        CSRF,
        *(field("profile", "traits.email", value=EMAIL), submit("profile", "profile"), PASSWORD, PASSWORD_BUTTON),
        submit("totp", "true", name="totp_unlink"),
        kind="settings",
    )
    assert primary(page) == ["method=profile", "method=password"]
    assert [button.name for button in buttons(page) if button.danger] == ["totp_unlink"]


def test_the_way_in_is_the_first_button_of_its_form_because_enter_presses_that() -> None:
    page = read(CSRF, IDENTIFIER, CODE_BUTTON, PASSKEY, PASSWORD, PASSWORD_BUTTON)
    assert primary(page) == ["method=password"]
    assert buttons(page)[0].primary


# What buttons do


def test_what_removes_something_asks_first() -> None:
    names = ["passkey_remove", "webauthn_remove", "unlink", "totp_unlink", "lookup_secret_disable"]
    page = read(CSRF, *(submit("passkey", "x", name=name) for name in names), kind="settings")
    rows = [row.button for section in page.sections for row in section.credentials]
    assert len([*buttons(page), *rows]) == len(names)
    assert all(button.danger and button.confirm.endswith((".", "?")) for button in [*buttons(page), *rows])


def test_the_first_backup_codes_end_no_others() -> None:
    regenerate = submit("lookup_secret", "true", name="lookup_secret_regenerate")
    (first,) = buttons(read(CSRF, regenerate, kind="settings"))
    assert (first.danger, first.confirm, first.primary) == (False, "", True)
    disable = submit("lookup_secret", "true", name="lookup_secret_disable")
    assert all(button.danger for button in buttons(read(CSRF, disable, regenerate, kind="settings")))


def test_passkeys_are_a_list_with_names_and_dates_the_oldest_first() -> None:
    def remove(id_: str, **context: Any) -> dict[str, Any]:
        return labelled(submit("passkey", id_, name="passkey_remove"), 1050020, **context)

    page = read(
        CSRF,
        remove("k2", display_name="unnamed", added_at="2027-02-01T10:00:00Z", added_at_unix=1801476000),
        remove("k1", display_name="iCloud Keychain", added_at="2027-01-01T10:00:00.5Z"),
        remove("k0", display_name="Broken", added_at="yesterday"),
        field("passkey", "passkey_register_trigger", "button", onclickTrigger="oryPasskeySettingsRegistration"),
        field("passkey", "passkey_create_data", "hidden", value="{}"),
        kind="settings",
    )
    (section,) = page.sections
    assert [(row.name, row.button.value) for row in section.credentials] == [
        ("Broken", "k0"),
        ("iCloud Keychain", "k1"),
        ("Passkey", "k2"),
    ]
    assert [row.added_at for row in section.credentials] == [
        None,
        datetime(2027, 1, 1, 10, 0, 0, 500000, UTC),
        datetime(2027, 2, 1, 10, tzinfo=UTC),
    ]
    add, remove_form = section.forms
    assert [hidden.name for hidden in add.hidden] == ["csrf_token", "passkey_create_data"]
    assert [hidden.name for hidden in remove_form.hidden] == ["csrf_token"]


def test_accounts_of_providers_are_a_list_the_connected_ones_first() -> None:
    page = read(
        CSRF,
        labelled(submit("oidc", "google", name="link"), 1050002, provider="Google"),
        labelled(submit("oidc", "github", name="unlink"), 1050003, provider="GitHub"),
        kind="settings",
    )
    (section,) = page.sections
    assert [(row.name, row.provider, row.connected, row.button.danger) for row in section.credentials] == [
        ("GitHub", "github", True, True),
        ("Google", "google", False, False),
    ]


def test_a_button_of_a_provider_names_it_for_its_logo() -> None:
    button = labelled(submit("oidc", "google_ab12", name="provider"), 1010002, provider="Google", provider_id="google")
    assert [b.provider for b in buttons(read(CSRF, button))] == ["google"]
    assert [b.provider for b in buttons(read(CSRF, GITHUB))] == ["github"]


def test_what_sends_a_code_again_and_what_goes_back_is_known() -> None:
    again = labelled(submit("code", EMAIL, name="email"), 1070008)
    page = read(CSRF, *CODE_SCREEN[:3], again, submit("code", "previous", name="screen"), kind="recovery")
    assert [(b.name, b.resend, b.goes_back) for b in buttons(page)] == [
        ("method", False, False),
        ("email", True, False),
        ("screen", False, True),
    ]


@pytest.mark.parametrize("trigger", ["oryDanceLogin", "alert", "__proto__", "oryPasskeyLogin()", ["oryPasskeyLogin"]])
def test_a_button_that_starts_something_unknown_is_left_out_and_logged_once(
    trigger: object, caplog: pytest.LogCaptureFixture
) -> None:
    unknown = field("dance", "go", "button", onclickTrigger=trigger)
    for _ in range(3):
        page = read(CSRF, IDENTIFIER, PASSWORD, PASSWORD_BUTTON, unknown)
    assert [button.value for button in buttons(page)] == ["password"]
    assert [record.getMessage() for record in caplog.records].count(caplog.messages[0]) == 1
    assert "unknown_enum field=trigger" in caplog.text


def test_unknown_nodes_and_groups_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        read(CSRF, node("hologram", "password"), field("dance", "steps"), submit("dance", "go"))
    assert caplog.messages == [
        "unknown_enum field=node name=hologram",
        "unknown_enum field=group name=dance",
    ]


def test_the_page_knows_whether_it_needs_the_passkey_script() -> None:
    autofill = field("passkey", "passkey_login", "hidden", onloadTrigger="oryPasskeyLoginAutocompleteInit")
    script = node("script", "webauthn", src=f"{ORY}/.well-known/ory/webauthn.js")
    assert read(CSRF, IDENTIFIER, PASSKEY).needs_keys
    assert read(CSRF, IDENTIFIER, autofill).needs_keys
    assert not read(CSRF, IDENTIFIER, script).needs_keys


def test_challenges_go_with_one_form_only() -> None:
    page = read(CSRF, *FIRST_SCREEN, GOOGLE, CHALLENGE)
    with_challenge = [
        section.group
        for section in page.sections
        for form in section.forms
        if any(hidden.name == "passkey_challenge" for hidden in form.hidden)
    ]
    assert with_challenge == ["identifier_first"]


# Who is meant


@pytest.mark.parametrize(
    ("nodes", "flow", "name"),
    [
        ([HIDDEN_IDENTIFIER, PASSWORD, PASSWORD_BUTTON], {}, EMAIL),
        ([HIDDEN_IDENTIFIER, *CODE_SCREEN], {"state": "sent_email"}, EMAIL),
        (SECOND_SCREEN, {}, EMAIL),
        ([field("default", "traits.username", "hidden", value="ada")], {}, "ada"),
        ([IDENTIFIER, PASSWORD, PASSWORD_BUTTON], {}, None),
        ([field("default", "identifier", "hidden", value="")], {}, None),
    ],
)
def test_the_page_knows_whom_an_earlier_screen_asked_for(nodes: list[Any], flow: Any, name: str | None) -> None:
    page = read(CSRF, *nodes, **flow)
    assert page.account == (Account(name, "/other") if name else None)


@pytest.mark.parametrize("flow", [{"refresh": True}, {"requested_aal": "aal2"}])
def test_the_account_of_a_session_changes_by_signing_out(flow: Any) -> None:
    page = read(CSRF, HIDDEN_IDENTIFIER, *TOTP, **flow)
    assert page.account == Account(EMAIL, "/other", signed_in=True)


RESEND = labelled(submit("code", EMAIL, name="email"), 1070008)
CONFIRM = labelled(submit("code", "+4915112345678", name="recovery_confirm_address"), 1070008)
MASKED_MESSAGE = {"id": 1060004, "type": "info", "text": "Sent", "context": {"masked_address": "a****@example.org"}}


@pytest.mark.parametrize(
    ("nodes", "state", "messages", "expected"),
    [
        ([HIDDEN_IDENTIFIER, *CODE_SCREEN], "sent_email", [], SentTo(EMAIL, "email")),
        ([RESEND, *CODE_SCREEN[:3]], "sent_email", [], SentTo(EMAIL, "email")),
        ([CONFIRM, *CODE_SCREEN[:3]], "recovery_awaiting_code", [], SentTo("+4915112345678", "phone")),
        ([CONFIRM], "recovery_awaiting_code", [MASKED_MESSAGE], SentTo("a****@example.org", "email")),
        ([*SECOND_SCREEN[:1], *CODE_SCREEN], "sent_email", [], SentTo(EMAIL, "email")),
        ([HIDDEN_IDENTIFIER, CODE_BUTTON], "choose_method", [], None),
        (CODE_SCREEN, "sent_email", [], None),
    ],
)
def test_the_page_knows_where_the_code_went(
    nodes: list[Any], state: str, messages: list[Any], expected: SentTo | None
) -> None:
    assert read(CSRF, *nodes, state=state, messages=messages).sent_to == expected


def test_of_two_addresses_the_first_is_where_the_code_went_and_both_stay_in_order() -> None:
    chosen, other = (field("code", "identifier", "hidden", value=to) for to in ("+4915112345678", EMAIL))
    page = read(CSRF, chosen, other, *CODE_SCREEN, state="sent_email", requested_aal="aal2")
    assert page.sent_to == SentTo("+4915112345678", "phone")
    for form in page.sections[0].forms:
        assert [h.value for h in form.hidden if h.name == "identifier"] == ["+4915112345678", EMAIL]


LINK_MESSAGE = {
    "id": 1010016,
    "type": "info",
    "text": "Link",
    "context": {"provider": "Google", "duplicate_identifier": EMAIL, "available_credential_types": ["password"]},
}


def test_linking_is_known_also_after_a_wrong_password() -> None:
    nodes = [CSRF, HIDDEN_IDENTIFIER, PASSWORD, PASSWORD_BUTTON]
    links = Links(registration="/registration", restart="/again")
    page = read(*nodes, active="oidc", messages=[LINK_MESSAGE], links=links)
    assert page.linking == Linking("Google", EMAIL)
    page = read(*nodes, active="oidc", messages=[message("Wrong", "error")], links=links)
    assert page.linking == Linking("", EMAIL)
    assert page.links == Links(restart="/again"), "the person has an account"
    assert read(*nodes, active="password").linking is None
    assert read(*nodes, active="oidc", refresh=True).linking is None
    assert read(CSRF, GOOGLE, IDENTIFIER, active="oidc").linking is None, "the provider has refused"


def test_the_application_that_asks_and_the_organization_are_known() -> None:
    page = read(
        CSRF, oauth2_login_request={"client": {"client_name": "Books"}}, organization_id="0b1c", active="password"
    )
    assert (page.oauth2_client, page.organization, page.active) == ("Books", "0b1c", "password")
    assert read(CSRF, oauth2_login_request={"client": {"client_name": ["x"]}}).oauth2_client == ""


# What the field can hold


def test_a_login_hint_fills_in_the_empty_identifier_only() -> None:
    url = f"http://ory.example/self-service/login/browser?login_hint={EMAIL.replace('@', '%40')}"
    assert fields_of(read(CSRF, IDENTIFIER, CODE_BUTTON, request_url=url))["identifier"].value == EMAIL
    typed = {**IDENTIFIER, "attributes": {**IDENTIFIER["attributes"], "value": "eve@example.org"}}
    assert fields_of(read(CSRF, typed, CODE_BUTTON, request_url=url))["identifier"].value == "eve@example.org"
    hinted = {"oidc_context": {"login_hint": EMAIL}}
    assert fields_of(read(CSRF, IDENTIFIER, CODE_BUTTON, oauth2_login_request=hinted))["identifier"].value == EMAIL
    page = read(CSRF, *PROFILE, request_url=url, kind="registration")
    assert fields_of(page)["traits.email"].value == EMAIL
    long = url + "x" * 400
    assert fields_of(read(CSRF, IDENTIFIER, CODE_BUTTON, request_url=long))["identifier"].value == ""


def test_choices_are_a_select_that_keeps_the_present_value() -> None:
    options = [{"value": "red", "label": {"id": 1, "text": "Red", "type": "info"}}, {"value": "blue"}]

    def choices(**rest: Any) -> tuple[Select, list[tuple[str, str, bool]]]:
        page = read(CSRF, field("profile", "traits.color", options=options, **rest), submit("profile", "profile"))
        value = fields_of(page)["traits.color"]
        assert isinstance(value, Select)
        assert "<select" in html(page)
        return value, [(option.value, option.label, option.selected) for option in value.options]

    assert choices(value="blue", required=True)[1] == [("red", "Red", False), ("blue", "blue", True)]
    assert choices(required=True)[1][0] == ("", "", True)
    assert choices(value="pink", required=True)[1][0] == ("pink", "pink", True)
    assert choices(value="blue")[1][0] == ("", "", False), "an optional one can be emptied"


def test_a_time_with_a_zone_keeps_its_value() -> None:
    stored = "2027-01-31T10:00:00+01:00"
    page = read(CSRF, field("profile", "traits.meeting", "datetime-local", value=stored), submit("profile", "profile"))
    value = fields_of(page)["traits.meeting"]
    assert isinstance(value, DateTime)
    assert (value.type, value.value) == ("text", stored)
    assert value.hint


@pytest.mark.parametrize(
    ("name", "type_", "autocomplete", "inputmode"),
    [
        ("code", "text", "one-time-code", "numeric"),
        ("totp_code", "text", "one-time-code", "numeric"),
        ("lookup_secret", "text", "off", ""),
        ("traits.email", "email", "email", "email"),
        ("traits.phone", "tel", "tel", "tel"),
        ("traits.name.first", "text", "given-name", ""),
        ("traits.color", "text", "", ""),
        ("identifier", "text", "username", ""),
    ],
)
def test_a_field_says_what_it_is_for(name: str, type_: str, autocomplete: str, inputmode: str) -> None:
    value = fields_of(read(CSRF, field("default", name, type_), submit("default", "x")))[name]
    assert (value.autocomplete, value.inputmode) == (autocomplete, inputmode)


def test_an_identifier_that_is_an_address_gets_the_keyboard_for_it() -> None:
    identifier = labelled(IDENTIFIER, 1070002, name="traits.email", title="E-Mail")
    assert fields_of(read(CSRF, identifier, CODE_BUTTON))["identifier"].inputmode == "email"


def test_a_field_that_ory_adds_only_for_a_message_is_not_shown() -> None:
    added = field("default", "webauthn_remove", messages=(message("There is no such key", "error"),))
    page = read(CSRF, added, PASSWORD, PASSWORD_BUTTON, kind="settings")
    assert list(fields_of(page)) == ["password"]
    assert [m.text for m in page.messages] == ["There is no such key"]


def test_the_settings_show_the_last_of_the_messages_that_pile_up() -> None:
    old, new = message("Old", "error"), message("New", "error")
    assert [m.text for m in read(CSRF, kind="settings", messages=[old, new]).messages] == ["New"]


def test_backup_codes_know_which_are_used_and_when() -> None:
    secrets = [message("aaaa1111", secret="aaaa1111"), message("Used", used_at="2027-01-01T00:00:00Z")]
    page = read(CSRF, node("text", "lookup_secret", text=message("x", secrets=secrets)), kind="settings")
    (codes,) = (node for section in page.sections for node in section.all_nodes)
    assert isinstance(codes, Codes)
    assert codes.unused == 1
    assert codes.codes[1].used_at == datetime(2027, 1, 1, tzinfo=UTC)


# Hostile input

OVERRIDE = "\u202etxt.exe\u202c \u2066isolated\u2069 \x07bell"
LONG = "x" * 10_000
HOSTILE = [
    OVERRIDE,
    LONG,
    "\0nul\0",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
]


@pytest.mark.parametrize("text", HOSTILE, ids=["rtl", "long", "nul", "script", "img", "url"])
def test_hostile_texts_are_shown_as_text(text: str) -> None:
    provider = labelled(submit("oidc", text, name="link"), 1050002, provider=text)
    passkey = labelled(submit("passkey", "k", name="passkey_remove"), 1050020, display_name=text)
    page = read(
        CSRF,
        field("profile", "traits.name", value=text, label=text, messages=(message(text, "error"),)),
        submit("profile", "profile"),
        *(provider, passkey),
        *(field("code", "method", "hidden", value=text), field("code", "identifier", "hidden", value=text)),
        messages=[message(text, "error")],
        oauth2_login_request={"client": {"client_name": text}},
        kind="settings",
        state="sent_email",
    )
    shown = [
        *(page.oauth2_client, page.messages[0].text),
        *(row.name for section in page.sections for row in section.credentials),
    ]
    assert not any(mark in text for text in shown for mark in "\u202e\u2066\u2069\0\x07")
    rendered = html(page, "settings")
    assert "<script>alert" not in rendered
    assert "<img src=x" not in rendered
    assert 'href="javascript' not in rendered
    assert fields_of(page)["traits.name"].value == text, "the value itself is not changed"


def test_the_page_is_made_of_plain_values() -> None:
    """It is also sent as JSON."""
    page = read(
        *(CSRF, IDENTIFIER, PASSWORD, PASSWORD_BUTTON, GOOGLE, PASSKEY, CHALLENGE),
        field("profile", "traits.news", "checkbox", value=True),
        field("captcha", "captcha_turnstile_options", "hidden", value=json.dumps({"sitekey": "k"})),
    )

    def check(value: object) -> None:
        if is_dataclass(value):
            for member in fields(value):
                check(getattr(value, member.name))
        elif isinstance(value, tuple):
            for item in value:
                check(item)
        else:
            assert value is None or isinstance(value, str | int | bool | datetime)

    check(page)
    assert any(isinstance(value, Checkbox) for value in fields_of(page).values())


# What a page waits for


RECOVERED = {"id": 1060001, "type": "success", "text": "Recovered", "context": {}}
RECOVERY_URL = "https://ory.example/self-service/recovery?flow=1"
SETTINGS = [
    field("profile", "traits.email", value=EMAIL),
    submit("profile", "profile"),
    field("password", "password", "password", required=True),
    submit("password", "password"),
    *TOTP,
    field("passkey", "passkey_register_trigger", "button", value="", onclickTrigger="oryPasskeySettingsRegistration"),
]


@pytest.mark.parametrize(
    ("flow", "groups"),
    [
        ({"messages": [RECOVERED]}, ["password", "passkey", "profile", "totp"]),
        ({"request_url": RECOVERY_URL, "state": "show_form"}, ["password", "passkey", "profile", "totp"]),
        ({"request_url": RECOVERY_URL, "state": "success"}, ["profile", "password", "passkey", "totp"]),
        ({"request_url": "https://[ory.example"}, ["profile", "password", "passkey", "totp"]),
        ({}, ["profile", "password", "passkey", "totp"]),
    ],
)
def test_after_a_recovery_the_settings_begin_with_the_password(flow: Any, groups: list[str]) -> None:
    page = read(CSRF, *SETTINGS, kind="settings", **flow)
    assert [section.group for section in page.sections] == groups
    assert page.sets_password is (groups[0] == "password")
    assert page.focus == ("ory-3" if page.sets_password else "")


def test_a_project_without_passwords_sets_none_after_a_recovery() -> None:
    page = read(CSRF, *SETTINGS[:2], kind="settings", messages=[RECOVERED])
    assert not page.sets_password
    assert [m.kind for m in page.messages] == ["success"]


@pytest.mark.parametrize(("state", "expected"), [("sent_email", True), ("choose_method", False)])
def test_the_page_knows_that_it_waits_for_a_code(state: str, expected: bool) -> None:
    page = read(CSRF, *CODE_SCREEN, state=state)
    assert page.code_sent is expected
    assert page.sent_to is None


def test_the_second_screen_of_registration_is_known_also_after_an_error() -> None:
    back = submit("profile", "previous", name="screen")
    choose = {"id": 1040009, "type": "info", "text": "Choose"}
    page = read(CSRF, *WITH_PASSWORD, back, kind="registration", messages=[choose])
    assert page.chooses_method
    assert page.messages == (), "the heading says it"
    assert read(CSRF, *WITH_PASSWORD, back, kind="registration").chooses_method
    assert not read(CSRF, *WITH_PASSWORD, kind="registration").chooses_method
    assert not read(CSRF, *CODE_SCREEN, submit("profile", "credential-selection", name="screen")).chooses_method


@pytest.mark.parametrize("id_", [4000007, 4000027, 4000028])
def test_a_registration_says_that_the_account_exists(id_: int) -> None:
    duplicate = {"id": id_, "type": "error", "text": "Exists", "context": {}}
    assert read(CSRF, *WITH_PASSWORD, kind="registration", messages=[duplicate]).account_exists
    assert not read(CSRF, *WITH_PASSWORD, kind="settings", messages=[duplicate]).account_exists


@pytest.mark.parametrize(
    ("error", "flow"),
    [
        ({"id": "self_service_flow_disabled", "reason": "Off."}, "registration"),
        ({"reason": "Recovery is not allowed because it was disabled."}, "recovery"),
        ({"reason": "Verification is not allowed because it was disabled."}, "verification"),
        ({"reason": "Recovery is not allowed because it was disabled. https://evil.example"}, ""),
        ({}, ""),
    ],
)
def test_an_error_says_which_flow_is_not_offered(error: dict[str, str], flow: str) -> None:
    page = read_error(error, with_texts=False)
    assert page.disabled_flow == flow
    assert bool(page.explanation) is bool(flow)
    assert page.reason == ""


IDENTITY = OrySession.from_json(
    json.dumps(SESSION | {"identity": SESSION["identity"] | {"traits": {"email": EMAIL, "username": "ada"}}}).encode()
).identity


def sign_in_again(label_context: dict[str, str]) -> FlowPage:
    identifier = labelled(field("default", "identifier", required=True), 1070002, **label_context)
    flow = {"ui": {"nodes": [CSRF, identifier, CODE_BUTTON, *WITH_PASSWORD]}, "refresh": True}
    return read_flow(flow, submit_url=SUBMIT, ory_url=ORY, kind="login", links=LINKS, identity=IDENTITY)


def test_who_signs_in_again_is_not_asked_for_the_identifier() -> None:
    page = sign_in_again({"name": "traits.email"})
    assert "identifier" not in fields_of(page)
    for section in page.sections:
        assert [h.value for form in section.forms for h in form.hidden if h.name == "identifier"] == [EMAIL]
    assert page.account == Account(EMAIL, "/other", signed_in=True)


def test_of_several_identifiers_the_person_may_choose_another_one() -> None:
    assert fields_of(sign_in_again({}))["identifier"].value == EMAIL


@pytest.mark.parametrize("flow", [{"refresh": True}, {"requested_aal": "aal2"}])
def test_another_account_can_be_used_if_ory_names_none(flow: Any) -> None:
    page = read(CSRF, *TOTP, **flow)
    assert page.account == Account("", "/other", signed_in=True)
    shown = Elements(html(page))
    assert shown.one(type="hidden", name="next")["value"] == "/other"
    assert "<bdi></bdi>" not in html(page)


@pytest.mark.parametrize(("flow", "id_"), [({"refresh": True}, 1010003), ({"requested_aal": "aal2"}, 1010004)])
def test_a_message_does_not_repeat_the_heading(flow: Any, id_: int) -> None:
    repeated = {"id": id_, "type": "info", "text": "Again"}
    assert read(CSRF, *TOTP, messages=[repeated], **flow).messages == ()


def test_sections_of_the_settings_have_titles() -> None:
    page = read(CSRF, *SETTINGS, field("new-group", "x"), submit("new-group", "x"), kind="settings")
    texts = {section.group: (section.title, bool(section.intro), bool(section.empty_text)) for section in page.sections}
    assert texts["password"] == ("Password", False, False)
    assert texts["passkey"] == ("Passkeys", True, True)
    assert texts["new-group"] == ("New group", False, False)


FULL_LINKS = Links("/login", "/registration", "/recovery", "/again", "/other")


@pytest.mark.parametrize(
    ("nodes", "flow", "offered"),
    [
        ([IDENTIFIER, *WITH_PASSWORD], {}, ("/registration", "/recovery")),
        ([IDENTIFIER, submit("identifier_first", "identifier_first")], {}, ("/registration", "")),
        ([HIDDEN_IDENTIFIER, *WITH_PASSWORD], {}, ("", "/recovery")),
        ([HIDDEN_IDENTIFIER, GOOGLE], {}, ("", "")),
        ([HIDDEN_IDENTIFIER, *CODE_SCREEN], {"state": "sent_email"}, ("", "")),
    ],
)
def test_a_login_offers_only_links_that_help(nodes: list[Any], flow: Any, offered: tuple[str, str]) -> None:
    page = read(CSRF, *nodes, links=FULL_LINKS, **flow)
    assert (page.links.registration, page.links.recovery) == offered


def test_a_second_step_does_not_name_an_account_by_the_phone_number_of_its_code() -> None:
    number = field("default", "identifier", "hidden", value="+4915112345678")
    page = read(number, *CODE_SCREEN, state="sent_email", requested_aal="aal2")
    assert page.sent_to == SentTo("+4915112345678", "phone")
    assert page.account == Account("", "/other", signed_in=True)


def test_a_recovery_does_not_name_an_account_by_the_address_of_its_code() -> None:
    page = read(CSRF, CONFIRM, *CODE_SCREEN[:3], kind="recovery", state="recovery_awaiting_code")
    assert page.account is None
    assert page.sent_to == SentTo("+4915112345678", "phone")


def test_an_old_error_about_a_security_key_is_left_out() -> None:
    error = {"id": 4000015, "type": "error", "text": "No such key"}
    asked = {"id": 1010012, "type": "info", "text": "Have it ready"}
    assert [m.id for m in read(CSRF, HIDDEN_IDENTIFIER, PASSKEY, messages=[error, asked]).messages] == [1010012]
    assert [m.id for m in read(CSRF, IDENTIFIER, PASSKEY, messages=[error]).messages] == [4000015]


def test_a_registration_that_goes_on_with_one_provider_can_start_again() -> None:
    page = read(CSRF, labelled(GOOGLE, 1040003), kind="registration")
    assert page.completes_social
    assert [link["href"] for link in Elements(html(page, "registration")).all("a")].count("/again") == 1
    assert not read(CSRF, labelled(GOOGLE, 1040002), kind="registration").completes_social


class TestIdentifierFirstForAnUnknownAccount:
    """With ``account_enumeration.mitigate``, Ory sends both screens at once."""

    METHODS = (submit("identifier_first", "identifier_first"), *WITH_PASSWORD, CODE_BUTTON)

    def test_looks_like_the_screen_of_a_known_account(self) -> None:
        page = read(field("identifier_first", "identifier", value=EMAIL), *self.METHODS, CSRF)
        assert page.account is not None
        assert page.account.name == EMAIL
        assert [f"{button.name}={button.value}" for button in buttons(page)] == ["method=password", "method=code"]
        forms = [form for section in page.sections for form in section.forms]
        assert all("identifier" in [hidden.name for hidden in form.hidden] for form in forms)

    def test_an_identifier_that_is_missing_is_asked_for_beside_the_password(self) -> None:
        page = read(field("identifier_first", "identifier"), *self.METHODS, CSRF)
        [form] = [form for section in page.sections for form in section.forms]
        names = [node.name for part in form.parts for node in part.nodes if isinstance(node, Field)]
        assert names == ["identifier", "password"]
