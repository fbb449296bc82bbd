"""A flow as a whole page, as a fragment for htmx and ``{% ory_flow %}``, and as JSON for single-page apps."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.urls import include, path
from pytest_django import Settings

from ory_auth.local import LocalOry
from ory_auth.pages import flow_json
from ory_auth.pages.ui import page as model
from tests.support.client import DualClient
from tests.support.cookies import set_cookie, sign_in
from tests.support.html_forms import read_forms
from tests.support.ory import PASSWORD, Ory, Session, send
from tests.support.types import ChangeSettings, Response

pytestmark = pytest.mark.django_db

HOST = {"Host": "127.0.0.1"}  # the host of the local Ory: its cookies reach this site
JSON_HEADER = {"Accept": "application/json"}
JSON = {**HOST, **JSON_HEADER}
HTMX = {**HOST, "HX-Request": "true", "HX-Current-URL": "http://127.0.0.1/page"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def _pages_at_the_host_of_ory(local_ory: LocalOry) -> None:
    local_ory.configure(allowed_return_urls=("http://127.0.0.1", "http://testserver"))


def start(web: DualClient, path: str = "/auth/login?format=json", **headers: str) -> Any:
    """The flow as JSON. The client keeps Ory's cookie."""
    response = web.get(path, headers={**JSON, **headers})
    assert response.status_code == 200, response.content
    return response.json()["flow"]


def form_of(flow: Any, button: str) -> Any:
    return next(form for section in flow["sections"] for form in section["forms"] if button in str(form["parts"]))


def values_of(form: Any, **values: str) -> dict[str, str]:
    return {**{hidden["name"]: hidden["value"] for hidden in form["hidden"]}, **values}


def submit(web: DualClient, form: Any, values: dict[str, str]) -> Any:
    """Send a form to Ory, as a script does that may."""
    cookies = "; ".join(f"{morsel.key}={morsel.value}" for morsel in web.cookies.values())
    reply = send("POST", form["action"], headers={"Cookie": cookies}, body=values)
    for line in reply.headers.getlist("Set-Cookie"):
        name, _, value = line.split(";")[0].partition("=")
        set_cookie(web, name, value)
    return reply


# --- JSON


def test_a_script_signs_in_with_two_requests(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    flow = start(web, "/auth/login?format=json&next=/who")
    assert (flow["kind"], flow["return_to"]) == ("login", "http://127.0.0.1/who")
    form = form_of(flow, "password")
    values = values_of(form, identifier=person.email, password=PASSWORD, method="password")
    assert submit(web, form, values).status == 200
    assert web.get("/who", headers=HOST).json()["user"] == person.id


def test_after_a_wrong_password_the_flow_says_so_in_the_language_of_the_request(
    ory: Ory, web: DualClient, settings: Settings
) -> None:
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware", *settings.MIDDLEWARE]
    flow = start(web)
    form = form_of(flow, "password")
    reply = submit(web, form, values_of(form, identifier="ada@example.org", password="wrong", method="password"))
    assert reply.status == 400
    flow = start(web, f"/auth/login?flow={reply.json['id']}", **{"Accept-Language": "de"})
    assert flow["has_errors"]
    assert [message["kind"] for message in flow["messages"]] == ["error"]
    assert "Anmeldedaten" in flow["messages"][0]["text"]


def test_the_json_has_all_values_of_the_page(ory: Ory, web: DualClient) -> None:
    flow = start(web)
    [button] = [button for button in form_of(flow, "password")["parts"][-1]["buttons"] if button["primary"]]
    assert (button["name"], button["value"], button["sends_fields"]) == ("method", "password", True)
    nodes = [
        node
        for section in flow["sections"]
        for form in section["forms"]
        for part in form["parts"]
        for node in part["nodes"]
    ]
    assert {(node["kind"], node["type"]) for node in nodes} == {("field", "text"), ("field", "password")}
    assert flow["focus"] in {node["id"] for node in nodes}


def test_starting_costs_one_call_and_no_cache_stores_it(local_ory: LocalOry, web: DualClient) -> None:
    before = len(local_ory.requests)
    response = web.get("/auth/login?format=json", headers=JSON)
    assert [request.path for request in list(local_ory.requests)[before:]] == ["/self-service/login/browser"]
    assert "no-store" in response["Cache-Control"]
    assert [name for name in response.cookies if not name.startswith("csrf_token_")] == []


def test_a_second_start_keeps_the_cookie_so_that_the_first_form_still_works(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    form = form_of(start(web), "password")
    start(web, "/auth/registration?format=json")
    values = values_of(form, identifier=person.email, password=PASSWORD, method="password")
    assert submit(web, form, values).status == 200


def test_a_person_who_is_signed_in_is_sent_on(ory: Ory, web: DualClient) -> None:
    sign_in(web, ory.person().browser_session())
    response = web.get("/auth/login?format=json&next=/who", headers=JSON)
    assert (response.status_code, response.json()["redirect_browser_to"]) == (422, "http://127.0.0.1/who")


def test_a_missing_second_factor_starts_that_step(ory: Ory, web: DualClient, aal1_session: Session) -> None:
    sign_in(web, aal1_session)
    flow = start(web)
    assert (flow["step_up"], flow["has_second_factor"]) == (True, True)


def test_the_settings_need_a_session(ory: Ory, web: DualClient) -> None:
    response = web.get("/auth/settings?format=json", headers=JSON)
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_a_profile_that_form_fields_cannot_carry_goes_to_this_site_first(
    local_ory: LocalOry, ory: Ory, web: DualClient
) -> None:
    """The response is the form to send to Ory."""
    identifier = {"credentials": {"password": {"identifier": True}}}
    properties = {
        "email": {"type": "string", "ory.sh/kratos": identifier},
        "addresses": {"type": "array", "items": {"type": "object"}},
    }
    local_ory.configure(schema={"properties": {"traits": {"type": "object", "properties": properties}}})
    person = ory.person(addresses=[{"street": "B"}])
    sign_in(web, person.browser_session())
    form = form_of(start(web, "/auth/settings?format=json"), "traits.email")
    assert form["goes_to_site"]
    values = values_of(form, **{"traits.email": "new@example.org"})
    submitted = web.post(form["action"], values, headers=JSON).json()["submit"]
    assert json.loads(submitted["fields"]["traits"]) == {"email": "new@example.org", "addresses": [{"street": "B"}]}
    assert (
        submit(web, submitted, submitted["fields"] | {"traits": json.loads(submitted["fields"]["traits"])}).status
        == 200
    )


@pytest.mark.parametrize("flow_id", [UNKNOWN, "../../admin", ""])
def test_a_flow_that_is_gone_names_the_way_to_start_again(ory: Ory, web: DualClient, flow_id: str) -> None:
    response = web.get(f"/auth/login?flow={flow_id}", headers=JSON)
    assert (response.status_code, response.json()["code"]) == (404, "flow_gone")
    assert response.json()["restart_url"].startswith("/auth/login")


def test_a_flow_of_another_browser_is_not_shown(ory: Ory, web: DualClient) -> None:
    flow = start(web)
    web.cookies.clear()
    assert web.get(f"/auth/login?flow={flow['id']}", headers=JSON).status_code == 403


def test_what_ory_refuses_has_its_code(local_ory: LocalOry, web: DualClient) -> None:
    error = {"code": 400, "id": "self_service_flow_disabled", "reason": "<b>"}
    body = json.dumps({"error": error}).encode()
    with local_ory.failing(400, {"Content-Type": "application/json"}, body, "/self-service/registration/browser"):
        response = web.get("/auth/registration?format=json", headers=JSON)
        page = web.get("/auth/registration?format=fragment", headers=HTMX)
    assert (response.status_code, response.json()["code"]) == (400, "self_service_flow_disabled")
    assert page.status_code == 400
    assert page.content.decode().lstrip().startswith('<div class="ory-fragment')


def test_an_outage_is_a_503(local_ory: LocalOry, web: DualClient) -> None:
    with local_ory.stopped():
        response = web.get("/auth/login?format=json", headers=JSON)
    assert (response.status_code, response.json()["code"]) == (503, "ory_unavailable")


def test_if_orys_cookie_cannot_reach_ory_the_browser_opens_the_page(ory: Ory, web: DualClient) -> None:
    """The site and Ory are on different hosts, and the cookie has no domain."""
    response = web.get("/auth/login?format=json&next=/who", headers={"Accept": "application/json"})
    assert (response.status_code, response.json()["code"]) == (422, "browser_location_change_required")
    assert response.json()["redirect_browser_to"] == "http://testserver/auth/login?next=%2Fwho"
    assert not response.cookies


def test_a_script_that_was_redirected_here_learns_that_nobody_is_signed_in(ory: Ory, web: DualClient) -> None:
    response = web.get("/auth/login?next=/who", headers={**JSON, "Sec-Fetch-Mode": "cors"})
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


TABLES = [model.FlowPage, model.Section, model.Form, model.Part, model.Hidden, model.Button, model.Credential]
NODES = [model.Field, model.Checkbox, model.DateTime, model.Select, model.Text, model.Codes, model.Image, model.Link]


def documented(section: str) -> set[str]:
    text = (Path(__file__).parent.parent / "docs" / "reference" / "flow-json.md").read_text()
    found = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, section
    return {
        name for cell in re.findall(r"^\| (.*?) \|", found[1], re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    }


@pytest.mark.parametrize("cls", TABLES)
def test_every_key_of_the_json_is_documented(cls: type) -> None:
    added = {model.FlowPage: {"id", "return_to"}, model.Form: {"goes_to_site"}}.get(cls, set())
    assert documented(cls.__name__) == {*flow_json.names_of(cls), *added}


def test_every_key_of_the_nodes_is_documented() -> None:
    assert documented("Nodes") == {name for cls in NODES for name in flow_json.names_of(cls)}


# --- through the gateway

urlpatterns = [path("auth/", include("ory_auth.urls")), path(".ory/", include("ory_auth.gateway.urls"))]


def send_through_gateway(web: DualClient, form: Any, values: dict[str, str]) -> Response:
    url = urlsplit(form["action"])
    assert url.path == "/.ory/self-service/login"
    options: dict[str, Any] = {"content_type": "application/x-www-form-urlencoded", "headers": JSON_HEADER}
    return web.post(f"{url.path}?{url.query}", urlencode(values), **options)


@pytest.mark.urls(__name__)
def test_through_the_gateway_no_host_is_needed(
    local_ory: LocalOry, ory: Ory, web: DualClient, ory_auth: ChangeSettings
) -> None:
    """The site is at another host than Ory, and Ory's cookie becomes one of the site."""
    ory_auth(BROWSER_URL="/.ory")
    person = ory.person()
    flow = web.get("/auth/login?format=json", headers={"Accept": "application/json"}).json()["flow"]
    form = form_of(flow, "password")
    values = values_of(form, identifier=person.email, password="wrong", method="password")
    assert send_through_gateway(web, form, values).status_code == 400
    response = send_through_gateway(web, form, {**values, "password": PASSWORD})
    assert response.status_code == 200, response.content
    assert "ory_kratos_session" in response.cookies


# --- fragments


def fragment(response: Response) -> str:
    text = str(response.content.decode())
    assert response.status_code == 200, text
    assert text.lstrip().startswith('<div class="ory-fragment')
    assert "<html" not in text
    return text


def test_htmx_gets_a_fragment_of_a_flow(ory: Ory, web: DualClient) -> None:
    response = web.get("/auth/login?format=fragment&next=/who", headers=HTMX)
    text = fragment(response)
    [form] = [form for form in read_forms(text) if "password" in form.fields]
    assert form.action.startswith(ory.public_url)
    assert 'data-hx-boost="false"' in text
    assert "flow.js" in text
    flow_id = parse_qs(urlsplit(form.action).query)["flow"][0]
    assert "<h1>" in fragment(web.get(f"/auth/login?flow={flow_id}", headers=HTMX))


@pytest.mark.parametrize(
    "headers",
    [{"HX-Boosted": "true"}, {"HX-History-Restore-Request": "true"}, {"HX-Request-Type": "full"}],
)
def test_htmx_gets_a_page_where_it_replaces_the_page(ory: Ory, web: DualClient, headers: dict[str, str]) -> None:
    flow = start(web)
    text = web.get(f"/auth/login?flow={flow['id']}", headers={**HTMX, **headers}).content.decode()
    assert "<html" in text
    assert "ory-fragment" not in text


def test_htmx_that_was_redirected_here_leaves_for_the_sign_in_page(ory: Ory, web: DualClient) -> None:
    response = web.get("/auth/login?next=/who", headers=HTMX)
    assert response.status_code == 401
    assert "/self-service/login/browser" in response["HX-Redirect"]


def test_a_flow_that_is_gone_is_a_fragment_too(ory: Ory, web: DualClient) -> None:
    response = web.get(f"/auth/login?flow={UNKNOWN}", headers=HTMX)
    assert response.status_code == 404
    assert response.content.decode().lstrip().startswith('<div class="ory-fragment')


def test_a_browser_gets_a_page(ory: Ory, web: DualClient) -> None:
    flow = start(web)
    response = web.get(f"/auth/login?flow={flow['id']}", headers={**HOST, "Accept": "text/html,*/*"})
    assert "<html" in response.content.decode()
    assert {"Accept", "HX-Request"} <= {name.strip() for name in response["Vary"].split(",")}
