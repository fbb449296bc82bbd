"""The stand-in for the edge of Ory Network."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest

from ory_auth.local import Config, LocalOry
from tests.support.ory import HTTP, Ory, send

HTML = {"Accept": "text/html"}
START = "/self-service/login/browser"
SITE = "http://localhost:8000/.ory"


@pytest.fixture
def edge() -> Iterator[LocalOry]:
    with LocalOry(Config(public_port=0, admin_port=0, edge=True, edge_token="t0ken")) as local:
        yield local


def test_cookies_are_for_the_host_of_the_project(edge: LocalOry) -> None:
    cookies = send("GET", edge.public_url + START, headers=HTML).headers.getlist("Set-Cookie")
    assert [cookie.partition("=")[0][:10] for cookie in cookies] == ["csrf_token", "__cf_bm"]
    assert all("; Domain=127.0.0.1" in cookie for cookie in cookies)


def test_responses_have_the_headers_of_a_content_delivery_network(edge: LocalOry) -> None:
    headers = send("GET", edge.public_url + "/health/ready").headers
    assert headers["Server"] == "cloudflare"
    assert {"cf-ray", "alt-svc", "strict-transport-security", "x-ratelimit-remaining"} <= {
        name.lower() for name in headers
    }


def test_a_browser_is_sent_to_the_canonical_host(edge: LocalOry) -> None:
    url = edge.public_url.replace("127.0.0.1", "localhost")
    reply = send("GET", f"{url}{START}?aal=aal2", headers=HTML)
    assert (reply.status, reply.headers["Location"]) == (307, f"{edge.public_url}{START}?aal=aal2")
    assert send("GET", url + START).status == 200  # a program
    assert send("GET", url + START, headers={**HTML, "Ory-No-Custom-Domain-Redirect": "true"}).status == 303


def test_a_browser_is_sent_to_the_custom_domain(edge: LocalOry) -> None:
    edge.configure(edge_custom_domain="https://auth.example.org")
    reply = send("GET", edge.public_url + START, headers=HTML)
    assert reply.headers["Location"] == f"https://auth.example.org{START}"


@pytest.mark.parametrize(("token", "is_rewritten"), [("t0ken", True), ("other", False), ("", False)])
def test_only_with_the_token_another_base_url_is_used(edge: LocalOry, token: str, is_rewritten: bool) -> None:
    headers = {"Ory-Base-URL-Rewrite": SITE, "Ory-Base-URL-Rewrite-Token": token}
    flow = send("GET", edge.public_url + START, headers=headers).json
    assert flow["ui"]["action"].startswith(f"{SITE if is_rewritten else edge.public_url}/self-service/login?flow=")


def test_a_url_within_a_redirect_is_rewritten(edge: LocalOry) -> None:
    edge.configure(ui_base=f"{edge.public_url}/ui", allowed_return_urls=(edge.public_url,))
    headers = {"Ory-Base-URL-Rewrite": SITE, "Ory-Base-URL-Rewrite-Token": "t0ken", **HTML}
    reply = send("GET", edge.public_url + START, headers=headers)
    assert reply.headers["Location"].startswith(f"{SITE}/ui/login?flow=")
    assert int(reply.headers["Content-Length"]) == len(reply.body)


def test_without_the_edge_nothing_changes(edge: LocalOry) -> None:
    edge.configure(edge=False)
    headers = send("GET", edge.public_url + START, headers=HTML).headers
    assert "Server" not in headers or headers["Server"] != "cloudflare"
    assert "Domain" not in headers["Set-Cookie"]


def test_people_sign_in_at_the_edge(edge: LocalOry) -> None:
    session = Ory(edge.public_url, edge.admin_url, edge).person().browser_session()
    assert session.whoami()["active"]


def test_a_failing_ory_fails_behind_the_edge(edge: LocalOry) -> None:
    with edge.failing(503):
        assert send("GET", edge.public_url + "/sessions/whoami").status == 503
    assert HTTP.request("GET", f"http://{urlsplit(edge.public_url).netloc}{quote('/sessions/whoami')}").status == 401
