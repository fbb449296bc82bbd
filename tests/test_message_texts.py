"""The wording of Ory's messages: every message of Kratos has a text, with Ory's values, in every language."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from django.utils import timezone, translation
from pytest_django import Settings

from ory_auth.local.model.messages import TEXTS
from ory_auth.pages.ui.message_texts import ERRORS, MESSAGES, REASONS, TITLE_ID, VALUES_ALONE, ByChannel, Plural, Text
from ory_auth.pages.ui.messages import Place, read_provider_names, translate_error, translate_message, translate_title
from tests import catalogues

# The ids of the messages of Kratos 26.2.0, with the keys of their contexts.
KRATOS = {
    int(number): keys
    for number, keys in json.loads((Path(__file__).parent / "kratos_messages.json").read_text()).items()
}
# Newer ids, which Ory Network may send already.
NEWER = {1010024, 1010025, 1050023, 1070018, 1080004, 1080005, 4000043, 4010011, 4050002, 5000003}
OLDER = {4060003, 4070004}  # a link without its token, before 26.2.0
WORDED_APART = {TITLE_ID, 4000001}
LANGUAGES = sorted({"en", *(path.parts[-3] for path in catalogues.paths("ory_auth"))})
WEB_HOOK = {123, 1234567, 7654321}  # ids of web hooks in the recordings

every_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


def worded(id: int, place: Place | None = None, text: str = "Ory's words", **context: Any) -> str:
    message = {"id": id, "type": "info", "text": text, "context": context}
    return translate_message(message, place or Place())


def parts(text: Text) -> tuple[str, ...]:
    match text:
        case Plural(singular, plural, _):
            return singular, plural
        case ByChannel():
            return tuple(text)
        case _:
            return (text,)


# --- the table --------------------------------------------------------------------------------------------------------


def test_every_message_of_kratos_has_a_text() -> None:
    assert len(KRATOS) == 145
    assert KRATOS.keys() - MESSAGES.keys() - VALUES_ALONE == WORDED_APART
    assert MESSAGES.keys() - KRATOS.keys() == NEWER | OLDER


def test_a_text_uses_only_values_that_kratos_sends() -> None:
    ours = {"sent_to", "identifier", "minutes"}
    for number, text in MESSAGES.items():
        for part in parts(text):
            assert set(re.findall(r"%\((\w+)\)s", part)) <= {*KRATOS.get(number, ()), *ours}, part


def test_texts_are_in_plain_words() -> None:
    jargon = r"\b(flow|identifier|credentials?|AAL|strategy|traits?|TOTP|WebAuthn|factors?|e-mail|sign up|link your)\b"
    for text in [*MESSAGES.values(), *ERRORS.values(), *(text for _, text in REASONS)]:
        for part in parts(text):
            assert not re.search(jargon, re.sub(r"%\(\w+\)s", "", part), re.IGNORECASE), part
            assert part == part.strip()
            assert "  " not in part


def test_every_recorded_message_has_a_text() -> None:
    messages = {message["id"] for message in recorded_messages()}
    assert len(messages) > 30
    assert messages - MESSAGES.keys() - VALUES_ALONE <= WORDED_APART | WEB_HOOK


def test_every_message_of_the_local_ory_has_a_text() -> None:
    assert TEXTS.keys() - MESSAGES.keys() - VALUES_ALONE <= WORDED_APART


@every_language
def test_no_recorded_message_is_shown_in_orys_words(language: str) -> None:
    place = Place(input_type="text", sent_to="ada@example.org")
    with translation.override(language):
        for message in recorded_messages():
            if message["id"] in MESSAGES or message["id"] == 4000001:
                text = translate_message(message, place)
                assert text
                assert "%(" not in text
                if len(message["text"].split()) > 4:
                    assert text != message["text"]


def recorded_messages() -> list[dict[str, Any]]:
    """The messages and labels in all that a real Ory answered, but those of web hooks, whose numbers are made up."""
    found: list[dict[str, Any]] = []

    def walk(value: object) -> None:
        if isinstance(value, dict) and isinstance(value.get("id"), int) and "text" in value:
            found.append(value)
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(inner)

    for path in (Path(__file__).parent / "contract").glob("*.json"):
        if not path.name.startswith("hook_"):
            walk(json.loads(path.read_text()))
    return found


# --- values -----------------------------------------------------------------------------------------------------------


def test_values_are_filled_in() -> None:
    assert worded(1010002, provider="GitHub", provider_id="github") == "Continue with GitHub"
    assert worded(1050020, display_name="My phone") == "Remove passkey “My phone”"
    assert worded(4000018, minimum=18, actual=3) == "Enter 18 or more."


def test_a_number_decides_the_plural_form() -> None:
    assert worded(4000003, min_length=1, actual_length=0) == "Enter at least 1 character."
    assert worded(4000003, min_length=3, actual_length=1) == "Enter at least 3 characters."
    with translation.override("de"):
        assert worded(4000023, max_items=1, actual_items=2) == "Geben Sie höchstens 1 Eintrag ein."
        assert worded(4000023, max_items=3, actual_items=4) == "Geben Sie höchstens 3 Einträge ein."


@pytest.mark.parametrize(
    ("language", "one", "three", "five"),
    [
        (
            "fr",
            "Saisissez au moins 1 caractère.",
            "Saisissez au moins 3 caractères.",
            "Saisissez au moins 5 caractères.",
        ),
        ("pl", "Wpisz co najmniej 1 znak.", "Wpisz co najmniej 3 znaki.", "Wpisz co najmniej 5 znaków."),
        ("ja", "1 文字以上で入力してください。", "3 文字以上で入力してください。", "5 文字以上で入力してください。"),
    ],
)
def test_each_language_has_its_own_plural_forms(language: str, one: str, three: str, five: str) -> None:
    with translation.override(language):
        assert [worded(4000003, min_length=number) for number in (1, 3, 5)] == [one, three, five]


def test_numbers_and_times_are_written_as_in_the_language() -> None:
    with translation.override("de"), timezone.override(UTC):
        assert worded(4000018, minimum=0.5, actual=0.1) == "Geben Sie 0,5 oder mehr ein."
        assert worded(1050014, used_at="2026-11-23T08:48:32.686473703Z") == "Used on 23.11.2026 08:48".replace(
            "Used on", "Verwendet am"
        )


@every_language
@pytest.mark.parametrize(
    "context",
    [{}, {"min_length": None}, {"min_length": [8]}, {"min_length": {"a": 1}}, {"min_length": ""}, {"used_at": "soon"}],
    ids=repr,
)
def test_orys_own_message_is_shown_if_a_value_is_missing_or_odd(language: str, context: dict[str, Any]) -> None:
    with translation.override(language):
        for number in (4000032, 1050014, 1010002):
            assert worded(number, **context) == "Ory's words"


@every_language
@pytest.mark.parametrize(
    "odd",
    [None, "", [], {}, True, -1, 1e300, "x" * 10_000, "\N{RIGHT-TO-LEFT OVERRIDE}x", ["x", 1]],
    ids=lambda v: str(v)[:9],
)
def test_no_value_makes_a_message_fail(language: str, odd: object) -> None:
    with translation.override(language):
        for number in MESSAGES.keys() | WORDED_APART:
            for context in (dict.fromkeys(KRATOS.get(number, ("provider", "reason")), odd), odd):
                assert translate_message({"id": number, "text": "Ory's words", "context": context})


def test_a_value_cannot_turn_the_text_around_it() -> None:
    text = worded(1010002, provider="\N{RIGHT-TO-LEFT OVERRIDE}elgooG")
    assert text == "Continue with \N{FIRST STRONG ISOLATE}elgooG\N{POP DIRECTIONAL ISOLATE}"


# --- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent_to", "expected"),
    [
        ("ada@example.org", "We sent a code to ada@example.org."),
        ("ad****@example.org", "We sent a code to ad****@example.org."),
        ("+49****78", "We sent a code by text message to +49****78."),
        ("+44 20 7946-0958", "We sent a code by text message to +44 20 7946-0958."),
        ("", "We sent you a code."),
    ],
)
@pytest.mark.parametrize("id", [1010014, 1040005, 1060003, 1080003, 1010025])
def test_a_code_goes_to_an_email_address_or_a_phone(id: int, sent_to: str, expected: str) -> None:
    assert worded(id, Place(sent_to=sent_to)).startswith(expected)


def test_a_masked_address_of_the_message_wins() -> None:
    assert worded(1060004, Place(sent_to="x@example.org"), masked_address="+49****78").startswith(
        "We sent a code by text message to +49****78."
    )
    assert worded(1010023, address="ada@example.org", channel="email") == "Email a code to ada@example.org"
    assert worded(1010023, address="+49151", channel="sms") == "Text a code to +49151"
    assert worded(1010023, address="+49151", channel="pigeon") == "Send a code to +49151"


def test_the_label_of_a_code_says_where_it_is() -> None:
    assert worded(1070013, Place(sent_to="ada@example.org")) == "Code from the email"
    assert worded(1070010, Place(sent_to="+49****78")) == "Code from the text message"
    assert worded(1070011) == "Code that we sent you"


def test_the_password_of_the_settings_is_a_new_one() -> None:
    assert worded(1070001) == worded(1070001, Place(flow="registration")) == "Password"
    assert worded(1070001, Place(flow="settings")) == "New password"


def test_the_first_of_two_steps_does_not_say_that_it_creates_the_account() -> None:
    assert worded(1040001, Place(flow="registration", group="password")) == "Create account"
    assert worded(1040001, Place(flow="registration", group="profile")) == "Continue"


def test_a_key_without_a_name_is_not_called_unnamed() -> None:
    assert worded(1050020, display_name="unnamed") == "Remove this passkey"
    assert worded(1050018, display_name="") == "Remove this security key"


def test_the_time_that_is_left_after_a_recovery_is_in_minutes() -> None:
    def after(minutes: float) -> str:
        until = datetime.now(UTC) + timedelta(minutes=minutes)
        return worded(1060001, privileged_session_expires_at=until.isoformat().replace("+00:00", "Z"))

    assert after(14.5).endswith("within 15 minutes.")
    assert after(0.9).endswith("within 1 minute.")
    without_time = "You're signed in. Choose a password now, or add another way to sign in."
    assert after(-1) == after(60 * 24) == worded(1060001) == without_time


@pytest.mark.parametrize(
    ("property", "input_type", "expected"),
    [
        ("identifier", "text", "Enter your email address, phone number or username."),
        ("password", "password", "Enter your password."),
        ("username", "text", "Enter your username."),
        ("nickname", "text", "Please fill this in."),
        ("terms", "checkbox", "Tick this box to continue."),
        ("color", "select", "Choose one of the options."),
    ],
)
def test_a_missing_value_is_asked_for_by_its_field(property: str, input_type: str, expected: str) -> None:
    assert worded(4000002, Place(input_type=input_type), property=property) == expected


def test_a_missing_identifier_is_asked_for_by_its_label() -> None:
    assert worded(4000002, Place(title="E-Mail"), property="identifier") == "Enter your email address."
    assert worded(4000002, Place(title="Member number"), property="identifier").endswith("phone number or username.")


def test_each_form_of_the_settings_says_what_it_saves() -> None:
    assert worded(1070003, Place(flow="settings", group="profile")) == "Save"
    assert worded(1070003, Place(flow="settings", group="password")) == "Save password"
    assert worded(1070003, Place(flow="settings", group="totp")) == "Confirm code"


def test_a_box_that_must_be_ticked() -> None:
    assert worded(4000029, expected="true") == "Tick this box to continue."
    assert worded(4000029, expected="blue") == "Enter exactly this: blue"


def test_a_value_of_the_wrong_type() -> None:
    assert worded(4000026, allowed_types=["number"], actual_type="string") == "Enter a number."
    assert worded(4000026, allowed_types=["null", "integer"], actual_type="string") == "Enter a whole number."
    assert worded(4000026, allowed_types=["object"], actual_type="string") == "Please check this value."


def test_a_device_that_is_refused_is_no_wrong_code() -> None:
    assert worded(4000008) == "That code isn't right. Please try again."
    assert worded(4000008, Place(flow="login", step_up=True)) == "That code isn't right. Please try again."
    assert worded(4000008, Place(flow="login")) == "Your passkey or security key wasn't accepted. Please try again."
    assert worded(4000008, Place(group="passkey")) == "Your passkey wasn't accepted. Please try again."
    assert worded(4000015, Place(group="passkey")) == "We couldn't find an account with this passkey."


# --- an account that exists already -----------------------------------------------------------------------------------


def test_a_conflict_names_the_ways_to_sign_in() -> None:
    def conflict(*methods: str, providers: tuple[str, ...] = (), place: Place | None = None) -> str:
        context = {"duplicate_identifier": "ada@example.org", "provider": "Fake", "new_login_url": "http://x"}
        lists: dict[str, Any] = {"available_credential_types": list(methods), "available_providers": list(providers)}
        return worded(1010016, place, **context, **lists)

    begin, end = "ada@example.org already has an account. Sign in with ", ", and we'll connect Fake."
    assert conflict("code", "password") == f"{begin}your password or a code{end}"
    assert conflict("code", "oidc", "password", "passkey", providers=("other", "github-ab12cd")) == (
        f"{begin}your password, a code, a passkey, Other or GitHub{end}"
    )
    assert conflict("oidc") == f"{begin}a connected account{end}"
    assert conflict("oidc", providers=("x1",), place=Place(providers={"x1": "Acme"})) == f"{begin}Acme{end}"
    assert conflict("something_new") == (
        "ada@example.org already has an account. Sign in to it, and we'll connect Fake."
    )


def test_a_duplicate_names_the_ways_to_sign_in() -> None:
    def duplicate(*methods: str, identifier: str = "ada@example.org", providers: tuple[str, ...] = ()) -> str:
        lists: dict[str, Any] = {
            "available_credential_types": list(methods),
            "available_oidc_providers": list(providers),
        }
        return worded(4000028, credential_identifier_hint=identifier, **lists)

    assert duplicate("code", "password") == (
        "ada@example.org already has an account. Sign in with your password or a code instead."
    )
    assert duplicate(identifier="") == "This address already has an account. Sign in to it instead."
    with translation.override("de"):
        assert duplicate("password", "code", providers=("google",)) == (
            "Für ada@example.org gibt es bereits ein Konto. "
            "Melden Sie sich stattdessen mit Ihrem Passwort, einem Code oder Google an."
        )


def test_the_labels_of_providers_come_from_the_flow() -> None:
    label = {"id": 1010002, "text": "x", "context": {"provider": "Acme", "provider_id": "x1"}}
    button = {"type": "submit", "name": "provider", "value": "x1"}
    nodes = [{"type": "input", "attributes": button, "meta": {"label": label}}, {}, None, {"attributes": [], "meta": 1}]
    assert read_provider_names(nodes) == {"x1": "Acme"}


# --- reasons ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ('"no url" is not valid "uri"', "Enter a full web address, such as https://example.com."),
        ('"x" is not valid "date"', "Enter a date, such as 2027-01-31."),
        ('"x" is not valid "date"" is not valid "uri"', "Enter a full web address, such as https://example.com."),
        ('value must be one of "red", "green", "blue"', "Choose one of the options."),
        ('"x" is not valid "ipv4"', "Please check this value."),
        ("anyOf failed", "Please check this value."),
        ('additionalProperties "x" not allowed', "Please check this value."),
        ("Unable to parse WebAuthn response.", "We couldn't read the response of your device. Please try again."),
        ("You tried to remove a passkey which does not exist.", "This has already been removed."),
        (
            'Unable to complete OpenID Connect flow because the OpenID Provider returned error "access_denied": No.',
            "You didn't finish signing in with the other service. You can try again, or sign in another way.",
        ),
        (
            "Registration is not allowed because it was disabled.",
            "We couldn't find an account for this, and new accounts can't be created here at the moment.",
        ),
        (
            "unable to remove this security key because it would lock you out of your account",
            "This is your only way to sign in. Add another one before you remove it.",
        ),
    ],
)
def test_a_reason_in_english_gets_a_text(reason: str, expected: str) -> None:
    assert worded(4000001, text=reason, reason=reason) == expected
    with translation.override("de"):
        assert worded(4000001, text=reason, reason=reason) not in {reason, expected}


def test_a_reason_that_is_not_known_is_shown_only_on_an_english_page() -> None:
    reason = "The moon is not full."
    assert worded(4000001, text=reason, reason=reason) == reason
    with translation.override("de"):
        assert worded(4000001, Place(input_type="text"), text=reason, reason=reason) == "Bitte prüfen Sie diese Angabe."
        assert worded(4000001, text=reason, reason=reason).startswith("Das hat nicht funktioniert.")


# --- labels of traits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", ["E-Mail", "E-mail", "email", "Email address", "EMAIL"])
def test_an_email_address_is_always_called_the_same(title: str) -> None:
    assert worded(TITLE_ID, text=title, title=title, name="traits.email") == "Email address"
    with translation.override("de"):
        assert translate_title(title) == "E-Mail-Adresse"


def test_the_title_of_a_trait_is_translated_if_it_is_known() -> None:
    assert translate_title("Favourite cheese") == "Favourite cheese"
    assert translate_title("") == ""
    with translation.override("de"):
        assert worded(TITLE_ID, text="First name") == "Vorname"
        assert worded(TITLE_ID, text="Favourite cheese") == "Favourite cheese"


# --- unknown messages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", [0, 99, "1010001", None, True, 1010001.0, [1010001]], ids=repr)
def test_a_message_with_an_unknown_id_stays_as_ory_wrote_it(id: object) -> None:
    with translation.override("de"):
        assert translate_message({"id": id, "text": "Ory's words"}) == "Ory's words"


def test_an_unknown_id_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ory_auth"):
        for _ in range(3):
            assert worded(99000001) == "Ory's words"
            worded(1050009, text="kc5k7a5j", secret="kc5k7a5j")  # a code, which has no words
    assert [record.getMessage().split()[0] for record in caplog.records] == ["unknown_enum"]
    assert "99000001" in caplog.text
    assert "Ory's words" not in caplog.text


# --- a project's own texts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_project_can_override_texts(settings: Settings, tmp_path: Path, language: str) -> None:
    own = Catalog(language)
    own.add("Sign in", "Moin")
    own.add("Favourite cheese", "Lieblingskäse")
    own.add("The moon is full.", "Es ist Vollmond.")
    own.add("E-Mail", "Briefkasten")
    own.add("Used on %(used_at)s", "%(no_such_value)s %")
    folder = tmp_path / language / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.mo").write_bytes(catalogues.compiled(own))
    settings.LOCALE_PATHS = [str(tmp_path)]
    with translation.override(language):
        assert worded(1010001) == "Moin"
        assert worded(TITLE_ID, text="Favourite cheese") == "Lieblingskäse"
        assert worded(TITLE_ID, text="E-Mail") == "Briefkasten"
        assert worded(99000002, text="The moon is full.") == "Es ist Vollmond."  # a message of a web hook
        used_at = "2026-11-23T08:48:32Z"
        assert worded(1050014, used_at=used_at) == "Ory's words"  # the mistake is theirs, the page still works


# --- errors -----------------------------------------------------------------------------------------------------------


@every_language
def test_errors_have_texts(language: str) -> None:
    with translation.override(language):
        assert all(translate_error(name) for name in ERRORS)
        assert (translate_error("something_new"), translate_error("")) == ("", "")
