"""A real Kratos for one test process: ``ORY_TEST_KRATOS`` names its binary.

It offers what :data:`tests.browser.site.EVERY_METHOD` says, and social sign-in at the pretend provider beside it.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from ory_auth.local.model.person_schema import PERSON_SCHEMA
from tests.support.ory import HTTP
from tests.support.ports import free_ports

from .provider import run_provider

ROOT = Path(__file__).parent.parent.parent
FLOWS = ("error", "login", "registration", "settings", "recovery", "verification")
PROVIDERS = {"github": "GitHub", "google": "Google"}
CLAIMS_TO_TRAITS = """
local claims = std.extVar('claims');
{
  identity: {
    traits: {
      [if 'email' in claims then 'email']: claims.email,
      [if 'given_name' in claims then 'name']: { first: claims.given_name },
    },
    verified_addresses: if 'email' in claims then [{ via: 'email', value: claims.email }] else [],
  },
}
"""


@dataclass(frozen=True)
class Kratos:
    public_url: str
    admin_url: str
    provider_url: str


@contextmanager
def run_kratos(binary: str, site_url: str, *, through_gateway: bool) -> Iterator[Kratos]:
    """Start Kratos, at 127.0.0.1 if browsers reach it through the site's gateway, and else at the site's host."""
    public, admin = free_ports(2)
    host = "127.0.0.1" if through_gateway else "localhost"
    public_url, admin_url = f"http://{host}:{public}", f"http://127.0.0.1:{admin}"
    base_url = f"{site_url}/.ory" if through_gateway else public_url
    with tempfile.TemporaryDirectory(prefix="ory-kratos-") as directory, run_provider() as provider_url:
        config, log = Path(directory) / "kratos.json", Path(directory) / "kratos.log"
        config.write_text(json.dumps(_config(public, admin, base_url, site_url, provider_url)))
        serve = [binary, "serve", "-c", "contrib/kratos/kratos.yaml", "-c", str(config), "--dev", "--sqa-opt-out"]
        with log.open("w") as out:
            environment = {**os.environ, "DSN": "memory"}
            process = subprocess.Popen(serve, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
            try:
                _wait_until_ready(process, admin_url, log)
                yield Kratos(public_url, admin_url, provider_url)
            finally:
                process.terminate()
                process.wait(timeout=30)


def _config(public: int, admin: int, base_url: str, site_url: str, provider_url: str) -> dict[str, Any]:
    """The differences from ``contrib/kratos/kratos.yaml``."""
    relying_party = {"id": "localhost", "display_name": "Site", "origins": [site_url]}
    signed_in = {"hooks": [{"hook": "session"}]}
    flows: dict[str, Any] = {flow: {"ui_url": f"{site_url}/auth/{flow}"} for flow in FLOWS}
    flows["logout"] = {"after": {"default_browser_return_url": f"{site_url}/"}}
    flows["registration"] |= {
        "after": dict.fromkeys(("password", "code", "passkey", "webauthn", "oidc"), signed_in),
        "login_hints": True,
    }
    return {
        "serve": {
            "public": {"base_url": f"{base_url}/", "port": public},
            "admin": {"base_url": f"http://127.0.0.1:{admin}/", "port": admin},
        },
        "selfservice": {
            "default_browser_return_url": f"{site_url}/",
            "allowed_return_urls": [site_url],
            "flows": flows,
            "methods": {
                "code": {"enabled": True, "passwordless_enabled": True},
                "passkey": {"enabled": True, "config": {"rp": relying_party}},
                "webauthn": {"enabled": True, "config": {"passwordless": False, "rp": relying_party}},
                "oidc": {"enabled": True, "config": {"providers": _providers(provider_url)}},
            },
        },
        "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},  # fast
        "identity": {
            "default_schema_id": "person",
            "schemas": [{"id": "person", "url": _inline(json.dumps(_schema()))}],
        },
    }


def _providers(provider_url: str) -> list[dict[str, Any]]:
    return [
        {
            "id": name,
            "label": label,
            "provider": "generic",
            "client_id": label,
            "client_secret": "not-a-secret",
            "issuer_url": provider_url,
            "scope": ["openid", "email"],
            "mapper_url": _inline(CLAIMS_TO_TRAITS),
        }
        for name, label in PROVIDERS.items()
    ]


def _schema() -> dict[str, Any]:
    """The schema of the local Ory, whose address also names passkeys and security keys."""
    schema = deepcopy(PERSON_SCHEMA)
    credentials = schema["properties"]["traits"]["properties"]["email"]["ory.sh/kratos"]["credentials"]
    credentials |= {"passkey": {"display_name": True}, "webauthn": {"identifier": True}}
    return schema


def _inline(text: str) -> str:
    return "base64://" + base64.b64encode(text.encode()).decode()


def _wait_until_ready(process: subprocess.Popen[bytes], admin_url: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if HTTP.request("GET", f"{admin_url}/health/ready", timeout=2).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"Kratos did not start:\n{log.read_text()}")
