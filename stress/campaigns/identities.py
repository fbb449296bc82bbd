"""The identity mix: many people on shared connections, several credentials in one request, people who switch,
clients that hang up, workers that are killed; every answer is about the person whose credential counts.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from stress.campaign import Figure, Result, campaign, figures
from stress.environment import Environment
from stress.load import Ask, load
from stress.oracle import Expected
from stress.servers import Given, Site

CLIENTS = 50
SETTINGS = {"LOCAL_CACHE_SECONDS": 30, "USER_CACHE_SECONDS": 30}  # every tier there is
SEED = 4
PAGES = (("/who", "/session", "/guarded", "/django-guarded", "/api/who"), ("/awho", "/asession", "/aguarded"))
CANCELLED = 0.02  # share of the requests whose client hangs up
KILLED_EVERY = 20.0  # seconds


@campaign("identities", 2, "nobody is ever shown as somebody else, or as nobody: 0 mismatches")
def identities(stage: Environment) -> Result:
    people = stage.people(stage.scaled(500, 100), sessions=2)
    chance = random.Random(SEED)
    with stage.sites(stage.environment(ory_auth=SETTINGS)) as sites:
        asks = _asks(stage.scaled(100_000, 1_500), people, sites, chance)
        with _killing(sites, stage.scaled(KILLED_EVERY, 2.0), chance) as killed:
            tally = load(asks, CLIENTS)
    return Result([*figures(tally), Figure("killed workers", len(killed))], tally.examples)


@dataclass(frozen=True)
class _Sent:
    """Headers, and whose session they prove by the fixed order (``None``: nobody's)."""

    headers: dict[str, str]
    who: Given | None
    or_503: bool = False


def _asks(count: int, people: Sequence[Given], sites: Sequence[Site], chance: random.Random) -> Iterator[Ask]:
    kinds, weights = list(KINDS), list(KINDS.values())
    for _ in range(count):
        which = chance.randrange(2)
        sent = chance.choices(kinds, weights)[0](chance.choice(people), chance.choice(people), chance)
        who = sent.who
        expected = Expected(
            who.identity if who else None, who.email if who else None, or_503=sent.or_503, may_break=True
        )
        cancel = chance.uniform(0, 0.05) if chance.random() < CANCELLED else None
        yield Ask(sites[which].url + chance.choice(PAGES[which]), sent.headers, expected, cancel_after=cancel)


# ---- what people send: one and another person, who sit at the same browser


def _token(one: Given, _other: Given, _chance: random.Random) -> _Sent:
    return _Sent(one.by_token, one)


def _bearer(one: Given, _other: Given, _chance: random.Random) -> _Sent:
    return _Sent(one.by_bearer, one)


def _cookie(one: Given, _other: Given, _chance: random.Random) -> _Sent:
    return _Sent(one.by_cookie, one)


def _cookie_among_others(one: Given, other: Given, _chance: random.Random) -> _Sent:
    theirs = other.cookie.partition("=")[2]
    crowd = f"csrftoken={'x' * 32}; ory_kratos_session_other={theirs}; {one.cookie}; not_ory_kratos_session={theirs}"
    return _Sent({"Cookie": crowd}, one)


def _token_and_cookie(one: Given, other: Given, _chance: random.Random) -> _Sent:
    return _Sent({**one.by_token, **other.by_cookie}, one)


def _cookie_and_bearer(one: Given, other: Given, _chance: random.Random) -> _Sent:
    return _Sent({**one.by_cookie, **other.by_bearer}, one)


def _all_three(one: Given, other: Given, _chance: random.Random) -> _Sent:
    return _Sent({**one.by_token, **other.by_cookie, **other.by_bearer}, one)


def _cookie_and_foreign_bearer(one: Given, _other: Given, _chance: random.Random) -> _Sent:
    return _Sent({**one.by_cookie, "Authorization": "Bearer e30.e30.x"}, one)


def _bad_token_and_cookie(_one: Given, other: Given, chance: random.Random) -> _Sent:
    """No fallback to the next. Never good, so it may be one of too many."""
    return _Sent({"X-Session-Token": f"ory_st_{chance.getrandbits(128):032x}", **other.by_cookie}, None, or_503=True)


def _malformed_token_and_cookie(_one: Given, other: Given, _chance: random.Random) -> _Sent:
    return _Sent({"X-Session-Token": "ory_st_ü", **other.by_cookie}, None)


def _foreign_headers(_one: Given, other: Given, _chance: random.Random) -> _Sent:
    """What a proxy of Ory's would say, from somebody who is no such proxy."""
    return _Sent({"X-Kratos-Authenticated-Identity-Id": other.identity, "X-User": other.identity}, None)


def _nothing(_one: Given, _other: Given, _chance: random.Random) -> _Sent:
    return _Sent({}, None)


KINDS: dict[Callable[[Given, Given, random.Random], _Sent], int] = {
    _token: 20,
    _bearer: 15,
    _cookie: 25,
    _cookie_among_others: 8,
    _token_and_cookie: 8,
    _cookie_and_bearer: 8,
    _all_three: 4,
    _cookie_and_foreign_bearer: 4,
    _bad_token_and_cookie: 1,
    _malformed_token_and_cookie: 2,
    _foreign_headers: 2,
    _nothing: 3,
}
"""How often each comes, in percent."""


@contextmanager
def _killing(sites: Sequence[Site], every: float, chance: random.Random) -> Iterator[list[int]]:
    """Meanwhile a worker of either site is killed every so many seconds; gives the pids."""
    killed: list[int] = []
    done = threading.Event()

    def kill() -> None:
        while not done.wait(every):
            site = sites[len(killed) % len(sites)]
            if len(site.pids) == site.workers:  # one stays, to answer
                killed.append(chance.choice(site.pids))
                with suppress(ProcessLookupError):
                    os.kill(killed[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    try:
        yield killed
    finally:
        done.set()
        killer.join()
