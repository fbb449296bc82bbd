"""WebAuthn: the options for a browser, and what its answers prove. https://www.w3.org/TR/webauthn-3/

Only this module uses the library `webauthn`, which it imports when a browser answers.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from .config import Config
from .key_storage import StoredKey

Method = Literal["passkey", "webauthn"]
CHALLENGE_BYTES = 32
TIMEOUT = {"passkey": 300_000, "webauthn": 120_000}  # milliseconds
ALGORITHMS = (-7, -35, -36, -257, -258, -259, -37, -38, -39, -8)
SELECTION: dict[str, dict[str, Any]] = {
    "passkey": {
        "authenticatorAttachment": "platform",
        "requireResidentKey": True,
        "residentKey": "required",
        "userVerification": "preferred",
    },
    "webauthn": {"userVerification": "discouraged"},
}


class UnreadableAnswer(ValueError):
    """What the browser sent is no WebAuthn answer."""


class WrongAnswer(Exception):
    """The answer does not prove what it should: another challenge, another site or another key."""


@dataclass(frozen=True)
class KeyChallenge:
    """The challenge that an authenticator signs. `user_handle` is the name of the account in the authenticator."""

    user_handle: str = ""
    challenge: bytes = field(default_factory=lambda: secrets.token_bytes(CHALLENGE_BYTES), repr=False)


@dataclass(frozen=True)
class NewKey:
    """A key that an authenticator has just made."""

    id: bytes
    public_key: bytes
    aaguid: str


# ---- options for the browser


def creation_options(config: Config, method: Method, challenge: KeyChallenge, account_name: str) -> dict[str, Any]:
    """The options of `navigator.credentials.create`."""
    user_id = base64url(challenge.user_handle.encode())
    return {
        "publicKey": {
            "rp": {"name": config.rp_display_name, "id": config.relying_party_id},
            "user": {"name": account_name, "displayName": account_name, "id": user_id},
            "challenge": base64url(challenge.challenge),
            "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in ALGORITHMS],
            "timeout": TIMEOUT[method],
            "authenticatorSelection": SELECTION[method],
        }
    }


def request_options(
    config: Config, method: Method, challenge: KeyChallenge, keys: list[StoredKey] | None = None
) -> dict[str, Any]:
    """The options of `navigator.credentials.get`. Without `keys` the person may choose any passkey of this site."""
    allowed = [{"type": "public-key", "id": base64url(key.id)} for key in keys or []]
    return {
        "publicKey": {
            "challenge": base64url(challenge.challenge),
            "timeout": TIMEOUT[method],
            "rpId": config.relying_party_id,
            **({"allowCredentials": allowed} if allowed else {}),
            "userVerification": SELECTION[method]["userVerification"],
        }
    }


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


# ---- answers of the browser


def verify_new_key(config: Config, challenge: KeyChallenge, answer: str) -> NewKey:
    """The new key in an answer to `creation_options`. Raises `UnreadableAnswer` or `WrongAnswer`."""
    library = _load_library()
    try:
        credential = library.helpers.parse_registration_credential_json(answer)
    except _errors(library):
        raise UnreadableAnswer("this is not the answer of an authenticator") from None
    try:
        verified = library.verify_registration_response(
            credential=credential,
            expected_challenge=challenge.challenge,
            expected_rp_id=config.relying_party_id,
            expected_origin=list(config.relying_party_origins),
            require_user_verification=False,
        )
    except _errors(library) as error:
        raise WrongAnswer(str(error)) from None
    return NewKey(verified.credential_id, verified.credential_public_key, verified.aaguid)


def read_user_handle(answer: str) -> str:
    """The account that an authenticator has chosen, in an answer to `request_options`. Raises `UnreadableAnswer`."""
    library = _load_library()
    try:
        handle: bytes | None = library.helpers.parse_authentication_credential_json(answer).response.user_handle
        return (handle or b"").decode()
    except _errors(library):
        raise UnreadableAnswer("this is not the answer of an authenticator") from None


def verify_known_key(config: Config, challenge: KeyChallenge, answer: str, keys: list[StoredKey]) -> None:
    """Check that one of the keys has signed the challenge. Raises `UnreadableAnswer` or `WrongAnswer`."""
    library = _load_library()
    try:
        credential = library.helpers.parse_authentication_credential_json(answer)
    except _errors(library):
        raise UnreadableAnswer("this is not the answer of an authenticator") from None
    key = next((key for key in keys if key.id == credential.raw_id), None)
    if key is None:
        raise WrongAnswer("the account has no such key")
    try:
        library.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge.challenge,
            expected_rp_id=config.relying_party_id,
            expected_origin=list(config.relying_party_origins),
            credential_public_key=key.public_key,
            credential_current_sign_count=0,  # as in Kratos, a counter that does not grow is no error
            require_user_verification=False,
        )
    except _errors(library) as error:
        raise WrongAnswer(str(error)) from None


def _load_library() -> Any:
    """The library `webauthn`. Raises `RuntimeError` if it is not installed."""
    try:
        import webauthn
        import webauthn.helpers.exceptions
    except ModuleNotFoundError:
        raise RuntimeError("Passkeys and security keys need a library. Run: pip install 'django-ory[local]'") from None
    return webauthn


def _errors(library: Any) -> tuple[type[Exception], ...]:
    """The errors that a malformed or wrong answer can cause in the library."""
    return (library.helpers.exceptions.WebAuthnException, ValueError, TypeError, KeyError, IndexError)


def to_json(options: dict[str, Any]) -> str:
    """The options as the value of a node."""
    return json.dumps(options, separators=(",", ":"))
