"""What people read, in their language: the catalogues are complete, and a German page has no English left on it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.checkers import python_format
from django.contrib.admin import site
from django.contrib.admin.utils import label_for_field
from django.template.loader import render_to_string
from django.utils import translation
from pytest_django import Settings

from ory_auth.admin import OryIdentityAdmin
from ory_auth.local import LocalOry
from ory_auth.models import OryIdentity
from ory_auth.pages.ui import read_flow
from ory_auth.pages.ui.message_texts import ERRORS
from tests import catalogues
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, Json, User

CATALOGUES = [path for package in catalogues.PACKAGES for path in catalogues.paths(package)]
all_catalogues = pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parts[-5]}-{path.parts[-3]}")
GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.fixture(autouse=True)
def _language_of_before() -> Iterator[None]:
    """A request leaves its language behind; the next test begins with the one of the settings."""
    with translation.override("en-us"):
        yield


# --- the catalogues ---------------------------------------------------------------------------------------------------


LANGUAGES = {"de", "es", "fr", "it", "ja", "nl", "pl", "pt_BR"}


@pytest.mark.parametrize("package", catalogues.PACKAGES)
def test_every_language_has_a_catalogue(package: str) -> None:
    assert {path.parts[-3] for path in catalogues.paths(package)} == LANGUAGES


@cache
def texts_of(package: str) -> set[tuple[object, str | None]]:
    return {(message.id, message.context) for message in catalogues.template(package)}


@all_catalogues
def test_every_text_is_in_the_catalogue_and_no_other(path: Path) -> None:
    texts = {(message.id, message.context) for message in catalogues.read(path)}
    assert texts == texts_of(path.parts[-5]), "run: make messages"


@all_catalogues
def test_every_text_is_translated(path: Path) -> None:
    assert [m.id for m in catalogues.read(path) if m.id and (not catalogues.is_translated(m) or m.fuzzy)] == []


@all_catalogues
def test_a_translation_has_the_values_and_the_marks_of_its_text(path: Path) -> None:
    for message in filter(lambda message: message.id, catalogues.read(path)):
        python_format(None, message)
        english, translated = forms(message.id), forms(message.string)
        assert all(marks(form) == marks(english[-1]) for form in translated[1:]), message.id
        one = english if len(translated) > 1 else english[-1:]  # "this device only" needs no number
        assert marks(translated[0]) in [marks(form) for form in one], message.id


@all_catalogues
def test_a_translation_has_every_plural_form_of_its_language(path: Path) -> None:
    catalogue = catalogues.read(path)
    for message in catalogue:
        wanted = catalogue.num_plurals if isinstance(message.id, tuple) else 1
        assert len(forms(message.string)) == wanted, message.id


@all_catalogues
def test_a_translation_has_the_blanks_of_its_text(path: Path) -> None:
    for message in filter(lambda message: message.id, catalogues.read(path)):
        for form in forms(message.string):
            assert form.strip() == form or forms(message.id)[0] != forms(message.id)[0].strip(), message.id
            assert "  " not in form, message.id


def forms(text: object) -> list[str]:
    """The singular and the plural forms of a text."""
    return [str(form) for form in text] if isinstance(text, list | tuple) else [str(text)]


def marks(text: str) -> list[str]:
    return sorted(re.findall(r"<[^>]+>|%\(\w+\)s|ORY_AUTH\[\S+\]", text))


@all_catalogues
def test_what_is_compiled_is_what_is_written(path: Path) -> None:
    assert path.with_suffix(".mo").read_bytes() == catalogues.compiled(catalogues.read(path)), "run: make messages"


# --- errors and values of Ory -----------------------------------------------------------------------------------------


def recorded_errors() -> set[str]:
    """The ids of the errors in all that a real Ory answered."""
    found = set()

    def walk(value: object) -> None:
        if isinstance(value, dict) and isinstance(value.get("error"), dict) and "id" in value["error"]:
            found.add(value["error"]["id"])
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(inner)

    for path in (Path(__file__).parent / "contract").glob("*.json"):
        walk(json.loads(path.read_text()))
    return found


def test_every_error_that_a_person_may_see_has_a_text() -> None:
    answered_to_programs = {"browser_location_change_required"}
    assert recorded_errors() - ERRORS.keys() <= answered_to_programs


def test_values_from_ory_are_escaped() -> None:
    hostile = "<script>alert(1)</script>"
    label = {"id": 1010002, "text": "x", "context": {"provider": hostile}}
    button = {"type": "submit", "name": "provider", "value": "x", "disabled": False}
    nodes = [{"type": "input", "group": "oidc", "attributes": button, "messages": [], "meta": {"label": label}}]
    with translation.override("de"):
        page = read_flow({"ui": {"nodes": nodes}}, submit_url="https://ory.example/x", ory_url="https://ory.example")
        html = render_to_string("ory_auth/login.html", {"page": page, "flow": "login"})
    assert "Weiter mit &lt;script&gt;" in html
    assert hostile not in html


# --- pages ------------------------------------------------------------------------------------------------------------

SAME_IN_SOME = {"Password", "Sections"}  # in Italian, in French
SAME_IN_BOTH = {"E-Mail", "Passkeys", "Backup-Codes"}


class Words(HTMLParser):
    """What a page says to a reader, aloud or in writing; what says that it is English is a quotation."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: set[str] = set()
        self.language = ""
        self._silent: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "html":
            self.language = given.get("lang") or ""
        if self._silent or tag in {"script", "style", "code"} or (tag != "html" and given.get("lang") == "en"):
            if tag not in {"input", "img", "meta", "link", "br"}:
                self._silent.append(tag)
            return
        for name in ("alt", "title", "placeholder", "aria-label"):
            self._say(given.get(name))

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._say(data)

    def _say(self, text: str | None) -> None:
        text = " ".join((text or "").split())
        if re.search(r"[A-Za-z]{2}", text):
            self.said.add(text)


def words_of(web: DualClient, path: str, language: str, **headers: str) -> Words:
    response = web.get(path, headers={"Accept": "text/html", **headers, "Accept-Language": language})
    return Words(response.content.decode())


def both(web: DualClient, path: str, **headers: str) -> tuple[Words, Words]:
    """The page in English and in German."""
    return words_of(web, path, "en", **headers), words_of(web, path, GERMAN["Accept-Language"], **headers)


def assert_german(web: DualClient, path: str, expected: str, **headers: str) -> None:
    english, german = both(web, path, **headers)
    assert (english.language, german.language) == ("en", "de")
    assert expected in german.said
    assert {text for text in english.said & german.said if "@" not in text} <= SAME_IN_BOTH


@pytest.fixture
def speaking(settings: Settings) -> None:
    """A site in the language of the browser."""
    own = settings.MIDDLEWARE
    settings.MIDDLEWARE = [own[0], "django.middleware.locale.LocaleMiddleware", *own[1:]]
    settings.LANGUAGES = [(code.lower().replace("_", "-"), code) for code in ("en", *sorted(LANGUAGES))]


pages = pytest.mark.usefixtures("speaking")


@pytest.fixture
def begun(ory: Ory, web: DualClient, speaking: None) -> Session:
    """Somebody whose browser is signed in here; flows of that session can be begun."""
    session = ory.person(name={"first": "Ada"}).browser_session()
    sign_in(web, session)
    return session


def flow_of(session: Session, flow: str, query: str = "") -> str:
    begun = session.get(f"/self-service/{flow}/browser{query}").json
    return f"/auth/{flow}?flow={begun['id']}"


def cookies(session: Session) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in session.jar.items())}


@pages
@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize(("flow", "heading"), [("login", "Anmelden"), ("registration", "Konto erstellen")])
def test_the_pages_for_strangers_are_german(ory: Ory, web: DualClient, flow: str, heading: str) -> None:
    stranger = Session(ory.person(), "")
    assert_german(web, flow_of(stranger, flow), heading, **cookies(stranger))


@pages
@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_no_english_is_left_on_the_pages_of_any_language(ory: Ory, web: DualClient, language: str) -> None:
    code = language.lower().replace("_", "-")
    stranger, person = Session(ory.person(), ""), ory.person(name={"first": "Ada"}).browser_session()
    for session, flow in (
        (stranger, "login"),
        (stranger, "registration"),
        (stranger, "recovery"),
        (person, "settings"),
    ):
        path = flow_of(session, flow)
        english = words_of(web, path, "en", **cookies(session))
        other = words_of(web, path, code, **cookies(session))
        assert (english.language, other.language) == ("en", code)
        assert {text for text in english.said & other.said if "@" not in text} <= SAME_IN_SOME


@pages
@pytest.mark.usefixtures("local_ory")
def test_errors_of_a_form_are_german(ory: Ory, web: DualClient) -> None:
    stranger = Session(ory.person(), "")
    begun = stranger.get("/self-service/login/browser").json
    stranger.submit("login", begun, {"method": "password", "identifier": "nobody@example.org", "password": "wrong"})
    wrong = "Diese Anmeldedaten sind nicht richtig. Prüfen Sie sie und versuchen Sie es noch einmal."
    assert_german(web, f"/auth/login?flow={begun['id']}", wrong, **cookies(stranger))


@pages
@pytest.mark.usefixtures("local_ory")
def test_the_settings_are_german(ory: Ory, web: DualClient) -> None:
    session = ory.person(name={"first": "Ada"}).browser_session()
    path = flow_of(session, "settings")
    assert_german(web, path, "Kontoeinstellungen", **cookies(session))
    assert_german(web, path, "Vorname", **cookies(session))


@pages
def test_backup_codes_and_the_time_of_their_use_are_german(
    web: DualClient, local_ory: LocalOry, settings: Settings
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    used = {"id": 1050014, "type": "info", "text": "Ory's words", "context": {"used_at": "2026-11-23T08:48:32.68Z"}}
    text = {"id": 1050015, "type": "info", "text": "x", "context": {"secrets": [used]}}
    label = {"id": 1050010, "type": "info", "text": "Ory's words"}
    node = {"type": "text", "group": "lookup_secret", "attributes": {"text": text}, "meta": {"label": label}}
    body = json.dumps({"id": "x", "type": "browser", "ui": {"nodes": [node]}}).encode()
    with local_ory.failing(200, {"Content-Type": "application/json"}, body, "/self-service/settings/flows"):
        assert_german(web, "/auth/settings?flow=a3b8f3d4-0000-4000-8000-000000000000", "Verwendet am 23.11.2026 09:48")


RECOVERY = [
    ("email", "email", 1070007, "E-Mail-Adresse"),
    ("code", "text", 1070010, "Code, den wir Ihnen geschickt haben"),
]


@pages
@pytest.mark.parametrize("flow", ["recovery", "verification"])
@pytest.mark.parametrize(("name", "type_", "label", "expected"), RECOVERY)
def test_recovery_and_verification_are_german(
    web: DualClient, local_ory: LocalOry, flow: str, name: str, type_: str, label: int, expected: str
) -> None:
    def node(id: int, **attributes: object) -> Json:
        label = {"id": id, "type": "info", "text": "Ory's words"}
        return {"type": "input", "group": "code", "attributes": attributes, "messages": [], "meta": {"label": label}}

    nodes = [
        node(label, name=name, type=type_, required=True, disabled=False),
        node(1070009, name="method", type="submit", value="code", disabled=False),
        node(1070008, name="resend", type="submit", value="x", disabled=False),
    ]
    said = [{"id": 1060003, "type": "info", "text": "Ory's words"}]
    for state in ("choose_method", "sent_email"):
        body = json.dumps(
            {"id": "x", "type": "browser", "state": state, "ui": {"nodes": nodes, "messages": said}}
        ).encode()
        with local_ory.failing(200, {"Content-Type": "application/json"}, body, f"/self-service/{flow}/flows"):
            assert_german(web, f"/auth/{flow}?flow=a3b8f3d4-0000-4000-8000-000000000000", expected)


@pages
@pytest.mark.usefixtures("local_ory")
def test_stepping_up_is_german(ory: Ory, web: DualClient) -> None:
    session = ory.person().browser_session()
    path = flow_of(session, "login", "?aal=aal2")
    assert_german(web, path, "Ein zweiter Schritt ist nötig", **cookies(session))
    session.set_up_totp()
    other = session.person.browser_session()
    assert_german(web, flow_of(other, "login", "?aal=aal2"), "Zweiter Schritt", **cookies(other))
    assert_german(
        web, flow_of(session, "login", "?refresh=true"), "Bestätigen Sie, dass Sie es sind", **cookies(session)
    )


@pages
def test_a_form_that_is_gone_is_german(ory: Ory, web: DualClient) -> None:
    path = "/auth/login?flow=00000000-0000-4000-8000-000000000000"
    assert_german(web, path, "Dieses Formular ist nicht mehr gültig")


@pages
def test_the_page_of_causes_is_german(ory: Ory, web: DualClient) -> None:
    def circle(language: str) -> Words:
        web.cookies.clear()
        headers = {"Accept": "text/html", "Accept-Language": language}
        for path in ("/auth/login?next=/guarded", "/guarded", "/auth/login?next=/guarded"):
            answer = web.get(path, headers=headers)
        return Words(answer.content.decode())

    english, german = circle("en"), circle("de")
    assert "Die Anmeldung wurde nicht abgeschlossen" in german.said
    assert english.said & german.said == set()


@pytest.mark.django_db
def test_the_page_for_people_who_are_not_admitted_is_german(web: DualClient, begun: Session) -> None:
    web.get("/who")
    User.objects.update(is_active=False)
    assert_german(web, "/guarded", "Kein Zugang")


@pytest.mark.django_db
def test_the_page_for_missing_rights_is_german(web: DualClient, begun: Session) -> None:
    web.get("/who")
    assert_german(web, "/admin/login/", "Nicht erlaubt")


@pages
@pytest.mark.parametrize("path", ["/guarded", "/who", "/auth/login?flow=a3b8f3d4-0000-4000-8000-000000000000"])
def test_an_outage_is_german(web: DualClient, local_ory: LocalOry, path: str) -> None:
    with local_ory.failing(500):
        assert_german(web, path, "Einen Moment, bitte", Cookie="ory_kratos_session=x")


ERROR = {"id": "security_csrf_violation", "code": 403, "status": "Forbidden", "reason": "Because.", "message": "No."}


@pages
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            ERROR,
            "Das Formular wurde nicht von dieser Website gesendet, oder Ihr Browser hat ein Cookie nicht behalten. "
            "Erlauben Sie Cookies und beginnen Sie neu.",
        ),
        ({**ERROR, "id": "something_new"}, "Der Anmeldedienst konnte den Vorgang nicht ausführen."),
        ({}, "Der Anmeldedienst konnte den Vorgang nicht ausführen."),
    ],
    ids=["known", "unknown", "none"],
)
def test_an_error_is_german(web: DualClient, local_ory: LocalOry, error: Json, expected: str) -> None:
    body = json.dumps({"id": "x", "error": error}).encode()
    with local_ory.failing(200, {"Content-Type": "application/json"}, body, "/self-service/errors"):
        assert_german(web, "/auth/error?id=a3b8f3d4-0000-4000-8000-000000000000", expected)


# --- programs, and the admin ------------------------------------------------------------------------------------------


@pages
def test_json_details_are_german_and_codes_stay(ory: Ory, web: DualClient, local_ory: LocalOry) -> None:
    told = web.get("/guarded", headers={**GERMAN, "Accept": "application/json"}).json()
    assert (told["code"], told["detail"]) == ("not_authenticated", "Anmeldedaten fehlen oder sind nicht gültig.")
    token = {**GERMAN, "X-Session-Token": "x"}
    with local_ory.failing(500):
        told = web.get("/guarded", headers=token).json()
        assert told == web.get("/api/me", headers=token).json()
    assert told["code"] == "ory_unavailable"
    assert told["detail"].startswith("Der Anmeldedienst antwortet zurzeit nicht.")


@pages
@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/aal2", "/api/aal2"])
def test_json_says_in_german_what_is_missing(ory: Ory, web: DualClient, path: str) -> None:
    told = web.get(path, headers={**ory.person().app_session().headers, **GERMAN}).json()
    assert (told["code"], told["detail"]) == ("session_aal2_required", "Ein zweiter Faktor ist erforderlich.")


@pages
@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/guarded", "/api/me"])
def test_json_says_in_german_that_a_person_is_not_admitted(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, path: str
) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.NoGuests")
    told = web.get(path, headers={**ory.person().app_session().headers, **GERMAN}).json()
    assert told["code"] == "not_admitted"
    assert told["detail"] == "Sie sind angemeldet, aber dieses Konto ist hier nicht zugelassen."


def test_the_admin_names_what_it_lists_in_german() -> None:
    with translation.override("de"):
        assert str(OryIdentity._meta.verbose_name_plural) == "Ory-Identitäten"
        listed = OryIdentityAdmin(OryIdentity, site)
        names = [str(label_for_field(name, OryIdentity, listed)) for name in OryIdentityAdmin.list_display]
    assert names == [
        "Ory-Identität",
        "Benutzer",
        "Status bei Ory",
        "hat eine bestätigte Adresse",
        "letzte Anmeldung",
    ]
