"""A server or proxy in front of Ory breaks HTTP in every way, and nobody gets another person's session.

Nothing is cached, so every request is an exchange, over three connections of each process. Some clients hang up early.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from stress import servers
from stress.campaign import Figure, Result, campaign, common_figures
from stress.environment import Environment
from stress.load import Request, send_all
from stress.oracle import Expected, Tally, Verdict
from stress.servers import Site
from tests.support.broken_upstream import BEHAVIOURS, BrokenUpstream, Person, broken_upstream, people

TIMEOUT = 0.15  # seconds, of ORY_AUTH
SETTINGS = {"TIMEOUT": TIMEOUT, "SESSION_CACHE_SECONDS": 0, "REFUSED_CACHE_SECONDS": 0, "MAX_CONNECTIONS": 3}
PEOPLE = 60
WORKERS = 4  # of each site, in the full form: most of the time is spent waiting
CLIENTS_PER_WORKER = 5  # a few more than there are connections
HANGS_UP = 0.03  # share of the requests whose client hangs up
LEAST_RIGHT = 5.0  # percent of the requests that have to show the person, or the campaign shows nothing
SEED = 12
PAGES = (("/session", "/who", "/fresh"), ("/asession", "/awho", "/afresh"))
WEIGHTS = (8, 1, 1)


@campaign("broken-upstream", 12, "100,000 exchanges with an Ory that breaks HTTP in every way: 0 sessions of others")
def broken(env: Environment) -> Result:
    tally = Tally()
    measured = [*_every_way(env, tally), _early_hints(env, tally)]
    return Result([*common_figures(tally), *measured], tally.examples)


def _every_way(env: Environment, tally: Tally) -> list[Figure]:
    """A server in place of Ory breaks HTTP in a different way each time."""
    exchanges, workers = env.scaled(100_000, 3_000), env.scaled(WORKERS, 2)
    persons = people(PEOPLE)
    with broken_upstream(persons, SEED, TIMEOUT) as upstream:
        variables = {
            **env.site_variables(ory_auth=SETTINGS),
            "SITE_ORY_URL": f"http://127.0.0.1:{upstream.port}",
        }
        with env.sites(variables, workers, CLIENTS_PER_WORKER) as sites:
            requests = itertools.takewhile(
                lambda _: _exchanges(upstream) < exchanges, _requests(sites, list(persons.values()))
            )
            during = send_all(requests, 2 * workers * CLIENTS_PER_WORKER)
    tally.merge(during)
    right = 100 * during.verdicts[Verdict.RIGHT] / max(during.requests, 1)
    return [
        Figure("exchanges", _exchanges(upstream)),
        Figure("connections", upstream.connections),
        Figure("right or nobody", right, unit="%"),
        Figure("too few of them", int(right < LEAST_RIGHT), 0),
        Figure("ways not tried", len(BEHAVIOURS.keys() - upstream.drawn.keys()), 0),
    ]


def _early_hints(env: Environment, tally: Tally) -> Figure:
    """HAProxy sends 103 Early Hints before each response of Ory, and everybody gets their own session."""
    given = env.people(PEOPLE)
    ory = urlsplit(env.ory.public_url)
    assert ory.port
    settings = {**SETTINGS, "TIMEOUT": 3.0}
    with servers.haproxy(ory.port) as proxy:
        variables = {**env.site_variables(ory_auth=settings), "SITE_ORY_URL": proxy.url}
        with env.sites(variables, 1, CLIENTS_PER_WORKER) as sites:
            pages = [site.url + pages[1] for site, pages in zip(sites, PAGES, strict=True)]
            requests = [
                Request(page, one.by_token, Expected(one.identity, one.email)) for one in given for page in pages
            ]
            tally.merge(send_all(requests * env.scaled(20, 2), 2 * CLIENTS_PER_WORKER))
    return Figure("behind a proxy that sends early hints", len(requests) * env.scaled(20, 2))


def _exchanges(upstream: BrokenUpstream) -> int:
    return sum(list(upstream.drawn.values()))


def _requests(sites: Sequence[Site], persons: Sequence[Person]) -> Iterator[Request]:
    """Endless requests of anybody for any page: the own session, signed out or a 503 is right."""
    chance = random.Random(SEED)
    for number in itertools.count():
        one, which = chance.choice(persons), number % 2
        [page] = chance.choices(PAGES[which], WEIGHTS)
        expected = Expected(one.identity_id, f"p{one.number}@example.org", or_signed_out=True, or_503=True)
        hangs_up = chance.uniform(0, TIMEOUT) if chance.random() < HANGS_UP else None
        yield Request(sites[which].url + page, {"X-Session-Token": one.token}, expected, cancel_after=hangs_up)
