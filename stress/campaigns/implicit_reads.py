"""A log handler and signal receivers read ``request.user`` at every line and signal of a request.

Requests come one by one, so the calls, events and seconds of each can be counted.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from stress.campaign import Figure, Result, campaign, common_figures
from stress.environment import Environment
from stress.faults import Fault
from stress.load import Request, client_session, send
from stress.oracle import SIGNED_OUT, Expected, Tally
from stress.proxy import Proxy
from stress.servers import CreatedSession

TIMEOUT = 0.5  # seconds, of ORY_AUTH
LIMIT = TIMEOUT + 0.2  # seconds for a response
SETTINGS = {"TIMEOUT": TIMEOUT, "SESSION_CACHE_SECONDS": 0}
FAULTS = (Fault.ERROR_500, Fault.HANG, Fault.HTML, Fault.RESET, Fault.TRUNCATED)
SETTLED = 0.1  # seconds after which a response's last line is in the log
SHARE = 0.95  # of the responses must come in time: a busy machine delays one now and then
EVENT = re.compile(r"[A-Z] ory_auth (?!breaker_)([a-z_]+)")
RAISED = re.compile(r" stress\.implicit_reads .* raised (\w+)")
NOBODY_AT_SIGNAL = "stress.implicit_reads signal saw user None"
SEED = 15
HOLDS_WHEN = (
    "a log handler may read request.user: one whoami and one event per request, response within TIMEOUT + 0.2 s"
)


@campaign("implicit-reads", 15, HOLDS_WHEN)
def implicit_reads(env: Environment) -> Result:
    rounds = env.scaled(10, 1)
    with env.proxy() as proxy:
        variables = env.site_variables(ory_auth=SETTINGS, proxy=proxy, SITE_IMPLICIT_READS="1")
        with env.sites(variables, workers=1) as (wsgi, asgi):
            pages = [f"{wsgi.url}/who", f"{asgi.url}/awho"]
            scenario = _OneByOne(proxy, Path(variables["SITE_LOG"]), env.people(2), pages)
            asyncio.run(scenario.meet_the_known())
            for _ in range(rounds):
                asyncio.run(scenario.run(env.people(2)))
    return scenario.result()


class _OneByOne:
    def __init__(self, proxy: Proxy, log: Path, known: Sequence[CreatedSession], pages: Sequence[str]) -> None:
        self._proxy, self._log, self._known, self._pages = proxy, log, known, pages
        self._chance = random.Random(SEED)
        self._most_calls = self._most_events = self._reads = self._nobody_at_signal = 0
        self._raised: list[str] = []
        self._examples: list[str] = []
        self._tally = Tally()

    async def meet_the_known(self) -> None:
        """Send the first requests, which log sign-ins, and which a site that has just started answers slowly."""
        requests = [
            Request(page, one.by_token, Expected(one.identity, one.email, or_503=True))
            for page in self._pages
            for one in [*self._known, *self._known]
        ]
        async with client_session(1) as session:
            for request in requests:
                await send(session, request, Tally())

    async def run(self, new: Sequence[CreatedSession]) -> None:
        """Expired and odd credentials, new people, then each outage."""
        ada, bob = self._known
        for page in self._pages:
            for _ in range(2):
                await self._request(
                    page, {"Cookie": f"ory_kratos_session=MT{self._chance.getrandbits(900):x}"}, SIGNED_OUT
                )
                await self._request(page, {"X-Session-Token": f"ory_st_{self._chance.getrandbits(190):x}"}, SIGNED_OUT)
            await self._request(page, {"X-Session-Token": "\xff"}, SIGNED_OUT)
            await self._request(page, {**ada.by_token, **bob.by_cookie}, Expected(ada.identity, ada.email))
        for page, one in zip(self._pages, new, strict=True):
            await self._request(page, one.by_cookie, Expected(one.identity, one.email))
        for fault in FAULTS:
            self._proxy.set_fault(fault)
            for page in self._pages:
                await self._request(page, ada.by_token, Expected(ada.identity, ada.email, or_503=True))
                await self._request(page, {"X-Session-Token": "ory_st_unknown"}, Expected(or_503=True))
            self._proxy.set_fault(Fault.PASS)
            for page in self._pages:  # so that no circuit breaker is open for the next fault
                await self._request(page, ada.by_token, Expected(ada.identity, ada.email, or_503=True))

    async def _request(self, page: str, headers: Mapping[str, str], expected: Expected) -> None:
        self._proxy.reset_recorded()
        begin = self._log.stat().st_size
        async with client_session(1) as session:
            await send(session, Request(page, dict(headers), expected), self._tally)
        await asyncio.sleep(SETTLED)
        with self._log.open() as log:
            log.seek(begin)
            lines = log.read()
        calls, events = self._proxy.recorded.whoami.total(), EVENT.findall(lines)
        self._most_calls, self._most_events = max(self._most_calls, calls), max(self._most_events, len(events))
        if calls > 1 or len(events) > 1:
            self._examples.append(f"{page[-5:]} during {self._proxy.fault}: {calls} × whoami, {' '.join(events)}")
        self._reads += lines.count(" stress.implicit_reads ")
        self._nobody_at_signal += lines.count(NOBODY_AT_SIGNAL)
        self._raised += RAISED.findall(lines)

    def result(self) -> Result:
        measured = [
            Figure("reads", self._reads),
            Figure("that raised", len(self._raised), 0),
            Figure("that saw no user at a sign-in", self._nobody_at_signal, 0),
            Figure("whoami for a request", self._most_calls, 1),
            Figure("events for a request", self._most_events, 1),
            Figure(f"p{SHARE * 100:.0f}", self._tally.percentile(SHARE), LIMIT, "s"),
            Figure("slowest", max(self._tally.seconds), unit="s"),
        ]
        raised = [f"a reader got {name}" for name in sorted(set(self._raised))]
        return Result([*common_figures(self._tally), *measured], self._tally.examples + self._examples[:5] + raised)
