"""An authenticator in software: it answers WebAuthn options as a browser with a passkey or a security key would."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

USER_PRESENT, USER_VERIFIED, HAS_CREDENTIAL = 0x01, 0x04, 0x40
UNKNOWN_MODEL = "00000000-0000-0000-0000-000000000000"


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class SoftwareKey:
    """One key pair. `origin` is that of the page on which it is used. `aaguid` says which authenticator it is."""

    def __init__(self, origin: str, aaguid: str = UNKNOWN_MODEL) -> None:
        self.origin = origin
        self.aaguid = bytes.fromhex(aaguid.replace("-", ""))
        self.id = secrets.token_bytes(32)
        self.user_handle = b""
        self.uses = 0
        self._private_key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: dict[str, Any]) -> str:
        """The answer to the options of `navigator.credentials.create`, as the field of a form contains it."""
        public_key = options["publicKey"]
        self.user_handle = decode(public_key["user"]["id"])
        numbers = self._private_key.public_key().public_numbers()
        cose_key = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        )
        credential = self.aaguid + len(self.id).to_bytes(2, "big") + self.id + cose_key
        data = self._authenticator_data(public_key["rp"]["id"], HAS_CREDENTIAL) + credential
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self._client_data("webauthn.create", public_key["challenge"])
        return self._answer(attestationObject=attestation, clientDataJSON=client_data)

    def get(self, options: dict[str, Any]) -> str:
        """The answer to the options of `navigator.credentials.get`."""
        public_key = options["publicKey"]
        data = self._authenticator_data(public_key["rpId"], 0)
        client_data = self._client_data("webauthn.get", public_key["challenge"])
        signature = self._private_key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            authenticatorData=data, clientDataJSON=client_data, signature=signature, userHandle=self.user_handle
        )

    def _authenticator_data(self, rp_id: str, more_flags: int) -> bytes:
        self.uses += 1
        flags = USER_PRESENT | USER_VERIFIED | more_flags
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.uses.to_bytes(4, "big")

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response: bytes) -> str:
        key_id = encode(self.id)
        encoded = {name: encode(value) for name, value in response.items()}
        return json.dumps({"id": key_id, "rawId": key_id, "type": "public-key", "response": encoded})
