"""Sessions and traits as projects pass them on: in JSON, in a cache, to a worker, as a copy of one's own."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest
from django.core.cache import caches
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.http import HttpResponse, JsonResponse
from django.urls import path

from ory_auth.types import AAL, Identity, OryHttpRequest, OrySession
from ory_auth.users.fields import read_values
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.types import ChangeSettings, Json
from tests.test_checks_users import MakeModel
from tests.test_checks_users import model as model
from tests.test_types import IDENTITY, SESSION, read

TRAITS: Json = {
    "email": "ada@example.org",
    "name": {"first": "Ada", "last": None},
    "addresses": [{"city": "London"}, ["nested", {"deep": [1, 2.5, True]}]],
    "empty": {},
    "none": [],
}


def rich(**changes: object) -> OrySession:
    """A session whose traits and metadata have dicts and lists inside each other."""
    return read(identity=IDENTITY | {"traits": TRAITS, "metadata_public": TRAITS}, **changes)


SESSIONS: dict[str, Callable[[], OrySession]] = {
    "read": rich,
    "from a cache": lambda: OrySession.from_cache(rich().summary, json.dumps(rich().raw).encode()),
    "vouched for up to AAL1": lambda: rich().capped_at(AAL.AAL1),
    "of an unknown level": lambda: rich(authenticator_assurance_level="aal9"),
    "sparse": lambda: read(identity={"id": IDENTITY["id"]}, authentication_methods=None, issued_at=None),
}
every_session = pytest.mark.parametrize("make", SESSIONS.values(), ids=list(SESSIONS))


def pickled(protocol: int) -> Callable[[Any], Any]:
    return lambda value: pickle.loads(pickle.dumps(value, protocol))


COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "replace": dataclasses.replace,
    **{f"pickle {protocol}": pickled(protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)},
}
every_copy = pytest.mark.parametrize("copied", COPIES.values(), ids=list(COPIES))


# --- sessions and identities


@every_copy
@every_session
def test_a_copy_is_the_same_session_and_frozen(
    make: Callable[[], OrySession], copied: Callable[[OrySession], OrySession]
) -> None:
    session = make()
    other = copied(session)
    assert (other, hash(other), repr(other)) == (session, hash(session), repr(session))
    assert (other.aal, other.raw, other.summary) == (session.aal, session.raw, session.summary)
    assert other.authentication_methods == session.authentication_methods
    with pytest.raises(dataclasses.FrozenInstanceError):
        other.aal = AAL.AAL2  # type: ignore[misc]


@every_copy
@every_session
def test_a_copy_is_the_same_identity_and_frozen(
    make: Callable[[], OrySession], copied: Callable[[Identity], Identity]
) -> None:
    identity = make().identity
    other = copied(identity)
    assert (other, hash(other), repr(other), other.raw) == (identity, hash(identity), repr(identity), identity.raw)
    assert (other.traits, other.verified_emails()) == (identity.traits, identity.verified_emails())
    with pytest.raises(dataclasses.FrozenInstanceError):
        other.id = identity.id  # type: ignore[misc]


@every_copy
def test_methods_and_levels_are_copied(copied: Callable[[Any], Any]) -> None:
    for method in rich().authentication_methods:
        assert copied(method) == method
        with pytest.raises(dataclasses.FrozenInstanceError):
            copied(method).method = "other"
    if copied is not dataclasses.replace:
        assert copied(AAL.AAL2) is AAL.AAL2


def test_a_pickle_is_read_in_another_process() -> None:
    script = "import pickle, sys; s = pickle.load(sys.stdin.buffer); print(s.aal, s.identity.traits['name']['first'])"
    sent = pickle.dumps(rich())
    done = subprocess.run([sys.executable, "-c", script], input=sent, capture_output=True, check=True)
    assert done.stdout.decode().split() == ["aal2", "Ada"]


def test_an_invalid_pickle_is_a_value_error_without_its_content() -> None:
    broken = pickle.dumps(rich()).replace(b'"expires_at": "2026', b'"expires_at": "ada6')
    with pytest.raises(ValueError, match=r"not a session \(ValueError\)"):
        pickle.loads(broken)


def test_no_repr_has_a_trait() -> None:
    for value in (rich(), rich().identity, copy.copy(rich()), dataclasses.asdict(rich())):
        assert "Ada" not in repr(value)
        assert "example.org" not in repr(value)


# --- traits and metadata

READ_ONLY: dict[str, Callable[[], Any]] = {
    "traits": lambda: rich().identity.traits,
    "metadata_public": lambda: rich().identity.metadata_public,
    "a copied identity's traits": lambda: copy.deepcopy(rich().identity).traits,
}
every_read_only = pytest.mark.parametrize("make", READ_ONLY.values(), ids=list(READ_ONLY))


@every_read_only
def test_traits_are_json(make: Callable[[], Any]) -> None:
    value = make()
    assert json.loads(json.dumps(value)) == TRAITS
    assert json.loads(json.dumps(value, indent=1, sort_keys=True)) == TRAITS  # the encoder that is written in Python
    assert json.loads(json.dumps({"who": [value]}, cls=DjangoJSONEncoder)) == {"who": [TRAITS]}
    assert json.loads(JsonResponse(value).content) == TRAITS


@every_read_only
def test_traits_compare_and_combine_like_dicts(make: Callable[[], Any]) -> None:
    value = make()
    assert (value, value["addresses"], value["name"]) == (TRAITS, TRAITS["addresses"], TRAITS["name"])
    assert {**value} == dict(value) == value | {} == {} | value == TRAITS
    assert value["addresses"] + ["more"] == [*TRAITS["addresses"], "more"]
    assert repr(value) == repr(TRAITS)
    assert isinstance(value, Mapping)


def call(name: str, args: tuple[Any, ...], traits: Any) -> Any:
    return getattr(traits, name)(*args)


def call_in_list(name: str, args: tuple[Any, ...], traits: Any) -> Any:
    return getattr(traits["addresses"], name)(*args)


WRITES: dict[str, Callable[[Any], Any]] = {
    "item": lambda traits: traits.__setitem__("email", "eve@example.org"),
    "delete": lambda traits: traits.__delitem__("email"),
    "nested": lambda traits: traits["name"].__setitem__("first", "Eve"),
    "nested in a list": lambda traits: traits["addresses"][0].__setitem__("city", "Paris"),
    "deeper": lambda traits: traits["addresses"][1][1]["deep"].append(3),
    "empty": lambda traits: traits["empty"].__setitem__("a", 1),
    **{
        name: partial(call, name, args)
        for name, args in {
            "update": ({"email": "eve@example.org"},),
            "setdefault": ("new", 1),
            "pop": ("email",),
            "popitem": (),
            "clear": (),
            "__ior__": ({"a": 1},),
        }.items()
    },
    **{
        f"list {name}": partial(call_in_list, name, args)
        for name, args in {
            "__setitem__": (0, 1),
            "__delitem__": (0,),
            "__iadd__": ([1],),
            "__imul__": (2,),
            "append": (1,),
            "extend": ([1],),
            "insert": (0, 1),
            "pop": (),
            "remove": ({"city": "London"},),
            "clear": (),
            "sort": (),
            "reverse": (),
        }.items()
    },
}


@pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
@every_read_only
def test_traits_are_read_only(make: Callable[[], Any], write: Callable[[Any], Any]) -> None:
    value = make()
    with pytest.raises(TypeError, match=r"read-only.*copy\.deepcopy\(\)"):
        write(value)
    assert value == TRAITS


@pytest.mark.parametrize(("mutable", "immutable"), [(dict, MappingProxyType), (list, tuple)])
def test_every_mutating_method_is_refused(mutable: type, immutable: type) -> None:
    traits = rich().identity.traits
    [value] = [value for value in (traits, traits["addresses"]) if isinstance(value, mutable)]
    changing = set(dir(mutable)) - set(dir(immutable)) - {"fromkeys", "copy", "__reversed__"}
    assert changing <= vars(type(value)).keys()


@every_copy
def test_a_copy_of_traits_is_mutable(copied: Callable[[Any], Any]) -> None:
    if copied is dataclasses.replace:
        return
    mine = copied(rich().identity.traits)
    assert (type(mine), mine) == (dict, TRAITS)
    mine["email"] = "eve@example.org"
    if copied is not copy.copy:  # which is shallow
        mine["addresses"][1][1]["deep"].append(3)
        mine["name"]["first"] = "Eve"
        assert b"ory_auth" not in pickle.dumps(mine)


# --- as projects do it


def test_a_session_stored_by_a_view_comes_back(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, settings: Any
) -> None:
    token = ory.person().app_session()
    seen: list[Any] = []

    def keep(request: OryHttpRequest) -> HttpResponse:
        session = request.ory_session
        assert session
        sent = pickle.dumps((session, session.identity, session.identity.traits))
        assert token.token.encode() not in sent
        caches["default"].set("kept", session)
        seen.append((session, caches["default"].get("kept"), pickle.loads(sent)))
        return JsonResponse({"traits": session.identity.traits, "more": session.identity.metadata_public})

    settings.ROOT_URLCONF = type("Urls", (), {"urlpatterns": [path("keep", keep)]})
    ory_auth(SESSION_CACHE_SECONDS=60)
    for _ in "ory", "cache":
        response = web.get("/keep", headers=token.headers)
        assert response.json()["traits"]["email"] == token.person.email
    for session, kept, sent in seen:
        assert kept == session
        assert sent == (session, session.identity, session.identity.traits)


def test_a_pickle_contains_orys_json() -> None:
    assert json.dumps(SESSION).encode() in pickle.dumps(read())


def test_a_json_field_of_the_user_is_mutable(model: MakeModel) -> None:
    model(extra=models.JSONField())
    identity = rich().identity
    extra = read_values(identity, {"extra": "traits"})["extra"]
    assert extra == TRAITS
    extra["addresses"].append("more")
    extra["name"]["last"] = "King"
    assert identity.traits == TRAITS
