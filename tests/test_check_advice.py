"""``manage.py check`` and ``manage.py ory_check`` give the same advice about the same host."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.support.ory import Ory

pytestmark = pytest.mark.django_db


def problems(capsys: pytest.CaptureFixture[str]) -> tuple[set[str], set[str]]:
    """The ids of what ``check`` says, and of what ``ory_check`` says."""
    call_command("check", "--tag", "ory_auth")
    messages = capsys.readouterr().err
    out = io.StringIO()
    with suppress(SystemExit):
        call_command("ory_check", "--json", stdout=out)
    findings: Any = json.loads(out.getvalue())["findings"]
    system_checks = {f"ory_auth.{name}" for name in ("W006", "W007") if f"ory_auth.{name}" in messages}
    return system_checks, {finding["id"] for finding in findings if finding["id"]}


@pytest.mark.parametrize(
    "host",
    [
        "kratos",
        "kratos.consul",
        "kratos.intranet",
        "kratos.internal",
        "kratos.lan",
        "kratos.local",
        "kratos.localdomain",
        "kratos.default.svc",
        "kratos.default.svc.cluster.local",
    ],
)
def test_both_name_an_internal_host(
    ory: Ory, settings: Settings, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    settings.ALLOWED_HOSTS = ["www.example.org"]
    settings.ORY_AUTH = {"SDK_URL": ory.public_url, "BROWSER_URL": f"http://{host}:4433"}
    system_checks, findings = problems(capsys)
    assert system_checks == {"ory_auth.W006"}
    assert "browser-url-internal" in findings


@pytest.mark.parametrize(
    ("site", "ory_host", "system_checks"),
    [
        ("app.example.org", "auth.example.org", set()),
        ("app.example.co.uk", "auth.example.co.uk", set()),
        ("one.co.uk", "two.co.uk", {"ory_auth.W007"}),
        ("one.github.io", "two.github.io", {"ory_auth.W007"}),
        ("app.example.org", "auth.example.com", {"ory_auth.W007"}),
        ("app.company.lan", "auth.company.lan", set()),
        ("one.lan", "two.lan", {"ory_auth.W006"}),
    ],
)
def test_check_knows_which_hosts_can_share_cookies(
    settings: Settings, capsys: pytest.CaptureFixture[str], site: str, ory_host: str, system_checks: set[str]
) -> None:
    settings.ALLOWED_HOSTS = [site]
    settings.ORY_AUTH = {"SDK_URL": "http://127.0.0.1:4433", "BROWSER_URL": f"https://{ory_host}"}
    call_command("check", "--tag", "ory_auth")
    messages = capsys.readouterr().err
    assert {name for name in ("ory_auth.W006", "ory_auth.W007") if name in messages} == system_checks
