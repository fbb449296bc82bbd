"""``FlowForm``: the forms of a flow with Django's form API, also with crispy-forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.http import HttpRequest
from django.template import engines
from django.template.loader import render_to_string
from django.urls import include, path
from pytest_django import Settings

from ory_auth.forms import FlowForm, FlowForms
from ory_auth.local import LocalOry
from ory_auth.pages.ui import page as model
from ory_auth.pages.ui import read_flow
from ory_auth.views import LoginView
from tests.support.browser import Browser, client_transport
from tests.support.client import DualClient
from tests.support.html_forms import read_forms
from tests.support.ory import PASSWORD, Ory
from tests.test_ui import CSRF, IDENTIFIER, field, message, read, submit
from tests.test_ui import PASSWORD as PASSWORD_FIELD

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class StyledForm(FlowForm):
    """What a project may write."""

    def build_field(self, node: model.Field) -> forms.Field:
        built = super().build_field(node)
        built.widget.attrs["class"] = "form-control"
        return built


class StyledLogin(LoginView):
    template_name = "hand_made.html"
    form_class = StyledForm

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(shop="Fruit", **context)


urlpatterns = [path("auth/login", StyledLogin.as_view()), path("auth/", include("ory_auth.urls"))]


def forms_of(*nodes: Any, **flow: Any) -> FlowForms:
    return FlowForms(read(*nodes, **flow))


def render(source: str, **context: Any) -> str:
    return str(engines["django"].from_string(source).render(context))


LOGIN = (CSRF, IDENTIFIER, PASSWORD_FIELD, submit("password", "password"))


def test_each_method_has_a_form_and_the_button_that_sends_it() -> None:
    all_forms = forms_of(*LOGIN, submit("oidc", "github", name="provider"))
    assert {form.group for form in all_forms} == {"password", "oidc"}
    form = all_forms["password"]
    assert [button.value for button in form.buttons] == ["password"]
    assert [field.name for field in form.hidden_fields()] == ["csrf_token"]
    assert [field.name for field in form.visible_fields()] == ["identifier", "password"]
    assert form.action.endswith("/self-service/login?flow=1")
    assert "password" in all_forms
    assert "totp" not in all_forms


def test_the_form_sends_what_our_own_page_sends() -> None:
    """Two hidden fields of one name, a checkbox, a select and a text with several lines."""
    nodes = [
        CSRF,
        field("code", "identifier", "hidden", value="first@example.org"),
        field("code", "identifier", "hidden", value="second@example.org"),
        field("code", "traits.news", "checkbox", value=True, label="News"),
        field("code", "traits.size", "text", value="m", options=[{"value": "s"}, {"value": "m"}], label="Size"),
        field("code", "traits.about", "text", value="one\ntwo", label="About"),
        submit("code", "code"),
    ]
    [form] = forms_of(*nodes)
    source = "<form {{ form.attrs }}>{{ form.as_p }}{% for button in form.buttons %}{{ button }}{% endfor %}</form>"
    [made] = read_forms(render(source, form=form))
    context = {"page": read(*nodes), "flow": "login", "restart_url": "", "return_to": ""}
    ours = next(found for found in read_forms(render_to_string("ory_auth/login.html", context)) if found.buttons)
    assert sorted(made.entries(made.buttons, scripts=False)) == sorted(ours.entries(ours.buttons, scripts=False))
    assert (made.action, made.method) == (ours.action, "post")


def test_orys_messages_are_the_errors() -> None:
    wrong = {**PASSWORD_FIELD, "messages": [message("Too short", "error"), message("A hint")]}
    page = read(CSRF, IDENTIFIER, wrong, submit("password", "password"), messages=[message("Wrong <b>", "error")])
    form = FlowForms(page)["password"]
    assert form.errors.get_json_data() == {
        "password": [{"message": "Too short", "code": ""}],
        "__all__": [{"message": "Wrong <b>", "code": ""}],
    }
    assert not form.is_valid()
    html = form.as_p()
    assert 'aria-invalid="true"' in html
    assert "Wrong &lt;b&gt;" in html


def test_messages_about_the_page_are_at_the_form_that_was_sent() -> None:
    nodes = [
        CSRF,
        field("profile", "traits.email", label="E-mail"),
        submit("profile", "profile"),
        PASSWORD_FIELD,
        submit("password", "password"),
    ]
    all_forms = FlowForms(read(*nodes, active="password", messages=[message("Wrong", "error")]))
    assert all_forms["profile"].non_field_errors() == []
    assert all_forms["password"].non_field_errors() == ["Wrong"]


def test_values_are_initial_and_passwords_are_never_written() -> None:
    identifier = {**IDENTIFIER, "attributes": {**IDENTIFIER["attributes"], "value": '"><script>'}}
    secret = {**PASSWORD_FIELD, "attributes": {**PASSWORD_FIELD["attributes"], "value": "secret"}}
    html = forms_of(CSRF, identifier, secret, submit("password", "password"))["password"].as_div()
    assert "&quot;&gt;&lt;script&gt;" in html
    assert "secret" not in html


def test_templates_reach_fields_whose_names_have_dots() -> None:
    nodes = [CSRF, field("profile", "traits.name.first", value="Ada", label="First"), submit("profile", "profile")]
    text = render("{{ forms.profile.traits.name.first }}{{ forms.profile.traits.name.last }}", forms=forms_of(*nodes))
    assert 'name="traits.name.first" value="Ada"' in text
    assert text.count("<input") == 1


def test_buttons_that_send_a_code_again_are_in_a_second_form() -> None:
    nodes = [CSRF, field("code", "code", label="Code"), submit("code", "code"), submit("code", "code", name="resend")]
    form = forms_of(*nodes)["code"]
    assert [button.name for button in form.buttons] == ["method"]
    assert [[button.name for button in other.buttons] for other in form.others] == [["resend"]]


def test_a_passkey_button_keeps_what_the_script_needs() -> None:
    button = field("passkey", "passkey_login_trigger", "button", onclickTrigger="oryPasskeyLogin", label="Passkey")
    [form] = [form for form in forms_of(CSRF, button) if form.buttons]
    assert 'data-ory-click="oryPasskeyLogin"' in str(form.buttons[0])


# --- in a page


@pytest.fixture
def hand_made(settings: Settings, tmp_path: Path) -> Path:
    template = tmp_path / "hand_made.html"
    template.write_text(
        "<h1>{{ shop }}</h1>{% with form=forms.password %}<form {{ form.attrs }}>"
        "{% for hidden in form.hidden_fields %}{{ hidden }}{% endfor %}{{ form.non_field_errors }}"
        "{{ form.identifier.label_tag }}{{ form.identifier }}{{ form.password }}"
        "{% for button in form.buttons %}<button {{ button.attrs }}>Come in</button>{% endfor %}</form>{% endwith %}"
    )
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [str(tmp_path)]}]
    return template


def test_a_hand_made_page_signs_a_person_in(
    hand_made: Path, local_ory: LocalOry, ory: Ory, web: DualClient, settings: Settings
) -> None:
    host = "127.0.0.1:8000"
    local_ory.configure(ui_base=f"http://{host}/auth", default_return_url=f"http://{host}/auth/ready")
    local_ory.configure(allowed_return_urls=(f"http://{host}",))
    settings.LOGIN_REDIRECT_URL = "/auth/ready"
    person = ory.person()
    browser = Browser(host, client_transport(web, host))
    page = browser.open("/auth/login")
    assert "<h1>Fruit</h1>" in page.text
    assert page.text.count('class="form-control"') == 2
    page = browser.submit(page, page.form_with("identifier"), "password", identifier=person.email, password="wrong")
    assert 'class="errorlist nonfield"' in page.text
    page = browser.submit(page, page.form_with("identifier"), "password", password=PASSWORD)
    assert (page.path, page.status) == ("/auth/ready", 200)


def test_a_page_that_does_not_use_the_forms_does_not_make_them(
    ory: Ory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    monkeypatch.setattr(FlowForm, "__init__", lambda *args, **options: made.append(args))
    view = LoginView()
    page = read_flow({"ui": {"nodes": list(LOGIN)}}, submit_url="/", ory_url="/", kind="login")
    view.request = HttpRequest()
    context = view.context(page, "")
    assert not made
    assert len(context["forms"]) == 1
    assert made


# --- crispy-forms


@pytest.fixture
def crispy(settings: Settings, tmp_path: Path) -> None:
    """crispy-forms with a small template pack: real ones are separate packages."""
    pack = tmp_path / "small"
    pack.mkdir()
    (pack / "uni_form.html").write_text(
        "{% load crispy_forms_utils crispy_forms_field %}{% specialspaceless %}{{ form.non_field_errors }}"
        "{% for field in form %}{% include field_template %}{% endfor %}{% endspecialspaceless %}"
    )
    (pack / "field.html").write_text(
        "{% load crispy_forms_field %}{% if field.is_hidden %}{{ field }}{% else %}<p>{{ field.label }}"
        "{% crispy_field field 'class' 'crisp' %}{{ field.errors }}</p>{% endif %}"
    )
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "crispy_forms"]
    settings.CRISPY_TEMPLATE_PACK, settings.CRISPY_ALLOWED_TEMPLATE_PACKS = "small", ("small",)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [str(tmp_path)]}]


def test_crispy_forms_renders_it(crispy: None) -> None:
    page = read(*LOGIN, messages=[message("Wrong", "error")])
    form = FlowForms(page)["password"]
    text = render("{% load crispy_forms_tags %}<form {{ form.attrs }}>{{ form|crispy }}</form>", form=form)
    [made] = read_forms(text)
    assert set(made.fields) == {"csrf_token", "identifier", "password"}
    assert text.count("crisp") == 2
    assert "Wrong" in text
