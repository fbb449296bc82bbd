"""The configuration of the local Ory: the part of Kratos' configuration that matters to an integration."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .person_schema import PERSON_SCHEMA

LOCALHOST = "localhost"
LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")
LOOPBACK_NAMES = (LOCALHOST, *LOOPBACK_ADDRESSES)


@dataclass(frozen=True)
class Config:
    """The configuration of one local Ory. The comment at each field names the matching key of Kratos' configuration.

    Times are in seconds. `None` means that the key is not set.
    """

    host: str = "127.0.0.1"  # serve.*.host
    public_port: int = 4433  # serve.public.port; 0 chooses a free one
    admin_port: int = 4434  # serve.admin.port; 0 chooses a free one
    ui_base: str = "http://127.0.0.1:8000/auth"  # selfservice.flows.*.ui_url without the last path segment
    default_return_url: str = "http://127.0.0.1:8000/"  # selfservice.default_browser_return_url
    allowed_return_urls: tuple[str, ...] = ("http://127.0.0.1:8000",)  # selfservice.allowed_return_urls
    session_lifespan: float = 86400  # session.lifespan
    earliest_possible_extend: float | None = None  # session.earliest_possible_extend
    session_cookie_name: str = "ory_kratos_session"  # session.cookie.name
    whoami_required_aal: str = "highest_available"  # session.whoami.required_aal
    settings_required_aal: str = "highest_available"  # selfservice.flows.settings.required_aal
    privileged_session_max_age: float = 900  # selfservice.flows.settings.privileged_session_max_age
    flow_lifespan: float = 600  # selfservice.flows.*.lifespan
    login_style: str = "unified"  # selfservice.flows.login.style: "unified" or "identifier_first"
    registration_enabled: bool = True  # selfservice.flows.registration.enabled
    registration_style: str = "profile_first"  # selfservice.flows.registration.style: "profile_first" or "unified"
    registration_login_hints: bool = False  # selfservice.flows.registration.login_hints
    password_enabled: bool = True  # selfservice.methods.password.enabled
    profile_enabled: bool = True  # selfservice.methods.profile.enabled
    totp_enabled: bool = True  # selfservice.methods.totp.enabled
    lookup_secret_enabled: bool = True  # selfservice.methods.lookup_secret.enabled
    code_enabled: bool = True  # selfservice.methods.code.enabled, for recovery that an administrator starts
    link_enabled: bool = True  # selfservice.methods.link.enabled, for recovery that an administrator starts
    code_passwordless_enabled: bool = False  # selfservice.methods.code.passwordless_enabled
    code_mfa_enabled: bool = False  # selfservice.methods.code.mfa_enabled
    passkey_enabled: bool = False  # selfservice.methods.passkey.enabled
    webauthn_enabled: bool = False  # selfservice.methods.webauthn.enabled
    webauthn_passwordless: bool = False  # selfservice.methods.webauthn.config.passwordless
    # selfservice.methods.*.config.rp for passkeys and security keys. By default the host and the origin of `ui_base`.
    rp_id: str | None = None
    rp_origins: tuple[str, ...] = ()
    rp_display_name: str = "Local Ory"
    oauth2_provider: bool = False  # oauth2_provider.url: a pretend OAuth2 server, for login_challenge
    # selfservice.methods.oidc.config.providers: ID → label, all at the pretend provider
    oidc_providers: dict[str, str] = field(default_factory=dict)
    account_enumeration_mitigate: bool = False  # security.account_enumeration.mitigate
    recovery_enabled: bool = True  # selfservice.flows.recovery.enabled
    recovery_use: str = "code"  # selfservice.flows.recovery.use: code or link
    verification_enabled: bool = True  # selfservice.flows.verification.enabled
    verification_use: str = "code"  # selfservice.flows.verification.use: code or link
    choose_recovery_address: bool = False  # feature_flags.choose_recovery_address
    use_continue_with_transitions: bool = False  # feature_flags.use_continue_with_transitions
    code_max_submissions: int = 5  # selfservice.methods.code.config.max_submissions
    registration_session_hook: bool = True  # selfservice.flows.registration.after.password.hooks: session
    # selfservice.flows.registration.after.password.hooks: show_verification_ui
    registration_show_verification_ui: bool = False
    # selfservice.flows.*.{before,after}: the hooks of the kind web_hook, and `session` of a registration. The whole
    # configuration of Kratos is also accepted.
    hooks: dict[str, Any] = field(default_factory=dict, repr=False)
    # selfservice.methods.password.config.migrate_hook
    migrate_hook: dict[str, Any] = field(default_factory=dict, repr=False)
    hook_timeout: float = 30  # not in Kratos, whose time limit for each try of a web hook is always 30 seconds
    hook_retry_seconds: float = 1  # not in Kratos, which waits one second before the second try of a web hook
    cacheable_sessions: bool = True  # feature_flags.cacheable_sessions
    cacheable_sessions_max_age: float | None = 60  # feature_flags.cacheable_sessions_max_age
    # The version of Kratos: "26.2.0", or "newer" for the newest source, which Ory Network runs. A newer one imports
    # second factors and passkeys, and refuses a password hash that it cannot parse. "1.3.1" refuses `external_id`.
    kratos_version: str = "26.2.0"
    dev: bool = True  # started with --dev: cookies without Secure
    base_url: str | None = None  # serve.public.base_url
    # Not in Kratos. Browsers may come by the name localhost or by a loopback address: all URLs then have that host.
    follow_loopback_name: bool = False
    cookie_domain: str | None = None  # cookies.domain
    cookie_same_site: str = "Lax"  # cookies.same_site
    # Beside Kratos: Ory Network's edge (`http/edge.py`), the token that lets a caller name another base URL, and the
    # project's custom domain, to which browsers are redirected.
    events: dict[str, Any] = field(default_factory=dict, repr=False)  # live events: `url`, `headers` and `auth`
    one_write_at_a_time: bool = False  # the limit of Ory Network for its admin API: otherwise 429
    writes_per_second: int = 0  # the rate limit of Ory Network for its admin API; 0 is none
    edge: bool = False
    edge_token: str = field(default="", repr=False)
    edge_custom_domain: str | None = None
    cors_allowed_origins: tuple[str, ...] = ()  # serve.public.cors: enabled, with credentials, if there are any
    schema_id: str = "person"  # identity.default_schema_id
    schema: dict[str, Any] = field(default_factory=lambda: PERSON_SCHEMA)  # identity.schemas: exactly one

    @property
    def is_newer(self) -> bool:
        """Whether this is a newer Kratos than 26.2.0."""
        return self.kratos_version == "newer"

    @property
    def flow_hooks(self) -> dict[str, Any]:
        """The hooks by kind of flow, such as "login"."""
        hooks = self.hooks.get("selfservice", self.hooks)
        flows: dict[str, Any] = hooks.get("flows", hooks)
        return flows

    @property
    def relying_party_id(self) -> str:
        """The host for which passkeys and security keys are made. Browsers accept `localhost`, but no IP address."""
        host = urlsplit(self.ui_base).hostname or LOCALHOST
        return self.rp_id or (LOCALHOST if host in LOOPBACK_ADDRESSES else host)

    @property
    def relying_party_origins(self) -> tuple[str, ...]:
        """The origins of the pages that may use passkeys and security keys."""
        if self.rp_origins:
            return self.rp_origins
        site = urlsplit(self.ui_base)
        port = f":{site.port}" if site.port else ""
        return f"{site.scheme}://{site.netloc}", f"{site.scheme}://{self.relying_party_id}{port}"

    @property
    def encoded_schema_id(self) -> str:
        """The schema's ID as it appears in `schema_url`."""
        return base64.urlsafe_b64encode(self.schema_id.encode()).decode().rstrip("=")
