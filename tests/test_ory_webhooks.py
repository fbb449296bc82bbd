"""``manage.py ory_webhooks`` prints hooks that Kratos calls, and names those that it ignores; checks and ory_check."""

from __future__ import annotations

import base64
import io
import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from pytest_django import Settings

from ory_auth.models import OryWebhookCall
from ory_auth.webhooks.configuration import METHODS
from ory_auth.webhooks.jsonnet import BLOCKING, NOTICE
from tests.support.checks import GOOD, check_ids, only_message
from tests.support.ory import Ory
from tests.support.types import ChangeSettings
from tests.test_ory_check import check

SECRET = "a-secret-of-this-site-1"
SITE = ("--site", "https://example.org")
VIEW = "https://example.org/auth/webhook"
SESSION = {"hook": "session"}


@pytest.fixture(autouse=True)
def configured(settings: Settings) -> None:
    settings.ORY_AUTH = {
        **GOOD,
        "ADMIN_URL": "http://kratos:4434",
        "WEBHOOK_SECRETS": [SECRET],
        "BLOCKING_HOOK": "tests.project.decisions.record",
    }


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("ory_webhooks", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def flows_in(text: str) -> Any:
    return yaml.safe_load(text)["selfservice"]["flows"]


def describe(hook: dict[str, Any]) -> str:
    """``notice``, ``decision``, or the name of another hook."""
    if hook["hook"] != "web_hook":
        return str(hook["hook"])
    details = hook["config"]
    template = base64.b64decode(details["body"].removeprefix("base64://")).decode()
    kinds = {(NOTICE, "ignore"): "notice", (BLOCKING, "parse"): "decision"}
    return kinds.get((template, *details["response"]), str(details.get("id")))


def write(tmp_path: Path, config: dict[str, Any], name: str = "kratos.yml") -> str:
    path = tmp_path / name
    path.write_text(json.dumps(config) if name.endswith("json") else yaml.safe_dump(config))
    return str(path)


def after(flow: str, **lists: list[dict[str, Any]]) -> dict[str, Any]:
    """A configuration with these lists; ``hooks`` is that of the whole flow."""
    parts = {name: hooks if name == "hooks" else {"hooks": hooks} for name, hooks in lists.items()}
    return {"selfservice": {"flows": {flow: {"after": parts}}}}


def web_hook(**response: bool) -> dict[str, Any]:
    return {"hook": "web_hook", "config": {"url": "https://crm", "method": "POST", "body": "x", "response": response}}


# --- what is printed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["kratos", "json"])
def test_each_method_gets_its_own_list(form: str) -> None:
    """A list for a whole flow is not used for a method with a list, and never for blocking hooks."""
    flows = flows_in(run(*SITE, "--format", form))
    for flow, methods in METHODS.items():
        assert set(flows[flow]["after"]) == set(methods)
        for method in methods:
            hooks = flows[flow]["after"][method]["hooks"]
            assert list(map(describe, hooks)) == ["notice"] + ["session"] * (flow == "registration")
            assert hooks[0]["config"]["url"] == f"{VIEW}?after={flow}"
    for flow in ("recovery", "verification"):
        assert list(map(describe, flows[flow]["after"]["hooks"])) == ["notice"]


def test_a_decision_comes_before_the_notice() -> None:
    flows = flows_in(run(*SITE, "--blocking"))
    assert list(map(describe, flows["registration"]["after"]["code"]["hooks"])) == ["decision", "notice", "session"]
    assert list(map(describe, flows["settings"]["after"]["profile"]["hooks"])) == ["decision", "notice"]
    assert list(map(describe, flows["login"]["after"]["oidc"]["hooks"])) == ["notice"]
    assert flows["settings"]["after"]["totp"]["hooks"][0]["config"]["url"] == f"{VIEW}?after=settings&decide=1"


def test_the_flows_to_decide_about_can_be_named() -> None:
    flows = flows_in(run(*SITE, "--blocking", "login"))
    assert describe(flows["login"]["after"]["password"]["hooks"][0]) == "decision"
    assert describe(flows["registration"]["after"]["password"]["hooks"][0]) == "notice"


@pytest.mark.promise("The command for web hooks prints a secret only if asked")
@pytest.mark.parametrize("form", ["kratos", "json", "network"])
def test_the_secret_is_printed_on_demand_only(form: str) -> None:
    assert SECRET not in run(*SITE, "--format", form)
    assert f"Bearer {SECRET}" in run(*SITE, "--format", form, "--show-secret")


def test_the_command_for_ory_network_is_for_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    text = run(*SITE, "--format", "network", "--project", "my-project").replace("${ORY_WEBHOOK_SECRET}", SECRET)
    words = shlex.split(text.replace("\\\n", ""))
    assert words[:5] == ["ory", "patch", "identity-config", "--project", "my-project"]
    patches = dict(word.split("=", 1) for word in words[6::2])
    assert set(words[5::2]) == {"--add"}
    assert len(patches) == sum(map(len, METHODS.values())) + 2
    (hook,) = json.loads(patches["/selfservice/flows/settings/after/profile/hooks"])
    assert hook["config"]["auth"]["config"]["value"] == f"Bearer {SECRET}"


# --- an existing configuration ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["kratos.yml", "kratos.json"])
def test_other_hooks_of_the_method_stay(tmp_path: Path, name: str) -> None:
    config = after("login", password=[{"hook": "require_verified_address"}])
    flows = flows_in(run(*SITE, "--config", write(tmp_path, config, name)))
    assert list(map(describe, flows["login"]["after"]["password"]["hooks"])) == ["notice", "require_verified_address"]
    assert list(map(describe, flows["login"]["after"]["code"]["hooks"])) == ["notice"]
    assert list(map(describe, flows["registration"]["after"]["code"]["hooks"])) == ["notice"]  # no session before


def test_hooks_of_the_whole_flow_stay_for_each_method(tmp_path: Path) -> None:
    crm = web_hook(ignore=True)
    config = after("settings", hooks=[crm, web_hook(parse=True)], profile=[])
    hooks = flows_in(run(*SITE, "--config", write(tmp_path, config)))["settings"]["after"]["profile"]["hooks"]
    assert hooks[1:] == [crm]  # not the one that Kratos never called


def test_printing_again_changes_nothing(tmp_path: Path) -> None:
    config = after("registration", password=[SESSION], code=[web_hook(ignore=True), SESSION])
    once = run(*SITE, "--blocking", "--config", write(tmp_path, config))
    assert run(*SITE, "--blocking", "--config", write(tmp_path, yaml.safe_load(once))) == once


def test_what_is_printed_has_no_problems(tmp_path: Path) -> None:
    printed = yaml.safe_load(run(*SITE, "--blocking"))
    assert "after every flow" in run("--check", "--config", write(tmp_path, printed))


TRAPS = {
    "registration.after.hooks is not used for password": after("registration", hooks=[web_hook()], password=[SESSION]),
    "registration.after.hooks has a hook with response.parse": after("registration", hooks=[web_hook(parse=True)]),
    "settings.after.hooks has a hook with response.parse": after("settings", hooks=[web_hook(parse=True)]),
    "recovery.after.hooks has a hook with response.parse": after("recovery", hooks=[web_hook(parse=True)]),
    "web hook without a body": after("login", password=[{"hook": "web_hook", "config": {"url": "https://x"}}]),
    "both response.ignore and response.parse": after("login", code=[web_hook(ignore=True, parse=True)]),
    "login.after.password does not call this site": {},
    "verification.after.hooks does not call this site": {},
}


@pytest.mark.parametrize("problem", TRAPS)
def test_hooks_that_kratos_ignores_are_named(tmp_path: Path, problem: str) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError, match="problem"):
        call_command("ory_webhooks", "--check", "--config", write(tmp_path, TRAPS[problem]), stdout=out)
    assert problem in out.getvalue()


def test_disabled_methods_are_not_missed(tmp_path: Path) -> None:
    config = yaml.safe_load(run(*SITE))
    del config["selfservice"]["flows"]["login"]["after"]["code"]
    path = write(tmp_path, config | {"selfservice": {**config["selfservice"], "methods": {"code": {"enabled": False}}}})
    assert "after every flow" in run("--check", "--config", path)


# --- mistakes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "changes", "text"),
    [
        ([], {}, "--site https://example.org"),
        (["--site", "example.org"], {}, "--site https://example.org"),
        (SITE, {"WEBHOOK_SECRETS": None}, "openssl rand"),
        ([*SITE, "--blocking"], {"BLOCKING_HOOK": None}, "BLOCKING_HOOK"),
        (["--check"], {}, "--config"),
        ([*SITE, "--config", "/does/not/exist.yml"], {}, "cannot be read"),
    ],
)
def test_a_mistake_is_explained(settings: Settings, arguments: list[str], changes: dict[str, Any], text: str) -> None:
    settings.ORY_AUTH = {**settings.ORY_AUTH, **changes}
    with pytest.raises(CommandError, match=re.escape(text)):
        run(*arguments)


@pytest.mark.parametrize("text", ["a: [", "- 1", "just text", "\x00"])
def test_a_file_that_is_no_configuration_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kratos.yml"
    path.write_text(text + "\nsecret: s3cret")
    with pytest.raises(CommandError) as error:
        run(*SITE, "--config", str(path))
    assert "s3cret" not in str(error.value)


# --- system checks ------------------------------------------------------------------------------------------------


def test_web_hooks_need_the_admin_api(settings: Settings) -> None:
    settings.ORY_AUTH = {**settings.ORY_AUTH, "ADMIN_URL": None}
    assert "W060" in check_ids()


def test_a_blocking_hook_needs_web_hooks(settings: Settings) -> None:
    settings.ORY_AUTH = {**settings.ORY_AUTH, "WEBHOOK_SECRETS": None}
    assert "W061" in check_ids()


@pytest.mark.parametrize(
    "path",
    ["tests.project.decisions.missing", "no.such.module", "tests.project.decisions.asked", "json.loads.x", "os.getcwd"],
)
def test_a_blocking_hook_that_cannot_be_called_is_an_error(settings: Settings, path: str) -> None:
    settings.ORY_AUTH = {**settings.ORY_AUTH, "BLOCKING_HOOK": path}
    assert path in only_message("E040").msg


# --- ory_check ----------------------------------------------------------------------------------------------------


@pytest.fixture
def site(ory: Ory, ory_auth: ChangeSettings, settings: Settings) -> None:
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    ory_auth(WEBHOOK_SECRETS=[SECRET])


@pytest.mark.django_db
@pytest.mark.usefixtures("site")
def test_ory_check_says_that_no_hook_has_arrived() -> None:
    assert "ory_webhooks" in check().line("webhooks-missing")


@pytest.mark.django_db
@pytest.mark.usefixtures("site")
def test_ory_check_says_which_hooks_have_arrived() -> None:
    now = datetime.now(UTC)
    for kind, age in (("login", 5), ("login", 90), ("settings", 60 * 26), ("registration", 0)):
        OryWebhookCall.objects.create(pk=f"{kind}{age}", kind=kind, received_at=now - timedelta(minutes=age))
    (line,) = check("--json").found("webhooks")
    assert line == (
        "the last ones: registration just now, login 5 minutes ago, settings 1 day ago; "
        "none yet after: recovery, verification"
    )


class RefusesStrangers:
    """Middleware of a project that lets only known programs through."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/auth/webhook":
            return HttpResponse(status=403)
        response: HttpResponse = self.get_response(request)
        return response


@pytest.mark.django_db
@pytest.mark.usefixtures("site")
def test_ory_check_says_that_middleware_keeps_hooks_out(settings: Settings) -> None:
    settings.MIDDLEWARE = [f"{__name__}.RefusesStrangers", *settings.MIDDLEWARE]
    assert "403" in check().line("webhooks-blocked")
