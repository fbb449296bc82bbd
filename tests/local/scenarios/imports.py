"""Recorded scenarios of imports: the batch, password hashes, addresses, second factors and social accounts."""

from __future__ import annotations

import pyotp

from ..server_replay import ServerReplay

TOTP_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def batch_import_failures(replay: ServerReplay) -> None:
    replay.run()


def import_addresses(replay: ServerReplay) -> None:
    replay.run(until="whoami afterwards")
    replay.skip("whoami afterwards", "it belongs to a sign-in that the recording does not show")


def import_bcrypt_long(replay: ServerReplay) -> None:
    replay.run()


def import_oidc(replay: ServerReplay) -> None:
    replay.not_compared[12] = "the broken credential of an empty list has null until it is read again"
    replay.run(until="PUT adds a provider to an identity")
    replay.know_identity(replay.person("later@example.org"))
    replay.run(until="imported subject 1001: chooses the provider")
    while replay.remaining:
        replay.skip(replay.remaining[0]["name"], "the pretend provider is another one: see test_imports.py")


def import_second_factors(replay: ServerReplay) -> None:
    replay.fields["totp_code"] = lambda code: code if code == "000000" else pyotp.TOTP(TOTP_SECRET).now()
    replay.run()


def import_username_schema(replay: ServerReplay) -> None:
    replay.run()
