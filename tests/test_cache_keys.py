"""What stands for a credential in the cache and in Django's session, and whom it tells apart."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from pytest_django import Settings

from ory_auth.conf import conf
from ory_auth.ory.credentials import Credential, CredentialKey, Kind, digest_of, digests_of, matches_key
from tests.support.ory import Ory
from tests.support.types import ChangeSettings

TOKEN = Credential(Kind.TOKEN, "ory_st_x")
BEARER = Credential(Kind.BEARER, "ory_st_x")


@pytest.fixture(autouse=True)
def _ory(ory: Ory) -> None:
    """Settings that are complete."""


def test_a_token_has_one_revocation_key_in_both_headers() -> None:
    token, bearer = TOKEN.key(conf()), BEARER.key(conf())
    assert token != bearer
    assert digest_of(token) == digest_of(bearer)
    assert digest_of(Credential(Kind.TOKEN, "ory_st_y").key(conf())) != digest_of(token)


def test_a_stored_key_matches_only_its_credential() -> None:
    stored = str(TOKEN.key(conf()))
    assert matches_key(TOKEN, stored, conf())
    assert not matches_key(BEARER, stored, conf())
    assert not matches_key(Credential(Kind.TOKEN, "ory_st_y"), stored, conf())


@pytest.mark.parametrize("stored", ["", "token", ".token", "é", None])
def test_an_invalid_key_matches_nothing(stored: str) -> None:
    assert not matches_key(TOKEN, stored, conf())


def test_a_stored_key_matches_after_a_rotation_while_the_old_secret_key_is_a_fallback(settings: Settings) -> None:
    stored = str(TOKEN.key(conf()))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["older", settings.SECRET_KEY]
    assert matches_key(TOKEN, stored, conf())
    assert not matches_key(BEARER, stored, conf())
    assert digest_of(stored) in digests_of(TOKEN.key(conf()))
    settings.SECRET_KEY_FALLBACKS = []
    assert not matches_key(TOKEN, stored, conf())


@pytest.mark.parametrize(
    "through", [lambda key: pickle.loads(pickle.dumps(key)), lambda key: json.loads(json.dumps(key))]
)
def test_a_key_is_stored_as_plain_text(settings: Settings, through: type) -> None:
    settings.SECRET_KEY_FALLBACKS = ["older"]
    key = TOKEN.key(conf())
    assert isinstance(key, CredentialKey)
    stored = through(key)
    assert stored == key
    assert type(stored) is str


# --- CACHE_NAMESPACE


def key_with(settings: Settings, **keys: object) -> str:
    settings.ORY_AUTH = {"SDK_URL": "http://kratos:4433", **keys}
    return TOKEN.key(conf())


def test_sites_with_different_namespaces_share_nothing(settings: Settings) -> None:
    staging, production = (key_with(settings, CACHE_NAMESPACE=name) for name in ("staging", "production"))
    assert digest_of(staging) != digest_of(production)
    assert key_with(settings, CACHE_NAMESPACE="staging") == staging


def test_by_default_browser_url_tells_deployments_apart(settings: Settings) -> None:
    keys = {key_with(settings, BROWSER_URL=f"https://auth.{host}") for host in ("example.org", "staging.example.org")}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"NAME": "shop"}, {"NAME": "shop_staging"}, False),
        ({"NAME": "shop", "HOST": "primary"}, {"NAME": "shop", "HOST": "replica", "USER": "reader"}, True),
        ({"NAME": Path("/srv/a/db.sqlite3")}, {"NAME": "/srv/b/db.sqlite3"}, True),
        ({"NAME": "/srv/a/staging.sqlite3"}, {"NAME": "/srv/a/production.sqlite3"}, False),
        ({}, {"NAME": None}, True),
    ],
)
def test_by_default_the_name_of_the_database_tells_deployments_apart(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    one: dict[str, object],
    other: dict[str, object],
    same: bool,
) -> None:
    keys = []
    for number, database in enumerate((one, other)):
        monkeypatch.setitem(settings.DATABASES, "default", database)
        keys.append(key_with(settings, TIMEOUT=number + 1.0))  # so that ORY_AUTH is read again
    assert (keys[0] == keys[1]) is same


@pytest.mark.parametrize("value", ["", 1, b"x"])
def test_a_namespace_is_a_string(ory_auth: ChangeSettings, value: object) -> None:
    ory_auth(CACHE_NAMESPACE=value)
    with pytest.raises(Exception, match="CACHE_NAMESPACE"):
        conf()
