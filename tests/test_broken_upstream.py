"""Whatever a server or proxy in front of Ory does to HTTP, nobody gets the response to somebody else's request.

``ORY_TEST_EXCHANGES`` says how many exchanges the fuzzer makes (default: a few thousand).
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from pytest_django import Settings

from tests.support.broken_upstream import BEHAVIOURS, PROPER, BrokenUpstream, Person, broken_upstream, people
from tests.support.client import DualClient

EXCHANGES = int(os.environ.get("ORY_TEST_EXCHANGES", "3000"))
TIMEOUT = 0.15
PERSONS = people(12)
THREADS = 6


def configure(settings: Settings, upstream: BrokenUpstream, **keys: object) -> None:
    settings.ORY_AUTH = {
        "SDK_URL": f"http://127.0.0.1:{upstream.port}",
        "SESSION_CACHE_SECONDS": 0,
        "TIMEOUT": TIMEOUT,
        "MAX_CONNECTIONS": 1,
        **keys,
    }


@pytest.fixture
def upstream(request: pytest.FixtureRequest, settings: Settings) -> Iterator[BrokenUpstream]:
    only = getattr(request, "param", ())
    with broken_upstream(PERSONS, seed=7, timeout=TIMEOUT, only=only) as server:
        configure(settings, server)
        yield server


def headers(person: Person) -> dict[str, str]:
    return {"X-Session-Token": person.token}


def verdict(person: Person, status: int, session: str | None) -> str:
    """What a page said to this person: their own session, nothing, an outage, or somebody else's session."""
    if status == 503:
        return "unavailable"
    return {person.session_id: "right", None: "signed out"}.get(session, "WRONG PERSON")


def ask(web: DualClient, person: Person) -> str:
    answer = web.get("/session" if web.kind == "wsgi" else "/asession", headers=headers(person))
    return verdict(person, answer.status_code, answer.json()["session"] if answer.status_code == 200 else None)


@pytest.mark.promise("Nobody gets the response to somebody else's request")
@pytest.mark.parametrize("upstream", [(name,) for name in BEHAVIOURS], ids=list(BEHAVIOURS), indirect=True)
def test_the_next_person_never_gets_the_response_of_the_one_before(web: DualClient, upstream: BrokenUpstream) -> None:
    """On one connection, one request directly after the other."""
    rng = random.Random(upstream.only[0])
    seen = Counter(ask(web, rng.choice(list(PERSONS.values()))) for _ in range(12))
    assert not seen["WRONG PERSON"], seen
    if upstream.only[0] in PROPER:
        assert seen == {"right": 12}


@pytest.mark.parametrize("upstream", [("proper",), ("informational",)], indirect=True)
def test_a_connection_is_used_again_after_a_proper_response(web: DualClient, upstream: BrokenUpstream) -> None:
    persons = list(PERSONS.values())
    assert [ask(web, person) for person in persons] == ["right"] * len(persons)
    assert upstream.connections == 1


@pytest.mark.promise("Nobody gets the response to somebody else's request")
@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_no_sequence_of_broken_responses_mixes_people_up(
    upstream: BrokenUpstream, settings: Settings, kind: str
) -> None:
    """Many people at once, over a few connections, with every behaviour drawn at random."""
    configure(settings, upstream, MAX_CONNECTIONS=3)
    seen: Counter[str] = Counter()
    if kind == "wsgi":
        with ThreadPoolExecutor(THREADS) as threads:
            for counted in threads.map(_ask_in_turn, range(THREADS)):
                seen += counted
    else:
        seen = async_to_sync(_ask_concurrently)()
    print(f"{kind}: {dict(seen)} over {upstream.connections} connections")
    assert not seen["WRONG PERSON"], seen
    assert seen["right"] > EXCHANGES / 20, seen
    if EXCHANGES >= 1000:
        assert set(upstream.drawn) == set(BEHAVIOURS)


def _ask_in_turn(thread: int) -> Counter[str]:
    web, rng = Client(), random.Random(thread)
    seen: Counter[str] = Counter()
    for _ in range(EXCHANGES // THREADS // 2):
        person = rng.choice(list(PERSONS.values()))
        answer = web.get("/session", headers=headers(person))
        seen[verdict(person, answer.status_code, answer.json()["session"] if answer.status_code == 200 else None)] += 1
    return seen


async def _ask_concurrently() -> Counter[str]:
    seen: Counter[str] = Counter()

    async def ask_in_turn(number: int) -> None:
        web, rng = AsyncClient(), random.Random(number)
        for _ in range(EXCHANGES // THREADS // 2):
            person = rng.choice(list(PERSONS.values()))
            answer = await web.get("/asession", headers=headers(person))
            session = answer.json()["session"] if answer.status_code == 200 else None
            seen[verdict(person, answer.status_code, session)] += 1

    await asyncio.gather(*(ask_in_turn(number) for number in range(THREADS)))
    return seen


@pytest.mark.parametrize("upstream", [("too late",)], indirect=True)
def test_a_request_that_is_cancelled_leaves_no_response_for_the_next_one(upstream: BrokenUpstream) -> None:
    ada, bob, *_ = PERSONS.values()

    async def ask_and_go() -> None:
        web = AsyncClient()
        going = asyncio.ensure_future(web.get("/asession", headers=headers(ada)))
        await asyncio.sleep(0.02)
        going.cancel()

    for _ in range(10):
        async_to_sync(ask_and_go)()
        assert ask(DualClient("wsgi"), bob) in {"right", "unavailable"}


def test_every_thread_of_the_server_ends(upstream: BrokenUpstream) -> None:
    """The fuzzer leaves nothing behind that could disturb other tests."""
    # Not the fuzzer's: a pool of asgiref's lives as long as the traceback of an error in it, and pytest keeps those.
    own = [thread for thread in threading.enumerate() if not thread.name.startswith("ThreadPoolExecutor")]
    assert len(own) < 30
