"""The second factors that django-otp and django-allauth store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from .installed_models import find_model, rows_by_user
from .second_factor_credentials import (
    DIGITS,
    PERIOD,
    SecondFactors,
    StoredKey,
    clean_codes,
    convert_key,
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
UNREADABLE = "what is stored about it cannot be read"


class Reader:
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
        found = _Found()
        for device in self._totp.get(user.pk, ()):
            if device.confirmed:
                _read_totp_device(device, found)
        for device in self._static.get(user.pk, ()):
            found.codes += self._tokens.get(device.pk, [])
        for kind, rows in self._others.items():
            if any(getattr(row, "confirmed", True) for row in rows.get(user.pk, ())):
                found.lost.append((kind, "Ory does not know this kind of second factor"))
        for row in self._allauth.get(user.pk, ()):
            _AUTHENTICATORS.get(row.type, _read_unknown_authenticator)(row, found)
        handle = _read_user_handle(user, found) if found.keys else b""
        _report_passkeys_without_second_step(found)
        _drop_codes_without_second_step(found)
        for _ in found.secrets[1:]:
            found.lost.append(("a second authenticator app", "Ory has one for each person"))
        return SecondFactors(
            totp_secret=found.secrets[0] if found.secrets else "",
            recovery_codes=clean_codes(found.codes),
            security_keys=tuple(convert_key(key) for key in found.keys if not key.is_passkey),
            passkeys=tuple(convert_key(key) for key in found.keys if key.is_passkey),
            user_handle=handle,
            lost=tuple(dict.fromkeys(found.lost)),
        )


@dataclass(slots=True)
class _Found:
    """The second factors of one user, while they are read."""

    secrets: list[str] = field(default_factory=list, repr=False)
    codes: list[str] = field(default_factory=list, repr=False)
    keys: list[StoredKey] = field(default_factory=list, repr=False)
    lost: list[tuple[str, str]] = field(default_factory=list)

    @property
    def has_second_step(self) -> bool:
        """Whether something moves that Ory asks for after the password, apart from codes."""
        return bool(self.secrets) or not all(key.is_passkey for key in self.keys)


def _read_totp_device(device: Any, found: _Found) -> None:
    reason = unsupported_totp(digits=device.digits, period=device.step, start=device.t0)
    _add_app(found, reason, lambda: read_hex_secret(device.key))


def _read_allauth_app(row: Any, found: _Found) -> None:
    settings = import_module("allauth.mfa.app_settings")
    reason = unsupported_totp(digits=settings.TOTP_DIGITS, period=settings.TOTP_PERIOD)
    adapter = import_module("allauth.mfa.adapter").get_adapter()
    _add_app(found, reason, lambda: read_base32_secret(adapter.decrypt(row.data["secret"])))


def unsupported_totp(*, digits: int, period: int, start: int = 0) -> str:
    """Why Ory would refuse the codes of this authenticator app; empty if it accepts them."""
    if digits != DIGITS:
        return f"its codes have {digits} digits, and Ory accepts {DIGITS}"
    if period != PERIOD:
        return f"its codes change every {period} seconds, and Ory expects {PERIOD}"
    return "its codes are counted from another time than 1970" if start else ""


def _add_app(found: _Found, reason: str, read: Callable[[], str]) -> None:
    try:
        if not reason:
            found.secrets.append(read())
    except Exception:  # also one of the project's own decryption, which may quote the secret
        reason = UNREADABLE
    if reason:
        found.lost.append(("an authenticator app", reason))


def _read_recovery_codes(row: Any, found: _Found) -> None:
    try:
        found.codes += row.wrap().get_unused_codes()
    except Exception:
        found.lost.append(("recovery codes", UNREADABLE))


def _read_security_key(row: Any, found: _Found) -> None:
    try:
        stored = row.wrap()
        data = stored.authenticator_data
        key = StoredKey(
            credential_data=bytes(data.credential_data),
            flags=int(data.flags),
            counter=data.counter,
            name=str(stored.name),
            added_at=row.created_at.isoformat(),
            is_passkey=stored.is_passwordless is True,
        )
        convert_key(key)
        found.keys.append(key)
    except Exception:
        found.lost.append(("a security key", UNREADABLE))


def _read_user_handle(user: Any, found: _Found) -> bytes:
    """What the project's adapter has given to the keys as the user's ID."""
    try:
        handle = import_module("allauth.mfa.adapter").get_adapter().get_public_key_credential_user_entity(user)["id"]
        handle.decode()
    except Exception:
        found.keys.clear()
        found.lost.append(("a security key", "its user handle is not a text"))
        return b""
    return bytes(handle)


def _report_passkeys_without_second_step(found: _Found) -> None:
    """Passkeys are no second step at Ory: people sign in with them instead of the password."""
    if found.keys and not found.has_second_step:
        found.lost.append(("a passkey as the second step after the password", "at Ory it replaces the password"))


def _drop_codes_without_second_step(found: _Found) -> None:
    """Recovery codes are no replacement for what cannot move: Ory would ask for one at each sign-in until none is left.

    A person who has never had anything but codes keeps them.
    """
    if found.codes and found.lost and not found.has_second_step:
        found.codes.clear()
        found.lost.append(("recovery codes", "without another second step, Ory would ask for one at each sign-in"))


def _read_unknown_authenticator(row: Any, found: _Found) -> None:
    found.lost.append(("an authenticator of another kind", "Ory does not know this kind of second factor"))


_AUTHENTICATORS: dict[str, Callable[[Any, _Found], None]] = {
    "totp": _read_allauth_app,
    "recovery_codes": _read_recovery_codes,
    "webauthn": _read_security_key,
}
