"""The second factors that django-otp and django-allauth store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from .installed_models import find_model, rows_by_user
from .second_factor_credentials import (
    DIGITS,
    PERIOD,
    SecondFactors,
    clean_codes,
    read_base32_secret,
    read_hex_secret,
)

# django-otp's other devices, by app label: Ory has nothing that would accept their codes.
_OTHER_DEVICES = {
    "otp_hotp.HOTPDevice": ("django_otp", "a counter-based device"),
    "otp_email.EmailDevice": ("django_otp", "codes by e-mail"),
    "otp_yubikey.YubikeyDevice": ("otp_yubikey", "a YubiKey that types codes"),
    "otp_yubikey.RemoteYubikeyDevice": ("otp_yubikey", "a YubiKey that types codes"),
    "otp_twilio.TwilioSMSDevice": ("otp_twilio", "codes by SMS"),
    "otp_webauthn.WebAuthnCredential": ("django_otp_webauthn", "a security key of django-otp-webauthn"),
    "phonenumber.PhoneDevice": ("two_factor", "codes by phone"),
}
UNREADABLE = "its secret cannot be read"

_Found = tuple[str, list[str], list[tuple[str, str]]]  # the TOTP secret, recovery codes, what is lost


class Readers:
    """Reads the rows of one batch of users, in a few queries, and then the second factors of each user."""

    def __init__(self, users: Sequence[Any]) -> None:
        self._totp = rows_by_user("otp_totp.TOTPDevice", "django_otp", users)
        self._static = rows_by_user("otp_static.StaticDevice", "django_otp", users)
        self._tokens = self._read_tokens()
        self._others = {kind: rows_by_user(label, package, users) for label, (package, kind) in _OTHER_DEVICES.items()}
        self._allauth = rows_by_user("mfa.Authenticator", "allauth", users)

    def _read_tokens(self) -> dict[Any, list[str]]:
        devices = [device.pk for rows in self._static.values() for device in rows if device.confirmed]
        model = find_model("otp_static.StaticToken", "django_otp")
        tokens: dict[Any, list[str]] = {}
        if model is not None and devices:
            for row in model._base_manager.filter(device__in=devices).order_by("pk"):
                tokens.setdefault(row.device_id, []).append(row.token)
        return tokens

    def second_factors(self, user: Any) -> SecondFactors:
        secrets: list[str] = []
        codes: list[str] = []
        lost: list[tuple[str, str]] = []
        for device in self._totp.get(user.pk, ()):
            if device.confirmed:
                _collect(_read_totp_device(device), secrets, lost)
        for device in self._static.get(user.pk, ()):
            codes += self._tokens.get(device.pk, [])
        for kind, rows in self._others.items():
            if any(getattr(row, "confirmed", True) for row in rows.get(user.pk, ())):
                lost.append((kind, "Ory does not know this kind of second factor"))
        for authenticator in self._allauth.get(user.pk, ()):
            _read_authenticator(authenticator, secrets, codes, lost)
        for _ in secrets[1:]:
            lost.append(("a second authenticator app", "Ory has one for each person"))
        return SecondFactors(secrets[0] if secrets else "", clean_codes(codes), lost=tuple(dict.fromkeys(lost)))


def _collect(result: str | tuple[str, str], secrets: list[str], lost: list[tuple[str, str]]) -> None:
    if isinstance(result, str):
        secrets.append(result)
    else:
        lost.append(result)


def _read_totp_device(device: Any) -> str | tuple[str, str]:
    """The secret, or the kind and the reason why it cannot move."""
    reason = unsupported_totp(digits=device.digits, period=device.step, start=device.t0)
    return ("an authenticator app", reason) if reason else _read_secret(read_hex_secret, device.key)


def unsupported_totp(*, digits: int, period: int, start: int = 0) -> str:
    """Why Ory would refuse the codes of this authenticator app; empty if it accepts them."""
    if digits != DIGITS:
        return f"its codes have {digits} digits, and Ory accepts {DIGITS}"
    if period != PERIOD:
        return f"its codes change every {period} seconds, and Ory expects {PERIOD}"
    return "its codes are counted from another time than 1970" if start else ""


def _read_secret(read: Callable[[Any], str], stored: Any) -> str | tuple[str, str]:
    try:
        return read(stored)
    except Exception:  # also one of the project's own decryption, which may quote the secret
        return "an authenticator app", UNREADABLE


def _read_authenticator(row: Any, secrets: list[str], codes: list[str], lost: list[tuple[str, str]]) -> None:
    """django-allauth stores one row for an app, one for all recovery codes, and one for each security key."""
    if row.type == "totp":
        settings = import_module("allauth.mfa.app_settings")
        reason = unsupported_totp(digits=settings.TOTP_DIGITS, period=settings.TOTP_PERIOD)
        if reason:
            lost.append(("an authenticator app", reason))
        else:
            decrypt = import_module("allauth.mfa.adapter").get_adapter().decrypt
            _collect(_read_secret(lambda data: read_base32_secret(decrypt(data["secret"])), row.data), secrets, lost)
    elif row.type == "recovery_codes":
        try:
            codes += row.wrap().get_unused_codes()
        except Exception:
            lost.append(("recovery codes", "they cannot be read"))
    else:
        lost.append(("a security key", "this Ory does not accept security keys from elsewhere"))
