"""``{% load ory_auth %}`` in the templates of a project."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.http import HttpRequest, HttpResponse
from django.template import TemplateSyntaxError, engines
from django.urls import include, path
from pytest_django import Settings

from ory_auth.decorators import ory_optional
from ory_auth.local import LocalOry
from ory_auth.types import OryHttpRequest
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.html_forms import read_forms
from tests.support.ory import Ory
from tests.support.types import ChangeSettings

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def render(request: HttpRequest, **context: object) -> HttpResponse:
    """A project's page. The test says which tags it has."""
    source = "{% load ory_auth %}" + request.META["HTTP_X_TAGS"]
    return HttpResponse(engines["django"].from_string(source).render(context, request))


@ory_optional
def optional(request: HttpRequest) -> HttpResponse:
    return render(request)


async def arender(request: OryHttpRequest) -> HttpResponse:
    await request.auser()
    return render(request)


urlpatterns = [
    path("page", render),
    path("optional", optional),
    path("async", arender),
    path("auth/", include("ory_auth.urls")),
]


def page(web: DualClient, tags: str, path: str = "/page", **headers: str) -> str:
    response = web.get(path, headers={"X-Tags": tags, **headers})
    assert response.status_code == 200
    return str(response.content.decode()).strip()


def query_of(url: str) -> dict[str, list[str]]:
    assert urlsplit(url).path == "/auth/login"
    return parse_qs(urlsplit(url.replace("&amp;", "&")).query)


# --- links


def test_the_login_url_leads_back_to_the_current_page_with_its_parameters(ory: Ory, web: DualClient) -> None:
    url = page(web, "{% ory_login_url %}", "/page?a=1&b=%C3%A4")
    assert query_of(url) == {"next": ["/page?a=1&b=%C3%A4"]}


@pytest.mark.parametrize(
    ("tags", "query"),
    [
        ('{% ory_login_url next="/orders?open=1" %}', {"next": ["/orders?open=1"]}),
        ('{% ory_login_url next="" %}', {}),
        (
            '{% ory_login_url next="" login_hint="ada@example.org" organization=None %}',
            {"login_hint": ["ada@example.org"]},
        ),
    ],
)
def test_the_login_url_takes_another_page_and_start_parameters(
    ory: Ory, web: DualClient, tags: str, query: dict[str, list[str]]
) -> None:
    assert query_of(page(web, tags)) == query


def test_the_registration_url_is_made_the_same_way(ory: Ory, web: DualClient) -> None:
    assert page(web, "{% ory_registration_url %}") == "/auth/registration?next=%2Fpage"


def test_a_fragment_leads_back_to_the_page_that_shows_it(ory: Ory, web: DualClient) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/around?x=1"}
    assert query_of(page(web, "{% ory_login_url %}", **headers)) == {"next": ["http://testserver/around?x=1"]}


def test_a_fragment_does_not_lead_to_another_site(ory: Ory, web: DualClient) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "https://evil.example/"}
    assert query_of(page(web, "{% ory_login_url %}", **headers)) == {"next": ["/"]}


def test_links_and_the_sign_out_form_cost_no_call(local_ory: LocalOry, ory: Ory, web: DualClient) -> None:
    session = ory.person().browser_session()
    sign_in(web, session)
    calls = len(local_ory.requests)
    page(web, "{% ory_login_url %}{% ory_registration_url %}{% ory_logout_form %}")
    assert len(local_ory.requests) == calls


# --- the sign-out form


def test_the_form_signs_out_and_leads_to_the_page_that_it_names(ory: Ory, csrf_web: DualClient) -> None:
    session = ory.person().browser_session()
    sign_in(csrf_web, session)
    text = page(csrf_web, '{% ory_logout_form text="Leave" css_class="btn" next="/page" %}')
    assert '<button type="submit" class="btn">Leave</button>' in text
    [form] = read_forms(text)
    sign_in(csrf_web, session)
    response = csrf_web.post(form.action, form.fields)
    assert (response.status_code, response["Location"]) == (302, "http://testserver/page")
    assert session.whoami().get("active") is None


# --- a flow in the page


def test_a_flow_is_a_link_until_it_is_seen(local_ory: LocalOry, web: DualClient) -> None:
    text = page(web, '{% ory_flow "login" login_hint="ada@example.org" %}', "/page?a=1")
    assert not local_ory.requests
    assert 'href="/auth/login?next=%2Fpage%3Fa%3D1&amp;login_hint=ada%40example.org"' in text
    assert 'data-ory-next="/page?a=1"' in text
    assert ">Sign in</a>" in text


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "java\nscript:alert(1)", "/\\\\evil.example"],
)
def test_a_flow_leads_to_no_other_site(ory: Ory, web: DualClient, settings: Settings, url: str) -> None:
    """A script goes there after the sign-in, so no view checks it."""
    settings.LOGIN_REDIRECT_URL = "/home"
    assert 'data-ory-next="/home"' in page(
        web, '{% ory_flow "login" next=request.GET.u %}', f"/page?{urlencode({'u': url})}"
    )


def test_a_flow_leads_to_a_host_of_the_project(ory: Ory, web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(LOGIN_REDIRECT_HOSTS=["app.example.org"])
    text = page(web, '{% ory_flow "login" next="http://app.example.org/x" %}')
    assert 'data-ory-next="http://app.example.org/x"' in text


@pytest.mark.parametrize(
    ("kind", "text"),
    [("registration", "Create account"), ("recovery", "Recover your account"), ("settings", "Account settings")],
)
def test_the_link_names_its_flow(ory: Ory, web: DualClient, kind: str, text: str) -> None:
    assert f">{text}</a>" in page(web, f'{{% ory_flow "{kind}" %}}')
    assert ">Join</a>" in page(web, f'{{% ory_flow "{kind}" text="Join" %}}')


def test_an_unknown_flow_is_named(ory: Ory, web: DualClient) -> None:
    with pytest.raises(TemplateSyntaxError, match="'logout' is not a flow"):
        page(web, '{% ory_flow "logout" %}')


# --- the user menu

MENU = "{% ory_user_menu %}"


@pytest.mark.parametrize("path", ["/page", "/optional", "/async"])
def test_a_visitor_gets_links_that_lead_back(ory: Ory, web: DualClient, path: str) -> None:
    text = page(web, MENU, path)
    assert f'href="/auth/login?next=%2F{path[1:]}"' in text
    assert f'href="/auth/registration?next=%2F{path[1:]}"' in text
    assert "<details" not in text


@pytest.mark.parametrize("path", ["/page", "/optional", "/async"])
def test_a_person_gets_their_name_and_a_menu(ory: Ory, web: DualClient, path: str) -> None:
    sign_in(web, ory.person("ada@example.org").browser_session())
    text = page(web, MENU, path)
    assert "<bdi>ada@example.org</bdi>" in text
    assert ">A</span>" in text
    assert 'href="/auth/settings"' in text
    assert [form.action for form in read_forms(text)] == ["/auth/logout"]


def test_the_initials_are_those_of_the_name(ory: Ory, web: DualClient) -> None:
    sign_in(web, ory.person(name={"first": "<b>Ada Augusta", "last": "King</b>"}).browser_session())
    text = page(web, MENU)
    assert "&lt;b&gt;Ada Augusta King&lt;/b&gt;" in text
    assert ">&lt;K</span>" in text


def test_the_menu_offers_no_account_if_registration_is_off(ory: Ory, web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(REGISTRATION=False)
    text = page(web, MENU)
    assert "/auth/login" in text
    assert "/auth/registration" not in text


def test_an_outage_does_not_look_like_signed_out(ory: Ory, web: DualClient, ory_down: None) -> None:
    headers = {"Cookie": "ory_kratos_session=some"}
    text = page(web, MENU, "/optional", **headers)
    assert "Signing in does not work at the moment." in text
    assert "href" not in text


def test_without_ory_optional_an_outage_is_a_503(ory: Ory, web: DualClient, ory_down: None) -> None:
    response = web.get("/page", headers={"X-Tags": MENU, "Cookie": "ory_kratos_session=some"})
    assert response.status_code == 503


def test_a_project_may_replace_a_block_of_the_menu(
    ory: Ory, web: DualClient, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("templates")
    own = folder / "ory_auth" / "tags" / "user_menu.html"
    own.parent.mkdir(parents=True)
    own.write_text(
        '{% extends "ory_auth/tags/user_menu.html" %}{% block items %}<li>Orders</li>{{ block.super }}{% endblock %}'
    )
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [str(folder)]}]
    sign_in(web, ory.person().browser_session())
    text = page(web, MENU)
    assert text.index("<li>Orders</li>") < text.index('href="/auth/settings"')
