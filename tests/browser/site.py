"""The site under test as a process, and the Ory that it uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ory_auth.local import Config, LocalOry
from tests.support.ory import Ory
from tests.support.ports import free_ports

from .kratos import run_kratos

# What the Kratos of the recordings has switched on, beside passwords, authenticator apps and backup codes.
EVERY_METHOD: dict[str, Any] = {
    "code_passwordless_enabled": True,
    "passkey_enabled": True,
    "webauthn_enabled": True,
    "oidc_providers": {"github": "GitHub", "google": "Google"},
    "registration_login_hints": True,
}


@dataclass(frozen=True)
class Site:
    """``url`` ends without a slash. ``through_gateway``: browsers reach Ory through the site."""

    url: str
    ory: Ory
    through_gateway: bool

    @property
    def local(self) -> LocalOry | None:
        return self.ory.local


@contextmanager
def run_site(*, through_gateway: bool = False, **ory_auth: Any) -> Iterator[Site]:
    """Start the site, and the Ory that the environment names.

    By default, that is a local Ory. ``ORY_TEST_KRATOS`` is the binary of a real Kratos to start. A real Ory that runs
    (``ORY_TEST_PUBLIC_URL``, ``ORY_TEST_ADMIN_URL``) sends browsers to the site at one port: ``ORY_TEST_SITE_PORT``.
    """
    port = int(os.environ.get("ORY_TEST_SITE_PORT", free_ports(1)[0]))
    url = f"http://localhost:{port}"
    with ExitStack() as stack:
        ory, providers = stack.enter_context(_run_ory(url, through_gateway))
        form_action = [*providers, *([] if through_gateway else [ory.public_url])]
        stack.enter_context(_serve(port, ory, through_gateway, ory_auth, form_action))
        yield Site(url, ory, through_gateway)


@contextmanager
def run_site_for(ory: Ory, **ory_auth: Any) -> Iterator[Site]:
    """Start a site with the gateway to an Ory that starts later. ``ory_auth`` has its URLs."""
    [port] = free_ports(1)
    with _serve(port, ory, True, ory_auth, [ory.public_url]):
        yield Site(f"http://localhost:{port}", ory, through_gateway=True)


@contextmanager
def _run_ory(site_url: str, through_gateway: bool) -> Iterator[tuple[Ory, list[str]]]:
    """The Ory, and the origins of providers for social sign-in."""
    public, admin = os.environ.get("ORY_TEST_PUBLIC_URL"), os.environ.get("ORY_TEST_ADMIN_URL")
    if public and admin:
        yield Ory(public, admin), os.environ.get("ORY_TEST_FORM_ACTION", "").split()
    elif binary := os.environ.get("ORY_TEST_KRATOS"):
        with run_kratos(binary, site_url, through_gateway=through_gateway) as kratos:
            yield Ory(kratos.public_url, kratos.admin_url), [kratos.provider_url]
    else:
        public_port, admin_port = free_ports(2)
        public = f"http://localhost:{public_port}"
        config = Config(
            public_port=public_port,
            admin_port=admin_port,
            base_url=f"{site_url}/.ory/" if through_gateway else f"{public}/",
            ui_base=f"{site_url}/auth",
            default_return_url=f"{site_url}/",
            allowed_return_urls=(site_url,),
        )
        with LocalOry(config) as local:
            yield Ory(public, local.admin_url, local), [local.state.provider_url]


@contextmanager
def _serve(
    port: int, ory: Ory, through_gateway: bool, ory_auth: dict[str, Any], form_action: list[str]
) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="ory-browser-") as directory:
        site = {
            "ORY_AUTH": {
                "SDK_URL": ory.public_url,
                "ADMIN_URL": ory.admin_url,
                "ACCOUNT_DELETION": True,
                **({"BROWSER_URL": "/.ory"} if through_gateway else {}),
                **ory_auth,
            },
            "form_action": form_action,
            "gateway": through_gateway,
            "database": str(Path(directory) / "site.sqlite3"),
        }
        log = Path(directory) / "site.log"
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.browser.serve", str(port)],
                env={**os.environ, "ORY_TEST_SITE": json.dumps(site)},
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
            try:
                assert process.stdout
                assert process.stdout.readline() == "ready\n", log.read_text()
                yield
            finally:
                process.terminate()
                process.communicate(timeout=10)
