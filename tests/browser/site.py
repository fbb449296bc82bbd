"""The site under test as a process, and the Ory that it uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ory_auth.local import Config, LocalOry
from tests.support.ory import Ory
from tests.support.ports import free_ports

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
    """Start the site, and a local Ory unless the environment names a real one.

    A real one (``ORY_TEST_PUBLIC_URL``, ``ORY_TEST_ADMIN_URL``) sends browsers to the site at one port:
    ``ORY_TEST_SITE_PORT``.
    """
    public_port, admin_port, free_port = free_ports(3)
    port = int(os.environ.get("ORY_TEST_SITE_PORT", free_port))
    url = f"http://localhost:{port}"
    public, admin = os.environ.get("ORY_TEST_PUBLIC_URL"), os.environ.get("ORY_TEST_ADMIN_URL")
    if public and admin:
        with _serve(port, public, admin, through_gateway, ory_auth):
            yield Site(url, Ory(public, admin), through_gateway)
        return
    public = f"{url}/.ory" if through_gateway else f"http://localhost:{public_port}"
    config = Config(
        public_port=public_port,
        admin_port=admin_port,
        base_url=f"{public}/",
        ui_base=f"{url}/auth",
        default_return_url=f"{url}/",
        allowed_return_urls=(url,),
    )
    with LocalOry(config) as local:
        sdk_url = f"http://localhost:{public_port}"
        with _serve(port, sdk_url, local.admin_url, through_gateway, ory_auth, local.state.provider_url):
            yield Site(url, Ory(sdk_url, local.admin_url, local), through_gateway)


@contextmanager
def _serve(
    port: int, public: str, admin: str, through_gateway: bool, ory_auth: dict[str, Any], provider: str = ""
) -> Iterator[None]:
    """``provider`` is the origin of the provider for social sign-in, if it is not Ory's."""
    form_action = list(filter(None, [provider])) if through_gateway else [public]
    with tempfile.TemporaryDirectory(prefix="ory-browser-") as directory:
        site = {
            "ORY_AUTH": {
                "SDK_URL": public,
                "ADMIN_URL": admin,
                "ACCOUNT_DELETION": True,
                **({"BROWSER_URL": "/.ory"} if through_gateway else {}),
                **ory_auth,
            },
            "form_action": form_action + os.environ.get("ORY_TEST_FORM_ACTION", "").split(),
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
