"""Second factors that a project stores itself, as a function of the project returns them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .second_factor_credentials import SecondFactors, StoredKey, clean_codes, convert_key, read_base32_secret

KEYS = frozenset({"totp", "recovery_codes", "security_keys", "passkeys", "user_handle", "cannot_move"})
REASON = "the project says so"


def read_own_second_factors(value: Any, external_id: str) -> SecondFactors:
    """The second factors in a dict of a project. Raises ``ValueError`` with a text that contains no value.

    ``None`` and an empty dict are none. Security keys are found without a user handle, so one is made from
    ``external_id`` if the project stores none.
    """
    if value is None:
        return SecondFactors()
    if not isinstance(value, Mapping) or not value.keys() <= KEYS:
        raise ValueError(f"must be a dict with some of the keys {', '.join(sorted(KEYS))}")
    handle = value.get("user_handle") or external_id.encode()
    if not isinstance(handle, bytes):
        raise ValueError("'user_handle' must be bytes")
    try:
        secret = read_base32_secret(value["totp"]) if value.get("totp") else ""
    except Exception:
        secret = None
    if secret is None:  # not in the except block: its frames hold the secret
        raise ValueError("'totp' must be a secret in Base32")
    return SecondFactors(
        totp_secret=secret,
        recovery_codes=clean_codes(_texts(value, "recovery_codes")),
        security_keys=_keys(value, "security_keys", is_passkey=False),
        passkeys=_keys(value, "passkeys", is_passkey=True),
        user_handle=handle,
        lost=tuple((kind, REASON) for kind in _texts(value, "cannot_move")),
    )


def _texts(value: Mapping[str, Any], name: str) -> list[str]:
    texts = value.get(name) or []
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise ValueError(f"{name!r} must be a list of texts")
    texts = list(texts)
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{name!r} must be a list of texts")
    return texts


def _keys(value: Mapping[str, Any], name: str, *, is_passkey: bool) -> tuple[Mapping[str, Any], ...]:
    try:
        keys = tuple(
            convert_key(StoredKey(bytes(data), name=str(title), is_passkey=is_passkey))
            for data, title in value.get(name) or ()
        )
    except Exception:
        keys = None
    if keys is None:
        raise ValueError(f"{name!r} must be a list of pairs: the attested credential data (bytes), and a name")
    return keys
