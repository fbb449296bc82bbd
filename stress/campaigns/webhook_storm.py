"""A storm of web hooks next to people who are signed in: true ones, forged ones, repeated ones, and lies.

What a hook says is true for some people: their session was ended at Ory, and afterwards no worker accepts it. For all
others it is not true, and they stay signed in.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import aiohttp

from stress.campaign import Figure, Result, campaign, common_figures
from stress.environment import Environment
from stress.load import Request, asend_all, client_session, for_seconds, send_all
from stress.oracle import SIGNED_OUT, Expected, Tally
from stress.servers import CreatedSession, Ory, Site

PER_SECOND = 1_000
SENDERS = 32  # hooks at once, which Ory limits, too
CLIENTS = 8
PEOPLE = 60
REVOKED = 20
TRIES = 20  # of a hook that must arrive
SECRET = "storm-" + "s" * 20
FORGED = "forged-" + "f" * 20
SEED = 20
SETTINGS = {"SESSION_CACHE_SECONDS": 60, "WEBHOOK_SECRETS": [SECRET]}
HOLDS_WHEN = "among 1,000 web hooks a second, people are served rightly, and only sessions that ended are refused"


@campaign("webhook-storm", 22, HOLDS_WHEN)
def webhook_storm(env: Environment) -> Result:
    people, leaving = env.people(PEOPLE), env.people(REVOKED)
    with env.sites(env.site_variables(ory_auth=SETTINGS)) as sites:
        send_all(_visits(sites, [*people, *leaving], len(sites) * 3), CLIENTS)  # create users, and fill the caches
        calm = send_all(for_seconds(env.scaled(3.0, 1.0), _visits(sites, people)), CLIENTS)
        storm = _Storm(sites, [*people, *leaving])
        tally = asyncio.run(_everything_at_once(storm, sites, people, leaving, env.ory, env.scaled(20.0, 4.0)))
        gone = send_all(_visits(sites, leaving, len(sites), expected=SIGNED_OUT), CLIENTS)
        tally.merge(gone)
        tally.merge(send_all(_visits(sites, people, len(sites)), CLIENTS))
    answers = storm.answers
    return Result(
        [
            *common_figures(tally),
            Figure("hooks", answers.total()),
            Figure("hooks a second", round(answers.total() / storm.seconds)),
            Figure("carried out", answers[204]),
            Figure("to be repeated", answers[503]),
            Figure("forged", answers[401]),
            Figure("other answers", answers.total() - answers[204] - answers[503] - answers[401], 0),
            Figure("forged ones accepted", storm.forged_accepted, 0),
            Figure("hooks that never arrived", storm.lost, 0),
            Figure("p50 of people", _milliseconds(tally, 0.5), unit="ms"),
            Figure("p99 of people", _milliseconds(tally, 0.99), unit="ms"),
            Figure("p99 without the storm", _milliseconds(calm, 0.99), unit="ms"),
        ],
        [*tally.examples, *storm.examples],
    )


async def _everything_at_once(
    storm: _Storm,
    sites: Sequence[Site],
    people: Sequence[CreatedSession],
    leaving: Sequence[CreatedSession],
    ory: Ory,
    seconds: float,
) -> Tally:
    """People visit the site while hooks arrive and sessions end."""
    visits = asend_all(for_seconds(seconds, _visits(sites, people)), CLIENTS)
    tally, *_ = await asyncio.gather(visits, storm.blow(seconds), storm.end_sessions(leaving, ory, seconds))
    return tally


def _visits(
    sites: Sequence[Site], people: Sequence[CreatedSession], each: int | None = None, expected: Expected | None = None
) -> Iterator[Request]:
    """Everybody in turn on both sites, for ever or so many times ``each``."""
    pages = [f"{site.url}{page}" for site, page in zip(sites, ("/who", "/awho"), strict=True)]
    rounds = itertools.count() if each is None else range(each)
    for number in rounds:
        for one in people:
            headers = (one.by_token, one.by_bearer, one.by_cookie)[number // len(pages) % 3]
            yield Request(pages[number % len(pages)], headers, expected or Expected(one.identity, one.email))


def _milliseconds(tally: Tally, share: float) -> int:
    return round(tally.percentile(share) * 1000)


# ---- the hooks


@dataclass(frozen=True)
class _Hook:
    path: str
    body: str = field(repr=False)
    secret: str = field(default=SECRET, repr=False)
    trigger: str = ""


class _Storm:
    """Sends hooks about these people, and counts the answers by their status."""

    def __init__(self, sites: Sequence[Site], people: Sequence[CreatedSession]) -> None:
        self._urls = [site.url for site in sites]
        self._people = people
        self._chance = random.Random(SEED)
        self.answers: Counter[int] = Counter()
        self.seconds = 1.0
        self.forged_accepted = self.lost = 0
        self.examples: list[str] = []

    async def blow(self, seconds: float) -> None:
        started, hooks = time.monotonic(), enumerate(_for_seconds(seconds, self._hooks()))
        async with client_session(SENDERS, "127.0.1.1") as session:

            async def sender() -> None:
                for number, hook in hooks:
                    await asyncio.sleep(max(started + number / PER_SECOND - time.monotonic(), 0))
                    await self._send(session, hook)

            await asyncio.gather(*(sender() for _ in range(SENDERS)))
        self.seconds = time.monotonic() - started

    async def end_sessions(self, leaving: Sequence[CreatedSession], ory: Ory, seconds: float) -> None:
        """End sessions at Ory one by one, and tell the site, as often as it asks for another try."""
        async with client_session(len(leaving), "127.0.1.2") as session:
            for given in leaving:
                await asyncio.sleep(seconds / len(leaving) / 2)
                async with session.delete(f"{ory.admin_url}/admin/sessions/{given.session}") as answer:
                    assert answer.status == 204, answer.status
                hook = _event("SessionRevoked", SessionID=given.session, IdentityID=given.identity)
                for _ in range(TRIES):
                    if await self._send(session, hook) == 204:
                        break
                    await asyncio.sleep(0.2)
                else:
                    self.lost += 1

    def _hooks(self) -> Iterator[_Hook]:
        """Hooks about people to whom nothing has happened, some of them repeated, forged or unreadable."""
        while True:
            one = self._chance.choice(self._people)
            notice = json.dumps(
                {"flow": {"id": str(uuid.uuid4()), "type": "browser"}, "identity": {"id": one.identity}}
            )
            hook = _Hook("?after=settings", notice, trigger=str(uuid.uuid4()))
            yield hook
            match self._chance.randrange(8):
                case 0:
                    yield hook  # the second try of Ory
                case 1:
                    yield _Hook("?after=settings", notice, FORGED, str(uuid.uuid4()))
                case 2:
                    yield _event("SessionRevoked", SessionID=one.session, IdentityID=one.identity)
                case 3:
                    yield _event("IdentityDeleted", IdentityID=one.identity)
                case 4:
                    yield _event("IdentityUpdated", IdentityID=str(uuid.uuid4()))

    async def _send(self, session: aiohttp.ClientSession, hook: _Hook) -> int:
        headers = {"Authorization": f"Bearer {hook.secret}", "Content-Type": "application/json"}
        if hook.trigger:
            headers["Ory-Webhook-Trigger-Id"] = hook.trigger
        url = f"{self._chance.choice(self._urls)}/auth/webhook{hook.path}"
        try:
            async with session.post(url, data=hook.body, headers=headers) as answer:
                status = answer.status
                await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            status = 0
            self.examples.append(f"{type(error).__name__} for a hook")
        self.answers[status] += 1
        self.forged_accepted += hook.secret == FORGED and status != 401
        if status not in (204, 401, 503) and len(self.examples) < 5:
            self.examples.append(f"{status} for a hook {hook.path or hook.body[:40]}")
        return status


def _event(name: str, **attributes: str) -> _Hook:
    """A live event of Ory Network."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return _Hook("", json.dumps({"name": name, "timestamp": moment, "eventAttributes": attributes}))


def _for_seconds(seconds: float, hooks: Iterator[_Hook]) -> Iterator[_Hook]:
    end = time.monotonic() + seconds
    return itertools.takewhile(lambda _: time.monotonic() < end, hooks)
