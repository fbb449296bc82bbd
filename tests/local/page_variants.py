"""The configurations of the recordings of pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parent / "schemas"


def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text())
    return schema


PAGES: dict[str, Any] = {
    "ui_base": "http://localhost:8000/auth",
    "default_return_url": "http://localhost:8000/",
    "allowed_return_urls": ("http://localhost:8000",),
    "cors_allowed_origins": ("http://localhost:8000",),
    "code_passwordless_enabled": True,
    "passkey_enabled": True,
    "webauthn_enabled": True,
    "oidc_providers": {"fake": "Fake", "other": ""},
    "registration_login_hints": True,
    "schema": _schema("person"),
}
CODE_AS_SECOND_FACTOR = {"code_passwordless_enabled": False, "code_mfa_enabled": True}
OVERRIDES: dict[str, dict[str, Any]] = {
    "pages": {},
    "pages_code_mfa": {**CODE_AS_SECOND_FACTOR, "schema": _schema("many")},
    "pages_code_mfa_two": {**CODE_AS_SECOND_FACTOR, "schema": _schema("two")},
    "pages_gateway": {"base_url": "http://localhost:8000/.ory", "cors_allowed_origins": ()},
    "pages_gateway_cookies": {
        "base_url": "http://localhost:8000/.ory",
        "cookie_domain": "localhost",
        "cors_allowed_origins": (),
        "dev": False,
    },
    "pages_hydra": {"oauth2_provider": True},
    "pages_identifier_first": {"login_style": "identifier_first"},
    "pages_identifier_first_mitigate": {"login_style": "identifier_first", "account_enumeration_mitigate": True},
    "pages_needy": {"schema": _schema("needy")},
    "pages_needy_unified": {"schema": _schema("needy"), "registration_style": "unified"},
    "pages_no_hints": {"registration_login_hints": False},
    "pages_link": {"recovery_use": "link", "verification_use": "link"},
    "pages_recovery2": {"schema": _schema("many"), "choose_recovery_address": True},
    "pages_recovery2_transitions": {
        "schema": _schema("many"),
        "choose_recovery_address": True,
        "use_continue_with_transitions": True,
    },
    "pages_registration_off": {"registration_enabled": False},
    "pages_rich": {"schema": _schema("rich")},
    "pages_short_privileged": {"privileged_session_max_age": 1},
    "pages_unified": {"registration_style": "unified"},
    "pages_verify": {"registration_show_verification_ui": True},
    "pages_webauthn_passwordless": {"code_passwordless_enabled": False, "webauthn_passwordless": True},
}
PAGE_VARIANTS = {name: {**PAGES, **overrides} for name, overrides in OVERRIDES.items()}
