"""The outage matrix: whatever Ory's port does, it is 503 in time and never "signed out", and soon over.

Sessions are not cached, so every request asks Ory: gunicorn's workers over http, uvicorn's over https.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stress.campaign import Figure, Result, campaign, figures
from stress.environment import Environment
from stress.faults import Fault
from stress.load import Ask, browser, load, send
from stress.oracle import NOBODY, Expected, Tally, Verdict
from stress.proxy import Proxy
from stress.servers import Given

TIMEOUT = 0.5  # seconds, of ORY_AUTH
LIMIT = TIMEOUT + 0.2  # seconds within which an answer has to be there
CLIENTS = 10  # at each site
PEOPLE = 120
NORMAL = 40  # right answers one after the other that count as "back to normal"; half as many in the short form
BACK = 5.0  # seconds within which it has to be
TLS = frozenset({Fault.TLS_PLAIN, Fault.TLS_SELF_SIGNED})
HOLDS_WHEN = "whatever Ory's port does: 503 within TIMEOUT + 0.2 s, nobody is signed out, back to normal ≤ 5 s after"


@campaign("outages", 1, HOLDS_WHEN)
def outages(stage: Environment) -> Result:
    settings = {"TIMEOUT": TIMEOUT, "SESSION_CACHE_SECONDS": 0}
    with stage.proxy() as proxy:
        http = stage.environment(ory_auth=settings, proxy=proxy)
        https = {**http, "SITE_ORY_URL": proxy.tls_url}
        with stage.site("gunicorn", http, threads=2 * CLIENTS) as wsgi, stage.site("uvicorn", https) as asgi:
            matrix = _Matrix(stage, proxy, [f"{wsgi.url}/who", f"{asgi.url}/awho"])
            matrix.meet_everybody()
            for fault in Fault:
                if fault is not Fault.PASS:
                    matrix.play(fault)
    return matrix.result()


class _Matrix:
    """One row for each fault."""

    def __init__(self, stage: Environment, proxy: Proxy, pages: Sequence[str]) -> None:
        self._proxy, self._pages, self._people = proxy, pages, stage.people(PEOPLE)
        self._requests = stage.scaled(2000, 40)
        self._normal = stage.scaled(NORMAL, NORMAL // 2)
        self._share = stage.scaled(0.99, 0.95)  # of forty requests, one that a busy machine held up is one too many
        self._may_repeat = stage.short  # there, what is late has to be so twice in a row
        self._during, self._after = Tally(), Tally()
        self._again = 0
        self._rows: list[dict[str, Any]] = []

    def meet_everybody(self) -> None:
        """Users are made at the first sign-in, which is not what is tried here."""
        load(itertools.islice(_asks(self._pages, self._people), 2 * PEOPLE), 2)

    def play(self, fault: Fault) -> None:
        """The fault under load, and its end; the times of the last play count, the answers of each."""
        during, row = self._play(fault)
        if _late(row) and self._may_repeat:
            self._again += 1
            during.seconds.clear()
            self._during.merge(during)
            during, row = self._play(fault)
        self._during.merge(during)
        self._rows.append(row)

    def _play(self, fault: Fault) -> tuple[Tally, dict[str, Any]]:
        pages = self._pages[1:] if fault in TLS else self._pages
        self._proxy.switch(fault)
        during = load(itertools.islice(_asks(pages, self._people), self._requests), CLIENTS * len(pages))
        self._proxy.switch(Fault.PASS)
        back = asyncio.run(_back_to_normal(_asks(pages, self._people), self._after, self._normal))
        verdicts = {str(verdict): count for verdict, count in during.verdicts.items()}
        slowest = round(during.within(self._share), 3)
        return during, {"fault": fault, "slowest": slowest, "back_to_normal": round(back, 2), **verdicts}

    def result(self) -> Result:
        p99 = self._during.within(0.99)
        self._during.merge(self._after)
        told = [
            *figures(self._during),
            Figure("faults", len(self._rows)),
            Figure("played again", self._again),
            Figure("p99", p99, LIMIT, "s"),
            Figure(f"p{self._share * 100:.0f} of the slowest", max(row["slowest"] for row in self._rows), LIMIT, "s"),
            Figure("back to normal", max(row["back_to_normal"] for row in self._rows), BACK, "s"),
        ]
        late = [
            f"{row['fault']}: {row['slowest']} s, back after {row['back_to_normal']} s"
            for row in self._rows
            if _late(row)
        ]
        return Result(told, self._during.examples + late, self._rows)


def _late(row: Mapping[str, Any]) -> bool:
    return bool(row["slowest"] > LIMIT or row["back_to_normal"] > BACK)


def _asks(pages: Sequence[str], people: Sequence[Given]) -> Iterator[Ask]:
    """For ever everybody in turn; one in 21 comes without a credential, and has to get the public page."""
    for number, one in enumerate(itertools.cycle(people)):
        page = pages[number % len(pages)]
        headers = (one.by_token, one.by_bearer, one.by_cookie)[number // 2 % 3]
        known = Ask(page, headers, Expected(one.identity, one.email, or_503=True))
        yield known if number % 21 else Ask(page, expected=NOBODY)


async def _back_to_normal(asks: Iterator[Ask], tally: Tally, normal: int) -> float:
    """Seconds until the last answer that was not yet normal; so many in a row are enough."""
    began = last = time.monotonic()
    right = 0
    async with browser(1) as session:
        while right < normal and last - began < BACK * 2:
            verdict = await send(session, next(asks), tally)
            right = right + 1 if verdict is Verdict.RIGHT else 0
            last = last if right else time.monotonic()
    return last - began
