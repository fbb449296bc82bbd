"""Make the keys with which Kratos signs JWTs (`tokenize_as`), unless they exist.

    python contrib/kratos/make_keys.py [DIRECTORY]

`jwks.json` contains the private key and is for Kratos only. `jwks.public.json` is for servers that check tokens. Both
are JSON Web Key Sets (RFC 7517) with one ES256 key. They are not in the repository: with a signing key that everybody
can read, anybody could forge a token for anybody.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

PRIVATE, PUBLIC = "jwks.json", "jwks.public.json"


def make_keys(directory: Path) -> None:
    """Write both files. Creates the directory if necessary. Does nothing if the private file exists."""
    private = directory / PRIVATE
    if private.exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    key = generate_private_key(SECP256R1())
    about = {"kid": str(uuid4()), "alg": "ES256", "use": "sig"}
    (directory / PUBLIC).write_text(_key_set(ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | about))
    with open(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(_key_set(ECAlgorithm.to_jwk(key, as_dict=True) | about))


def _key_set(key: dict[str, object]) -> str:
    return json.dumps({"keys": [key]}, indent=2) + "\n"


if __name__ == "__main__":
    make_keys(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "keys")
