"""manage.py ory_local"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ory_auth.local.control.config_options import parse_config_options
from ory_auth.management.commands.ory_local import Command

from .visits import send

ROOT = Path(__file__).parent.parent.parent
RUN = """
from django.conf import settings
settings.configure()
import sys
from ory_auth.management.commands.ory_local import Command
Command().run_from_argv(["manage.py", "ory_local", *sys.argv[1:]])
"""
PEOPLE = [
    {"email": "ada@example.org", "password": "correct horse 9", "note": "an editor"},
    {"email": "bob@example.org", "totp": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "state": "inactive"},
]


def refusal(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        call_command(Command(), *arguments)
    return str(caught.value)


def people_file(folder: Path, content: Any) -> str:
    path = folder / "people.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "ory.example"])
def test_other_machines_need_allow_remote(host: str) -> None:
    assert "--allow-remote" in refusal("--host", host)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "is not valid JSON"),
        ({}, "does not contain a list"),
        ([{}, 1], "entry 2: it is not an object"),
        ([{"emial": "x"}], "entry 1: 'emial' is unknown"),
        ([{"email": 1}], "entry 1: 'email' must be text"),
        ([PEOPLE[0], PEOPLE[0]], "entry 2: another identity has the same login name"),
        ([{"email": "nonsense"}], "entry 1: traits.email"),
        ([{"email": "a@example.org", "totp": "short"}], "entry 1: 'totp'"),
    ],
)
def test_names_the_mistake_in_the_seed_file(tmp_path: Path, content: Any, complaint: str) -> None:
    assert complaint in refusal("--identities", people_file(tmp_path, content))


def test_says_that_the_seed_file_does_not_exist(tmp_path: Path) -> None:
    assert "No such file" in refusal("--identities", str(tmp_path / "nobody.json"))


@pytest.mark.parametrize(
    ("option", "other", "key"), [("--port", "--admin-port", "SDK_URL"), ("--admin-port", "--port", "ADMIN_URL")]
)
def test_names_the_option_and_the_setting_of_a_port_that_is_taken(option: str, other: str, key: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        text = refusal(option, port, other, "0")
    assert f"Choose another with {option}, and set ORY_AUTH['{key}'] to it" in text


def test_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("ory_auth.local")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "starlette.requests", None)
    assert "pip install 'django-ory[local]'" in refusal()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_prints_its_urls_responds_and_stops_cleanly(tmp_path: Path, end: signal.Signals) -> None:
    people = people_file(tmp_path, PEOPLE)
    arguments = ["--port", "0", "--admin-port", "0", "--identities", people, "--no-session-caching"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", RUN, *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as ory:
        assert ory.stdout
        lines = [ory.stdout.readline().strip() for _ in range(9)]
        response = send(lines[1].split()[-1], "GET", "/sessions/whoami", [])
        ory.send_signal(end)
        rest = ory.stdout.read()
    assert "for development and tests only" in lines[0]
    assert lines[6:8] == [
        "ada@example.org   correct horse 9   an editor",
        "bob@example.org   (no password)     inactive, authenticator app",
    ]
    assert "JBSWY3DPEHPK3PXP" not in "".join(lines)
    assert (response.status, response.headers["Ory-Session-Cache-For"]) == (401, None)
    assert (ory.returncode, rest.strip()) == (0, "The local Ory has stopped.")


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("recovery_use", "'recovery_use' is not NAME=VALUE"),
        ("recovery_us=link", "'recovery_us' is unknown. Did you mean 'recovery_use'?"),
        ("nonsense=1", "'nonsense' is unknown. The names are the fields of ory_auth.local.Config."),
        ("passkey_enabled=yes", "'passkey_enabled' must be true or false, not 'yes'"),
        ("flow_lifespan=true", "'flow_lifespan' must be a number of seconds, not 'true'"),
        ("rp_origins=http://localhost", "'rp_origins' must be a list such as"),
    ],
)
def test_a_wrong_field_of_the_configuration_is_refused(option: str, complaint: str) -> None:
    assert refusal("--set", option).startswith(f"--set: {complaint}")


def test_fields_of_the_configuration_are_json_or_text() -> None:
    options = [
        "recovery_use=link",
        "passkey_enabled=true",
        "flow_lifespan=60",
        'rp_origins=["http://a.test"]',
        "rp_id=null",
    ]
    assert parse_config_options(options) == {
        "recovery_use": "link",
        "passkey_enabled": True,
        "flow_lifespan": 60,
        "rp_origins": ("http://a.test",),
        "rp_id": None,
    }
    assert parse_config_options(["schema_id=7"]) == {"schema_id": "7"}
