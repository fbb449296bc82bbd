"""Social sign-in beyond the recordings: the page of the pretend provider, and seeded accounts."""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

import pyotp
import pytest

from ory_auth.local import LocalOry

from .visits import ADA, FORM, HTML, PASSWORD, Response, Visitor, Visits, send


@pytest.fixture(autouse=True)
def _providers(local_ory: LocalOry) -> None:
    local_ory.configure(oidc_providers={"google": "Google", "github": "GitHub"})


def path_of(response: Response) -> str:
    url = urlsplit(response.headers["Location"])
    return f"{url.path}?{url.query}"


def go_to_provider(visits: Visits, browser: Visitor, provider: str = "google", **fields: str) -> str:
    """Press a provider's button on the login page. Returns path and query of the provider's page."""
    flow = visits.flow("login", browser)
    content = {"provider": provider, "csrf_token": flow.csrf_token, **fields}
    return path_of(visits.request_public("POST", f"/self-service/login?flow={flow.id}", browser.page, **content))


def consent_page(visits: Visits, path: str) -> str:
    response = send(visits.ory.public_url, "GET", path, [("Accept", HTML)])
    assert response.status == 200
    assert "Set-Cookie" not in response.headers
    return response.body.decode()


def choose(visits: Visits, browser: Visitor, path: str, **form: str) -> Response:
    """Choose at the provider, and follow the browser back to Ory."""
    body = urlencode({"decision": "allow", **form}).encode()
    chosen = send(visits.ory.public_url, "POST", path, [("Content-Type", FORM)], body)
    return visits.request_public("GET", path_of(chosen), browser.page)


def whoami_email(visits: Visits, browser: Visitor) -> str:
    return str(visits.request_public("GET", "/sessions/whoami", browser).content["identity"]["traits"]["email"])


def test_the_provider_asks_who_the_person_is(visits: Visits) -> None:
    page = consent_page(visits, go_to_provider(visits, Visitor()))
    assert "This is a pretend provider" in page
    assert "Sign in with Google" in page
    assert 'name="email"' in page


def test_the_provider_remembers_accounts_of_this_provider_only(visits: Visits) -> None:
    choose(visits, browser := Visitor(), go_to_provider(visits, Visitor()), email=ADA, given_name="Ada")
    choose(visits, browser, go_to_provider(visits, browser), email=ADA, given_name="Ada")
    assert whoami_email(visits, browser) == ADA
    assert f"<b>Ada</b><span>{ADA}</span>" in consent_page(visits, go_to_provider(visits, Visitor()))
    assert ADA not in consent_page(visits, go_to_provider(visits, Visitor(), "github"))


def test_an_account_with_the_same_address_is_the_same_account(visits: Visits) -> None:
    for _ in range(2):
        browser = Visitor()
        choose(visits, browser, go_to_provider(visits, browser), email=ADA)
        assert whoami_email(visits, browser) == ADA
    assert len(visits.ory.state.identities) == 1


def test_a_hint_fills_in_the_address(visits: Visits) -> None:
    path = go_to_provider(visits, Visitor(), **{"upstream_parameters.login_hint": ADA})
    assert f'value="{ADA}"' in consent_page(visits, path)


def test_the_page_shows_markup_as_text(visits: Visits) -> None:
    visits.ory.configure(oidc_providers={"google": "<script>alert(1)</script>"})
    browser = Visitor()
    choose(visits, browser, go_to_provider(visits, browser), email=ADA, given_name='"><script>alert(2)</script>')
    page = consent_page(visits, go_to_provider(visits, Visitor()))
    assert "<script" not in page


def test_the_page_has_a_strict_policy_and_its_own_style(visits: Visits) -> None:
    path = go_to_provider(visits, Visitor())
    response = send(visits.ory.public_url, "GET", path, [("Accept", HTML)])
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    style = re.search(r'href="([^"]+\.css)"', response.body.decode())
    assert style
    assert send(visits.ory.public_url, "GET", style[1], []).headers["Content-Type"].startswith("text/css")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_page_needs_a_browser_that_ory_has_sent(visits: Visits, method: str) -> None:
    headers, body = [("Content-Type", FORM)], b"decision=allow"
    assert send(visits.ory.public_url, method, "/pretend-provider/authorize?state=x", headers, body).status == 400


def test_a_seeded_account_signs_in_and_is_offered(visits: Visits) -> None:
    visits.person(social={"google": "ada-1"})
    path = go_to_provider(visits, browser := Visitor())
    assert ADA in consent_page(visits, path)
    choose(visits, browser, path, sub="ada-1")
    assert whoami_email(visits, browser) == ADA


def test_the_address_of_another_provider_is_linked_after_a_sign_in(visits: Visits) -> None:
    visits.person()
    browser = Visitor()
    linking = choose(visits, browser, go_to_provider(visits, browser), email=ADA)
    flow = visits.request_public("GET", f"/self-service/login/flows?id={linking.id}", browser)
    assert flow.content["ui"]["messages"][0]["id"] == 1010016
    form = {"method": "password", "identifier": ADA, "password": PASSWORD, "csrf_token": flow.csrf_token}
    visits.request_public("POST", f"/self-service/login?flow={flow.id}", browser.page, **form)
    stranger = Visitor()
    choose(visits, stranger, go_to_provider(visits, stranger), email=ADA)
    assert whoami_email(visits, stranger) == ADA


def test_a_login_for_an_application_ends_on_its_page(visits: Visits) -> None:
    visits.ory.configure(oauth2_provider=True)
    visits.person()
    browser = Visitor()
    flow = visits.flow("login", browser, "?login_challenge=abc")
    assert flow.content["oauth2_login_request"]["client"]["client_name"] == "Pretended application"
    form = {"method": "password", "identifier": ADA, "password": PASSWORD, "csrf_token": flow.csrf_token}
    end = visits.request_public("POST", f"/self-service/login?flow={flow.id}", browser.page, **form)
    page = send(visits.ory.public_url, "GET", path_of(end), [("Accept", HTML)])
    assert "Back at the pretended application" in page.body.decode()


def test_a_login_for_an_application_goes_on_after_the_second_step(visits: Visits) -> None:
    visits.ory.configure(oauth2_provider=True)
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    visits.person(totp=secret)
    browser = Visitor()
    flow = visits.flow("login", browser, "?login_challenge=abc")
    form = {"method": "password", "identifier": ADA, "password": PASSWORD, "csrf_token": flow.csrf_token}
    step_up = visits.request_public("POST", f"/self-service/login?flow={flow.id}", browser.page, **form)
    assert path_of(step_up) == "/self-service/login/browser?aal=aal2&login_challenge=abc"
    flow = visits.request_public("GET", path_of(step_up), browser)
    form = {"method": "totp", "totp_code": pyotp.TOTP(secret).now(), "csrf_token": flow.csrf_token}
    end = visits.request_public("POST", f"/self-service/login?flow={flow.id}", browser.page, **form)
    assert path_of(end).startswith("/oauth2/auth?login_verifier=")
