"""Nobody is shown as another person or as signed out.

Many people on shared connections, several credentials in one request, people who switch accounts, clients that hang up,
workers that are killed.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from stress.background import repeating
from stress.campaign import Figure, Result, campaign, common_figures
from stress.environment import Environment
from stress.load import Request, send_all
from stress.oracle import Expected
from stress.servers import CreatedSession, Site

CLIENTS = 50
SETTINGS = {"LOCAL_CACHE_SECONDS": 30, "USER_CACHE_SECONDS": 30}  # all caches
SEED = 4
PAGES = (("/who", "/session", "/guarded", "/django-guarded", "/api/who"), ("/awho", "/asession", "/aguarded"))
CANCELLED = 0.02  # share of the requests whose client hangs up
KILLED_EVERY = 20.0  # seconds


@campaign("identities", 2, "nobody is ever shown as somebody else, or as nobody: 0 mismatches")
def identities(env: Environment) -> Result:
    people = env.people(env.scaled(500, 100), sessions=2)
    chance = random.Random(SEED)
    with env.sites(env.site_variables(ory_auth=SETTINGS)) as sites:
        requests = _requests(env.scaled(100_000, 1_500), people, sites, chance)
        with _killing(sites, env.scaled(KILLED_EVERY, 2.0), chance) as killed:
            tally = send_all(requests, CLIENTS)
    return Result([*common_figures(tally), Figure("killed workers", len(killed))], tally.examples)


@dataclass(frozen=True)
class _Sent:
    """Headers, and whose session they prove (``None``: no one's)."""

    headers: dict[str, str]
    who: CreatedSession | None
    or_503: bool = False


def _requests(
    count: int, people: Sequence[CreatedSession], sites: Sequence[Site], chance: random.Random
) -> Iterator[Request]:
    kinds, weights = list(KINDS), list(KINDS.values())
    for _ in range(count):
        which = chance.randrange(2)
        sent = chance.choices(kinds, weights)[0](chance.choice(people), chance.choice(people), chance)
        who = sent.who
        expected = Expected(
            who.identity if who else None, who.email if who else None, or_503=sent.or_503, may_break=True
        )
        cancel = chance.uniform(0, 0.05) if chance.random() < CANCELLED else None
        yield Request(sites[which].url + chance.choice(PAGES[which]), sent.headers, expected, cancel_after=cancel)


# ---- what two people send who use the same browser


def _token(one: CreatedSession, _other: CreatedSession, _chance: random.Random) -> _Sent:
    return _Sent(one.by_token, one)


def _bearer(one: CreatedSession, _other: CreatedSession, _chance: random.Random) -> _Sent:
    return _Sent(one.by_bearer, one)


def _cookie(one: CreatedSession, _other: CreatedSession, _chance: random.Random) -> _Sent:
    return _Sent(one.by_cookie, one)


def _cookie_among_others(one: CreatedSession, other: CreatedSession, _chance: random.Random) -> _Sent:
    theirs = other.cookie.partition("=")[2]
    crowd = f"csrftoken={'x' * 32}; ory_kratos_session_other={theirs}; {one.cookie}; not_ory_kratos_session={theirs}"
    return _Sent({"Cookie": crowd}, one)


def _token_and_cookie(one: CreatedSession, other: CreatedSession, _chance: random.Random) -> _Sent:
    return _Sent({**one.by_token, **other.by_cookie}, one)


def _cookie_and_bearer(one: CreatedSession, other: CreatedSession, _chance: random.Random) -> _Sent:
    return _Sent({**one.by_cookie, **other.by_bearer}, one)


def _all_three(one: CreatedSession, other: CreatedSession, _chance: random.Random) -> _Sent:
    return _Sent({**one.by_token, **other.by_cookie, **other.by_bearer}, one)


def _cookie_and_foreign_bearer(one: CreatedSession, _other: CreatedSession, _chance: random.Random) -> _Sent:
    return _Sent({**one.by_cookie, "Authorization": "Bearer e30.e30.x"}, one)


def _bad_token_and_cookie(_one: CreatedSession, other: CreatedSession, chance: random.Random) -> _Sent:
    """The next credential is not tried. The token was never valid, so it may exceed a limit."""
    return _Sent({"X-Session-Token": f"ory_st_{chance.getrandbits(128):032x}", **other.by_cookie}, None, or_503=True)


def _malformed_token_and_cookie(_one: CreatedSession, other: CreatedSession, _chance: random.Random) -> _Sent:
    return _Sent({"X-Session-Token": "ory_st_ü", **other.by_cookie}, None)


def _foreign_headers(_one: CreatedSession, other: CreatedSession, _chance: random.Random) -> _Sent:
    """The headers of an authenticating proxy, from a client that is not one."""
    return _Sent({"X-Kratos-Authenticated-Identity-Id": other.identity, "X-User": other.identity}, None)


def _nothing(_one: CreatedSession, _other: CreatedSession, _chance: random.Random) -> _Sent:
    return _Sent({}, None)


KINDS: dict[Callable[[CreatedSession, CreatedSession, random.Random], _Sent], int] = {
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
    """In a ``with`` block, kill a worker of either site every so many seconds; yields the pids."""
    killed: list[int] = []

    def kill() -> None:
        site = sites[len(killed) % len(sites)]
        if len(site.pids) == site.workers:  # the other one stays
            killed.append(chance.choice(site.pids))
            with suppress(ProcessLookupError):
                os.kill(killed[-1], signal.SIGKILL)

    with repeating(kill, every):
        yield killed
