"""No order in which processes meet in the shared cache brings a session back that was signed out.

Three processes, two sessions, two forms of the credential of each. Every interleaving of single cache operations of the
real code is tried (:mod:`tests.support.interleavings`). With ``ORY_TEST_INTERLEAVINGS=all`` every set of actions is
tried, which takes minutes; without it, only the sets with the most overlap.
"""

from __future__ import annotations

import os
import time
from itertools import combinations_with_replacement
from uuid import UUID

import pytest
from pytest_django import Settings

from ory_auth.conf import Conf
from ory_auth.sessions.cache import cache_keys
from ory_auth.sessions.cache.entries import Entry
from ory_auth.sessions.cache.shared_cache import SessionCache, Stored
from ory_auth.types import OrySession, SessionSummary
from tests.support.interleavings import Action, Content, Explorer, SharedCache, State

ALL = os.environ.get("ORY_TEST_INTERLEAVINGS") == "all"
NOW = 1_800_000_000
DAY = 24 * 3600
SESSIONS = [UUID(int=number).bytes for number in (1, 2)]
FORMS = {"a": ("aaaa.cookie", SESSIONS[0]), "b": ("bbbb.cookie", SESSIONS[0]), "c": ("cccc.cookie", SESSIONS[1])}
FORMS["d"] = ("dddd.cookie", SESSIONS[1])
SIGNED_OUT = ("a", "b")  # the forms of the session that is signed out


def facts(session_id: bytes) -> SessionSummary:
    return SessionSummary(session_id, session_id, (NOW + DAY) * 10**6, NOW * 10**6, NOW * 10**6, 1)


def fill(form: str, body: bytes) -> Action:
    key, session_id = FORMS[form]
    return lambda cache: cache.store(key, Entry(facts(session_id), body, 0.0), 60)


def sign_out(form: str) -> Action:
    key, session_id = FORMS[form]
    return lambda cache: cache.sign_out(key, OrySession.from_cache(facts(session_id), b"{}"))


def sign_out_unknown(form: str) -> Action:
    """While Ory does not say whose session it is."""
    return lambda cache: cache.sign_out(FORMS[form][0], None)


def sign_out_elsewhere(form: str) -> Action:
    """From another device: the session is known, and its credentials are only in the cache."""
    return lambda cache: cache.sign_out_session(OrySession.from_cache(facts(FORMS[form][1]), b"{}"))


def refuse(form: str) -> Action:
    return lambda cache: cache.record_refusal(FORMS[form][0])


ACTIONS: dict[str, Action] = {
    **{f"fill {form}": fill(form, b"one") for form in FORMS},
    **{f"fill {form} again": fill(form, b"another") for form in FORMS},
    **{f"sign out {form}": sign_out(form) for form in FORMS},
    **{f"sign out {form} unknown": sign_out_unknown(form) for form in FORMS},
    "sign out a elsewhere": sign_out_elsewhere("a"),
    **{f"refuse {form}": refuse(form) for form in FORMS},
}


@pytest.fixture(autouse=True)
def _one_moment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CACHES = {**settings.CACHES, "model": {"BACKEND": "tests.support.interleavings.SharedCache"}}
    monkeypatch.setattr(time, "time", lambda: float(NOW))
    monkeypatch.setattr(cache_keys, "SLOTS", 2)


def conf(stale: int = 0) -> Conf:
    return Conf(
        sdk_url="http://ory",
        cache_namespace="",
        session_cache="model",
        session_cache_seconds=60,
        stale_if_error_seconds=stale,
    )


def counts(explorer: Explorer, content: Content, form: str, *, stale: bool = False) -> bool:
    """Whether another process, which remembers nothing, takes what the cache holds for this form."""
    key = FORMS[form][0]

    def read(cache: SessionCache) -> Entry | None:
        return cache.get(key, stale=stale)

    return explorer.at_once(dict(content), read) is not None


OTHERS = ["fill a", "fill a again", "fill b", "fill b again", "refuse a", "refuse b", "sign out b", "fill c"]
PAIRS = list(combinations_with_replacement(OTHERS, 2))
BEFORE = {"nothing": (), "both forms": ("fill a", "fill b", "fill c")}
SIGN_OUTS = ["sign out a", "sign out a elsewhere"]
if ALL:
    BEFORE |= {"the form that is signed out": ("fill a", "fill c"), "the other form": ("fill b", "fill c")}
    SIGN_OUTS.append("sign out a unknown")
before_each = pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)


def promised(sign_out: str, others: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    """The forms that the sign-out has to reach: if the session is unknown, the one that it came with."""
    refused = any(action.startswith("refuse") for action in others)  # and nobody knows any more that it was good
    known = sign_out in {"sign out a", "sign out a elsewhere"} or ("fill a" in before and not refused)
    return SIGNED_OUT if known else ("a",)


def assert_signed_out(explorer: Explorer, state: State, forms: tuple[str, ...]) -> None:
    """In this state nobody takes an entry of these forms, and no answer that came after the sign-out was kept."""
    content = dict(state.content)
    assert not [form for form in forms if counts(explorer, content, form)], state
    for steps in state.done:
        for number, step in enumerate(steps, 1):
            form = step.action.split()[1]
            if step.late and step.action.startswith("fill") and form in forms:
                assert explorer.value(steps[:number]) is Stored.SIGNED_OUT, state


@pytest.mark.promise("A lookup that checked before the sign-out does not bring the session back")
@pytest.mark.promise("A sign-out covers all credentials of the session")
@pytest.mark.promise("A lookup in progress does not bring back a session that was signed out")
@pytest.mark.parametrize("sign_out", SIGN_OUTS)
@pytest.mark.parametrize("others", PAIRS, ids=", ".join)
@before_each
def test_no_order_of_cache_operations_brings_a_session_back(
    sign_out: str, others: tuple[str, ...], before: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    explorer = Explorer(conf(), ACTIONS)
    processes = tuple((action,) for action in (sign_out, *others))
    forms, signed_out = promised(sign_out, others, before), 0
    for state in explorer.states(processes, explorer.content_after(*before)):
        if state.returned(sign_out):
            signed_out += 1
            assert_signed_out(explorer, state, forms)
            assert not before or counts(explorer, dict(state.content), "c"), state  # nobody else is signed out
    assert signed_out > 10
    assert not caplog.records  # no operation failed


SEVERAL_ACTIONS = [
    (("fill a", "sign out a", "fill a again"), ("fill b", "fill b again")),
    (("sign out a",), ("fill b", "fill b again"), ("fill a again",)),
]
if ALL:
    SEVERAL_ACTIONS += [
        (("sign out a",), ("fill b", "fill b again"), ("fill b again", "fill a")),
        (("refuse a", "sign out a"), ("fill a", "fill a again"), ("fill b again",)),
        (("fill b", "sign out a"), ("fill a", "refuse b"), ("fill a again", "fill b")),
        (("fill a", "sign out a", "fill a again"), ("fill b", "fill b again"), ("sign out b",)),
    ]


@pytest.mark.parametrize("processes", SEVERAL_ACTIONS, ids=str)
@before_each
def test_no_order_of_several_actions_per_process_brings_a_session_back(
    processes: tuple[tuple[str, ...], ...], before: tuple[str, ...]
) -> None:
    explorer = Explorer(conf(stale=120), ACTIONS)
    for state in explorer.states(processes, explorer.content_after(*before)):
        if state.returned("sign out a"):
            assert_signed_out(explorer, state, SIGNED_OUT)
            assert not [form for form in SIGNED_OUT if counts(explorer, dict(state.content), form, stale=True)], state


@pytest.mark.parametrize(
    "others", [pair for pair in PAIRS if not any("sign out" in action for action in pair)], ids=str
)
def test_no_order_keeps_a_stale_entry_older_than_a_refusal(others: tuple[str, ...]) -> None:
    explorer = Explorer(conf(stale=120), ACTIONS)
    processes = tuple((action,) for action in ("refuse a", *others))
    for state in explorer.states(processes, explorer.content_after("fill a", "fill b", "fill c")):
        if state.done[0]:
            content = dict(state.content)
            assert not [form for form in SIGNED_OUT if counts(explorer, content, form, stale=True)], state
            assert counts(explorer, content, "c", stale=True), state


FEW_PAIRS = PAIRS if ALL else [("fill a again", "fill b")]


@pytest.mark.parametrize("others", FEW_PAIRS, ids=str)
def test_no_order_brings_a_session_back_in_a_cache_without_multi_key_calls(
    others: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SharedCache, "one_by_one", True)
    explorer = Explorer(conf(), ACTIONS)
    processes = tuple((action,) for action in ("sign out a", *others))
    for state in explorer.states(processes, explorer.content_after("fill a", "fill b", "fill c")):
        if state.returned("sign out a"):
            assert_signed_out(explorer, state, SIGNED_OUT)


# --- a cache that loses keys


def marks_and_slots(key: str) -> bool:
    return key.startswith(("ory_auth:x:", "ory_auth:f:"))


@pytest.mark.promise("A lookup that checked before the sign-out does not bring the session back")
@pytest.mark.parametrize("others", FEW_PAIRS, ids=str)
def test_a_lost_key_brings_back_only_a_lookup_in_progress(others: tuple[str, ...]) -> None:
    """Any one mark or slot vanishes at any moment.

    The form that was signed out comes back only where its mark is lost *while* an answer is under way. Another form
    does so too where its slot is lost before the sign-out. Both last for the cache time.
    """
    explorer = Explorer(conf(), ACTIONS, may_lose=marks_and_slots)
    processes = tuple((action,) for action in ("sign out a", *others))
    for state in explorer.states(processes, explorer.content_after("fill a", "fill b", "fill c")):
        if not state.returned("sign out a"):
            continue
        lost_mark, lost_slot = state.lost.startswith("ory_auth:x:"), state.lost.startswith("ory_auth:f:")
        content = dict(state.content)
        if state.lost_at_rest:  # each answer under way has looked for the mark again, and taken its entry back
            assert not [form for form in SIGNED_OUT if counts(explorer, content, form)], state
        if counts(explorer, content, "a"):
            assert lost_mark, state
            assert state.overlapped, state
        if counts(explorer, content, "b"):
            assert lost_slot or (lost_mark and state.overlapped), state


def test_a_lost_revocation_brings_nothing_back_without_a_lookup_in_progress() -> None:
    explorer = Explorer(conf(), ACTIONS, may_lose=lambda key: key.startswith("ory_auth:x:"))
    lost = 0
    for state in explorer.states((("sign out a",),), explorer.content_after("fill a", "fill b")):
        if state.returned("sign out a"):
            lost += bool(state.lost)
            assert_signed_out(explorer, state, SIGNED_OUT)
    assert lost
