"""All methods, in the order in which Kratos asks them."""

from __future__ import annotations

from .base import LoginMethod, RegistrationMethod, SettingsMethod
from .code import CodeLogin, CodeRegistration
from .lookup_secret import LookupSecretLogin, LookupSecretSettings
from .oidc import OIDCLogin, OIDCRegistration, OIDCSettings
from .passkey import PasskeyLogin, PasskeyRegistration, PasskeySettings
from .password import PasswordLogin, PasswordRegistration, PasswordSettings
from .profile import ProfileSettings
from .totp import TOTPLogin, TOTPSettings
from .webauthn import WebAuthnLogin, WebAuthnRegistration, WebAuthnSettings

LOGIN_METHODS: tuple[LoginMethod, ...] = (
    PasswordLogin(),
    OIDCLogin(),
    CodeLogin(),
    TOTPLogin(),
    PasskeyLogin(),
    WebAuthnLogin(),
    LookupSecretLogin(),
)
REGISTRATION_METHODS: tuple[RegistrationMethod, ...] = (
    PasswordRegistration(),
    OIDCRegistration(),
    CodeRegistration(),
    PasskeyRegistration(),
    WebAuthnRegistration(),
)
SETTINGS_METHODS: tuple[SettingsMethod, ...] = (
    ProfileSettings(),
    PasswordSettings(),
    OIDCSettings(),
    TOTPSettings(),
    PasskeySettings(),
    WebAuthnSettings(),
    LookupSecretSettings(),
)
