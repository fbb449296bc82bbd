"""``contrib/kratos`` and ``compose.yaml`` fit the package, the demo and the local Ory: read, not run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.urls import reverse
from jwt import PyJWKSet
from jwt.algorithms import ECAlgorithm

from contrib.kratos.make_keys import PRIVATE, PUBLIC, make_keys
from ory_auth.local import Config
from ory_auth.local.model.person_schema import PERSON_SCHEMA
from ory_auth.ory.flows import FlowKind

ROOT = Path(__file__).resolve().parent.parent
SITE = "http://localhost:8000"
FLOWS = [*(kind.value for kind in FlowKind), "error"]
LOOPBACK = "127.0.0.1"


@cache
def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return found


@pytest.fixture
def kratos() -> dict[str, Any]:
    return read("contrib/kratos/kratos.yaml")


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = read("compose.yaml")["services"]
    return found


def at(config: dict[str, Any], path: str) -> Any:
    """The value at a dotted path, or ``None``."""
    value: Any = config
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def seconds(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([smh])", text).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


# ---- Kratos


@pytest.mark.parametrize("flow", FLOWS)
def test_every_flow_of_kratos_leads_to_the_page_of_ory_auth(kratos: dict[str, Any], flow: str) -> None:
    assert at(kratos, f"selfservice.flows.{flow}.ui_url") == SITE + reverse(f"ory_auth:{flow}")


def test_kratos_comes_back_to_the_site(kratos: dict[str, Any]) -> None:
    assert at(kratos, "selfservice.default_browser_return_url") == f"{SITE}/"
    allowed = at(kratos, "selfservice.allowed_return_urls")
    assert {*Config().allowed_return_urls, SITE} == set(allowed)


# Config of the local Ory says of each field which key of Kratos it stands for.
SAME: dict[str, str] = {
    "host": "serve.public.host",
    "public_port": "serve.public.port",
    "admin_port": "serve.admin.port",
    "whoami_required_aal": "session.whoami.required_aal",
    "settings_required_aal": "selfservice.flows.settings.required_aal",
    "cacheable_sessions": "feature_flags.cacheable_sessions",
    "schema_id": "identity.default_schema_id",
}
SAME_TIMES: dict[str, str] = {
    "session_lifespan": "session.lifespan",
    "privileged_session_max_age": "selfservice.flows.settings.privileged_session_max_age",
    "flow_lifespan": "selfservice.flows.login.lifespan",
    "cacheable_sessions_max_age": "feature_flags.cacheable_sessions_max_age",
}


@pytest.mark.parametrize(("field", "path"), SAME.items())
def test_the_local_ory_stands_in_for_this_kratos(kratos: dict[str, Any], field: str, path: str) -> None:
    assert at(kratos, path) == asdict(Config())[field]


@pytest.mark.parametrize(("field", "path"), SAME_TIMES.items())
def test_the_local_ory_has_the_same_lifespans(kratos: dict[str, Any], field: str, path: str) -> None:
    assert seconds(at(kratos, path)) == asdict(Config())[field]


def test_the_two_have_the_same_identity_schema(kratos: dict[str, Any]) -> None:
    [schema] = at(kratos, "identity.schemas")
    assert schema["id"] == Config().schema_id
    assert _without_limits(json.loads(named(schema["url"]).read_text())) == PERSON_SCHEMA


def test_every_text_and_list_that_people_edit_has_a_limit(kratos: dict[str, Any]) -> None:
    """Without one, anybody can save megabytes, which every whoami then carries."""
    [schema] = at(kratos, "identity.schemas")
    limits = {"string": "maxLength", "array": "maxItems"}
    without = [part for part in _parts(json.loads(named(schema["url"]).read_text())) if _is_unlimited(part, limits)]
    assert not without


def _is_unlimited(part: dict[str, Any], limits: dict[str, str]) -> bool:
    return part.get("type") in limits and limits[part["type"]] not in part


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for part in schema.values():
            yield from _parts(part)


def _without_limits(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    return {key: _without_limits(part) for key, part in schema.items() if key not in {"maxLength", "maxItems"}}


@pytest.mark.parametrize("method", ["password", "totp", "lookup_secret", "code"])
def test_the_features_of_the_demo_are_enabled(kratos: dict[str, Any], method: str) -> None:
    assert at(kratos, f"selfservice.methods.{method}.enabled") is True


@pytest.mark.parametrize("flow", ["recovery", "verification"])
def test_recovery_and_verification_send_codes(kratos: dict[str, Any], flow: str) -> None:
    settings = at(kratos, f"selfservice.flows.{flow}")
    assert (settings["enabled"], settings["use"]) == (True, "code")


def named(url: str) -> Path:
    """The file that a URL of the configuration names, seen from the root of the repository."""
    assert url.startswith("file://contrib/kratos/"), url
    return ROOT / url.removeprefix("file://")


def test_the_template_for_session_tokens_names_existing_or_generated_files(
    kratos: dict[str, Any], tmp_path: Path
) -> None:
    template = at(kratos, "session.whoami.tokenizer.templates.django")
    assert named(template["claims_mapper_url"]).is_file()
    keys = named(template["jwks_url"])
    make_keys(tmp_path / keys.parent.name)
    assert (tmp_path / keys.parent.name / keys.name).is_file()
    assert f"/{keys.parent.relative_to(ROOT)}/" in (ROOT / ".gitignore").read_text().splitlines()


def test_kratos_reports_no_secrets_and_listens_on_this_machine_only(kratos: dict[str, Any]) -> None:
    assert at(kratos, "log.leak_sensitive_values") is False
    assert at(kratos, "serve.public.host") == at(kratos, "serve.admin.host") == LOOPBACK


def test_its_secrets_are_marked_as_for_development(kratos: dict[str, Any]) -> None:
    secrets = [secret for kind in kratos["secrets"].values() for secret in kind]
    assert all("for-development-only" in secret for secret in secrets)
    assert [len(secret) for secret in kratos["secrets"]["cipher"]] == [32]  # Kratos takes no other length


# ---- the keys


def test_the_keys_are_generated_once_and_only_the_owner_can_read_the_private_one(tmp_path: Path) -> None:
    make_keys(tmp_path / "keys")
    private, public = tmp_path / "keys" / PRIVATE, tmp_path / "keys" / PUBLIC
    assert private.stat().st_mode & 0o077 == 0
    before = private.read_text()
    make_keys(tmp_path / "keys")
    assert private.read_text() == before
    assert "d" not in json.loads(public.read_text())["keys"][0]


def test_the_public_key_verifies_signatures_of_the_private_key(tmp_path: Path) -> None:
    make_keys(tmp_path)
    [private], [public] = (PyJWKSet.from_json((tmp_path / name).read_text()).keys for name in (PRIVATE, PUBLIC))
    assert private.key_id == public.key_id
    algorithm = ECAlgorithm(ECAlgorithm.SHA256)
    assert algorithm.verify(b"a session", public.key, algorithm.sign(b"a session", private.key))


# ---- compose.yaml


def test_all_ports_are_bound_to_loopback(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports
    assert all(re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port) for port in ports)


def test_the_ports_are_those_of_the_readme_and_of_kratos(kratos: dict[str, Any], services: dict[str, Any]) -> None:
    published = {name: [int(port.split(":")[1]) for port in one.get("ports", ())] for name, one in services.items()}
    assert published["kratos"] == [at(kratos, "serve.public.port"), at(kratos, "serve.admin.port")]
    readme = (ROOT / "README.md").read_text()
    for port in (*published["demo"], published["kratos"][0]):
        assert f"http://localhost:{port}" in readme


@pytest.mark.parametrize("name", ["kratos", "migrate"])
def test_every_file_of_kratos_is_in_its_container_where_its_configuration_looks(
    services: dict[str, Any], kratos: dict[str, Any], name: str
) -> None:
    service = services[name]
    mounted = {target: source for source, target, _ in (volume.split(":") for volume in service["volumes"])}
    template = at(kratos, "session.whoami.tokenizer.templates.django")
    [config] = re.findall(r"-c (\S+)", service["command"])
    schema = at(kratos, "identity.schemas")[0]["url"]
    for path in (config, *(url.removeprefix("file://") for url in (schema, template["claims_mapper_url"]))):
        assert mounted[f"{service['working_dir']}/{path}"] == f"./{path}"
        assert (ROOT / path).is_file()
    keys = template["jwks_url"].removeprefix("file://").rpartition("/")[0]
    assert mounted[f"{service['working_dir']}/{keys}"] == "keys"


def test_kratos_is_pinned_and_both_of_its_containers_run_the_same(services: dict[str, Any]) -> None:
    assert services["kratos"]["image"] == services["migrate"]["image"]
    assert re.search(r":-v\d+\.\d+\.\d+}$", services["kratos"]["image"])
    images = [service["image"] for service in services.values() if "build" not in service]
    assert not [image for image in images if ":" not in image or image.endswith(":latest")]


def test_every_dependency_that_must_be_healthy_has_a_health_check(services: dict[str, Any]) -> None:
    for service in services.values():
        for name, needed in service.get("depends_on", {}).items():
            assert needed["condition"] != "service_healthy" or "healthcheck" in services[name]


SAY = """
from django.conf import settings
print(json.dumps([settings.ORY_AUTH, settings.DATABASES["default"]["HOST"], settings.CACHES["default"]["LOCATION"]]))
"""


def test_the_demo_reads_the_variables_that_compose_sets(services: dict[str, Any], kratos: dict[str, Any]) -> None:
    for library in ("environ", "psycopg", "redis"):
        pytest.importorskip(library, reason="a library of the demo")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "demo_project.settings", **services["demo"]["environment"]}
    command = [sys.executable, "-W", "ignore", "manage.py"]
    check = subprocess.run([*command, "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert "no issues" in check.stdout, check.stderr
    say = [sys.executable, "-c", f"import json{SAY}"]
    said = subprocess.run(say, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    ory_auth, database, cache = json.loads(said.stdout)
    assert ory_auth == {
        "SDK_URL": "http://kratos:4433",
        "BROWSER_URL": at(kratos, "serve.public.base_url").rstrip("/"),
        "ADMIN_URL": "http://kratos:4434",
    }
    assert (database, cache) == ("postgres", "redis://redis:6379/0")
    assert (ROOT / services["demo"]["build"]["dockerfile"]).is_file()


def test_each_service_has_its_own_database(services: dict[str, Any]) -> None:
    postgres = services["postgres"]["environment"]
    account = f"postgres://{postgres['POSTGRES_USER']}:{postgres['POSTGRES_PASSWORD']}@postgres:5432/"
    assert services["kratos"]["environment"]["DSN"].startswith(f"{account}{postgres['POSTGRES_DB']}?")
    assert services["demo"]["environment"]["DATABASE_URL"] == f"{account}demo"
    assert "CREATE DATABASE demo;" in (ROOT / "contrib/postgres/demo.sql").read_text()
