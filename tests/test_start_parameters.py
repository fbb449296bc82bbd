"""Every parameter of a start URL reaches Ory, and goes along when a person switches from one flow to another."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from ory_auth.local import LocalOry
from tests.support.browser import Browser, Page, client_transport
from tests.support.client import DualClient
from tests.support.ory import PASSWORD, Ory, Person, Session
from tests.support.types import ChangeSettings

pytestmark = pytest.mark.django_db

HOST = "127.0.0.1:18000"
KINDS = ["login", "registration", "recovery", "verification", "settings"]
PARAMETERS = {
    "login_challenge": "abc-._~123",
    "organization": "0b1c4f9e-6a0e-4a6c-9d0e-0e8f6d7f3c11",
    "identity_schema": "person",
    "login_hint": "ada@example.org",
    "after_verification_return_to": "http://testserver/welcome",
}


def start(web: DualClient, url: str) -> tuple[str, dict[str, str]]:
    """The path at Ory to which the browser is sent, and the query."""
    response = web.get(url)
    assert response.status_code == 302, response.content
    target = urlsplit(response["Location"])
    return target.path, dict(parse_qsl(target.query))


@pytest.fixture
def browser(web: DualClient, local_ory: LocalOry) -> Browser:
    site = f"http://{HOST}"
    local_ory.configure(
        ui_base=f"{site}/auth",
        default_return_url=f"{site}/",
        allowed_return_urls=(f"{site}/",),
        oauth2_provider=True,
    )
    return Browser(HOST, client_transport(web, HOST))


def links_of(page: Page) -> dict[str, dict[str, str]]:
    """The queries of the links on a page to this site's flows, by their paths."""
    hrefs = [href.replace("&amp;", "&") for href in re.findall(r'href="(/auth/[^"]*)"', page.text)]
    return {urlsplit(href).path: dict(parse_qsl(urlsplit(href).query)) for href in hrefs}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_reaches_ory(web: DualClient, ory: Ory, kind: str, name: str) -> None:
    path, query = start(web, f"/auth/{kind}?{name}={PARAMETERS[name]}")
    assert path == f"/self-service/{kind}/browser"
    assert query[name] == PARAMETERS[name]


def test_all_parameters_together_reach_ory(web: DualClient, ory: Ory) -> None:
    query = "&".join(f"{name}={value}" for name, value in PARAMETERS.items())
    _, sent = start(web, f"/auth/login?{query}&next=/guarded&refresh=true")
    assert sent == {**PARAMETERS, "return_to": "http://testserver/guarded", "refresh": "true"}


@pytest.mark.parametrize(
    "query",
    [
        "other=1",
        "flow_id=1",
        "login_challenge=",
        "login_challenge=a%0d%0ab",
        "login_challenge=%00",
        "login_challenge=" + "a" * 9000,
        "refresh=no",
        "after_verification_return_to=https://evil.example/",
        "after_verification_return_to=javascript:alert(1)",
    ],
)
def test_nothing_else_reaches_ory(web: DualClient, ory: Ory, query: str) -> None:
    _, sent = start(web, f"/auth/registration?{query}")
    assert set(sent) == {"return_to"}


def test_a_person_who_is_signed_in_still_goes_to_ory_for_an_oauth2_login(web: DualClient, ory: Ory) -> None:
    session = ory.person().browser_session()
    path, query = start_with(web, session, "/auth/login?login_challenge=abc")
    assert (path, query["login_challenge"]) == ("/self-service/login/browser", "abc")


def test_a_person_who_is_signed_in_can_be_asked_to_sign_in_again(web: DualClient, ory: Ory) -> None:
    session = ory.person().browser_session()
    path, query = start_with(web, session, "/auth/login?refresh=true&next=/guarded")
    assert path == "/self-service/login/browser"
    assert query == {"refresh": "true", "return_to": "http://testserver/guarded"}
    response = web.get("/auth/login?next=/guarded", headers=session.headers)
    assert response["Location"] == "http://testserver/guarded", "without the parameter, there is nothing to do"


def start_with(web: DualClient, session: Session, url: str) -> tuple[str, dict[str, str]]:
    target = urlsplit(web.get(url, headers=session.headers)["Location"])
    return target.path, dict(parse_qsl(target.query))


def test_links_to_other_flows_keep_the_parameters(browser: Browser) -> None:
    query = {**PARAMETERS, "after_verification_return_to": f"http://{HOST}/welcome"}
    query.pop("organization", None)  # its members have no password here
    page = browser.open(f"/auth/login?{urlencode(query)}&return_to=/guarded")
    expected = {**query, "return_to": f"http://{HOST}/guarded"}
    links = links_of(page)
    assert links["/auth/registration"] == expected
    assert links["/auth/recovery"] == expected
    page = browser.open(f"/auth/registration?{urlencode(links['/auth/registration'])}")
    assert links_of(page)["/auth/login"] == expected


def submit_password(browser: Browser, page: Page, person: Person, password: str = "") -> Page:
    return browser.submit(
        page,
        page.form_with("password"),
        button="password",
        identifier=person.email,
        password=password or person.password,
    )


def test_a_sign_in_for_an_oauth2_client_ends_there_also_after_a_wrong_password(browser: Browser, ory: Ory) -> None:
    person = ory.person()
    page = browser.open("/auth/login?login_challenge=abc")
    assert "Pretended application" in page.text
    assert page.form_with("identifier").fields["identifier"] == "hint@example.org"
    page = submit_password(browser, page, person, "wrong-wrong-wrong")
    assert page.path == "/auth/login"
    page = submit_password(browser, page, person)
    assert page.path == "/oauth2/auth"


def test_a_registration_for_an_oauth2_client_ends_there(browser: Browser) -> None:
    page = browser.open("/auth/login?login_challenge=abc")
    page = browser.open(f"/auth/registration?{urlencode(links_of(page)['/auth/registration'])}")
    page = browser.submit(page, page.form_with("traits.email"), button="profile", traits__email="new@example.org")
    page = browser.submit(page, page.form_with("password"), button="password", password=PASSWORD)
    assert page.path == "/oauth2/auth"


def test_an_oauth2_client_asks_a_person_who_is_signed_in_to_confirm(browser: Browser, ory: Ory) -> None:
    person = ory.person()
    browser.jar.update({("127.0.0.1", name): value for name, value in person.browser_session().jar.items()})
    page = browser.open("/auth/login?login_challenge=abc")
    assert page.path == "/auth/login"
    assert person.email in page.text
    assert submit_password(browser, page, person).path == "/oauth2/auth"


def test_signing_in_again_starts_again_with_the_same_parameters(browser: Browser, ory: Ory) -> None:
    person = ory.person()
    browser.jar.update({("127.0.0.1", name): value for name, value in person.browser_session().jar.items()})
    page = browser.open("/auth/login?refresh=true&next=/guarded")
    assert links_of(page)["/auth/login"] == {"refresh": "true", "return_to": f"http://{HOST}/guarded"}
    assert person.email in page.text, "the page says who is meant"


def test_another_account_signs_in_after_the_first_one_has_signed_out(browser: Browser, ory: Ory) -> None:
    first, second = ory.person(), ory.person()
    browser.jar.update({("127.0.0.1", name): value for name, value in first.browser_session().jar.items()})
    page = browser.open("/auth/login?refresh=true&next=/guarded")
    switch = next(form for form in page.forms if form.action == "/auth/logout")
    page = browser.submit(page, switch)
    assert (page.path, first.email in page.text) == ("/auth/login", False)
    page = browser.submit(
        page, page.form_with("password"), button="password", identifier=second.email, password=second.password
    )
    assert page.path == "/guarded"
    assert second.email in browser.open("/who").text


def test_links_do_not_offer_what_the_project_has_turned_off(browser: Browser, ory_auth: ChangeSettings) -> None:
    assert {"/auth/registration", "/auth/recovery"} <= set(links_of(browser.open("/auth/login")))
    ory_auth(REGISTRATION=False, RECOVERY=False)
    assert not {"/auth/registration", "/auth/recovery"} & set(links_of(browser.open("/auth/login")))


@pytest.mark.parametrize("value", ["http://evil.example/", "javascript:alert(1)", "//evil.example"])
def test_what_a_stranger_puts_into_a_flow_does_not_get_into_its_links(browser: Browser, ory: Ory, value: str) -> None:
    start_url = f"{ory.public_url}/self-service/login/browser?{urlencode({'after_verification_return_to': value})}"
    page = browser.open(f"{start_url}&other=1")
    assert page.path == "/auth/login"
    assert all(not query for query in links_of(page).values())


# A second factor that the URL asks for


def test_a_second_factor_is_asked_for_after_the_first_one(browser: Browser, local_ory: LocalOry, ory: Ory) -> None:
    local_ory.configure(whoami_required_aal="aal1")  # Ory itself does not ask for it
    person = ory.person()
    person.browser_session().set_up_totp()
    page = browser.open("/auth/login?aal=aal2&next=/guarded")
    assert "password" in page.fields
    page = browser.submit(
        page, page.form_with("password"), button="password", identifier=person.email, password=person.password
    )
    assert "totp_code" in page.fields
    assert person.totp
    page = browser.submit(page, page.form_with("totp_code"), button="totp", totp_code=person.totp.now())
    assert page.path == "/guarded"


def test_a_second_factor_that_was_used_leads_on(web: DualClient, aal2_session: Session) -> None:
    response = web.get("/auth/login?aal=aal2&next=/guarded", headers=aal2_session.headers)
    assert response["Location"] == "http://testserver/guarded"


def test_the_address_for_the_code_reaches_ory(web: DualClient, aal1_session: Session) -> None:
    _, query = start_with(web, aal1_session, "/auth/login?aal=aal2&via=phone&next=/guarded")
    assert query == {"aal": "aal2", "via": "phone", "return_to": "http://testserver/guarded"}


def test_settings_that_need_a_second_factor_come_back_to_the_settings(browser: Browser, ory: Ory) -> None:
    person = ory.person()
    person.browser_session().set_up_totp()
    browser.jar.update({("127.0.0.1", name): value for name, value in person.browser_session().jar.items()})
    page = browser.open("/auth/settings?return_to=/guarded")
    assert person.totp
    page = browser.submit(page, page.form_with("totp_code"), button="totp", totp_code=person.totp.now())
    assert page.path == "/auth/settings"
    page = browser.submit(page, page.form_with("traits.email"), button="profile", traits__email="new@example.org")
    assert page.path == "/guarded", "the URL to come back to has survived the second factor"
