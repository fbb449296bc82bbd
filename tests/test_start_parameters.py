"""Every parameter of a start URL reaches Ory, and goes along when a person switches from one flow to another."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from ory_auth.local import LocalOry
from tests.support.client import DualClient
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings

pytestmark = pytest.mark.django_db

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


def links_of(web: DualClient, url: str, ory: Ory, cookies: dict[str, str] | None = None) -> dict[str, dict[str, str]]:
    """The queries of the links on the page of a flow that was started by this URL, by the path they lead to."""
    location = web.get(url)["Location"]
    reply = ory.public("GET", location.removeprefix(ory.public_url), headers={"Accept": "text/html"})
    csrf = [line.partition(";")[0] for line in reply.headers.getlist("Set-Cookie")]
    page = web.get(urlsplit(reply.headers["Location"])._replace(scheme="", netloc="").geturl(), cookie="; ".join(csrf))
    hrefs = [href.replace("&amp;", "&") for href in re.findall(r'href="(/auth/[^"]*)"', page.content.decode())]
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
    response = web.get("/auth/login?next=/guarded", **session.headers)
    assert response["Location"] == "http://testserver/guarded", "without the parameter, there is nothing to do"


def start_with(web: DualClient, session: Session, url: str) -> tuple[str, dict[str, str]]:
    target = urlsplit(web.get(url, **session.headers)["Location"])
    return target.path, dict(parse_qsl(target.query))
