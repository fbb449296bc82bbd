"""During every fault of Ory's port, responses are 503 in time and never signed out; afterwards all is soon normal.

Sessions are not cached, so every request asks Ory: gunicorn's workers by http, uvicorn's by https.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stress.campaign import Figure, Result, campaign, common_figures
from stress.environment import Environment
from stress.faults import Fault
from stress.load import Request, client_session, send, send_all
from stress.oracle import SIGNED_OUT, Expected, Tally, Verdict
from stress.proxy import Proxy
from stress.servers import CreatedSession

TIMEOUT = 0.5  # seconds, of ORY_AUTH
LIMIT = TIMEOUT + 0.2  # seconds for a response
CLIENTS = 10  # at each site
PEOPLE = 120
NORMAL = 40  # right responses in a row that count as "back to normal"; half as many in the short form
BACK = 5.0  # seconds until then
TLS = frozenset({Fault.TLS_PLAIN, Fault.TLS_SELF_SIGNED})
HOLDS_WHEN = "whatever Ory's port does: 503 within TIMEOUT + 0.2 s, nobody is signed out, back to normal ≤ 5 s after"


@campaign("outages", 1, HOLDS_WHEN)
def outages(env: Environment) -> Result:
    settings = {"TIMEOUT": TIMEOUT, "SESSION_CACHE_SECONDS": 0}
    with env.proxy() as proxy:
        http = env.site_variables(ory_auth=settings, proxy=proxy)
        https = {**http, "SITE_ORY_URL": proxy.tls_url}
        with env.site("gunicorn", http, threads=2 * CLIENTS) as wsgi, env.site("uvicorn", https) as asgi:
            matrix = _Matrix(env, proxy, [f"{wsgi.url}/who", f"{asgi.url}/awho"])
            matrix.meet_everybody()
            for fault in Fault:
                if fault is not Fault.PASS:
                    matrix.run(fault)
    return matrix.result()


class _Matrix:
    """One row for each fault."""

    def __init__(self, env: Environment, proxy: Proxy, pages: Sequence[str]) -> None:
        self._proxy, self._pages, self._people = proxy, pages, env.people(PEOPLE)
        self._requests = env.scaled(2000, 40)
        self._normal = env.scaled(NORMAL, NORMAL // 2)
        self._share = env.scaled(0.99, 0.95)  # one of forty requests may be late on a busy machine
        self._may_repeat = env.short  # in the short form, only a fault that is late twice counts
        self._during, self._after = Tally(), Tally()
        self._again = 0
        self._rows: list[dict[str, Any]] = []

    def meet_everybody(self) -> None:
        """Create the users, which this campaign does not test."""
        send_all(itertools.islice(_requests(self._pages, self._people), 2 * PEOPLE), 2)

    def run(self, fault: Fault) -> None:
        """Cause the fault under load, and end it. The times of the last run count, the responses of each."""
        during, row = self._run(fault)
        if _late(row) and self._may_repeat:
            self._again += 1
            during.seconds.clear()
            self._during.merge(during)
            during, row = self._run(fault)
        self._during.merge(during)
        self._rows.append(row)

    def _run(self, fault: Fault) -> tuple[Tally, dict[str, Any]]:
        pages = self._pages[1:] if fault in TLS else self._pages
        self._proxy.set_fault(fault)
        during = send_all(itertools.islice(_requests(pages, self._people), self._requests), CLIENTS * len(pages))
        self._proxy.set_fault(Fault.PASS)
        back = asyncio.run(_back_to_normal(_requests(pages, self._people), self._after, self._normal))
        verdicts = {str(verdict): count for verdict, count in during.verdicts.items()}
        slowest = round(during.percentile(self._share), 3)
        return during, {"fault": fault, "slowest": slowest, "back_to_normal": round(back, 2), **verdicts}

    def result(self) -> Result:
        p99 = self._during.percentile(0.99)
        self._during.merge(self._after)
        measured = [
            *common_figures(self._during),
            Figure("faults", len(self._rows)),
            Figure("run again", self._again),
            Figure("p99", p99, LIMIT, "s"),
            Figure(f"p{self._share * 100:.0f} of the slowest", max(row["slowest"] for row in self._rows), LIMIT, "s"),
            Figure("back to normal", max(row["back_to_normal"] for row in self._rows), BACK, "s"),
        ]
        late = [
            f"{row['fault']}: {row['slowest']} s, back after {row['back_to_normal']} s"
            for row in self._rows
            if _late(row)
        ]
        return Result(measured, self._during.examples + late, self._rows)


def _late(row: Mapping[str, Any]) -> bool:
    return bool(row["slowest"] > LIMIT or row["back_to_normal"] > BACK)


def _requests(pages: Sequence[str], people: Sequence[CreatedSession]) -> Iterator[Request]:
    """Endless requests of everybody in turn; one in 21 has no credential, and must get the public page."""
    for number, one in enumerate(itertools.cycle(people)):
        page = pages[number % len(pages)]
        headers = (one.by_token, one.by_bearer, one.by_cookie)[number // 2 % 3]
        known = Request(page, headers, Expected(one.identity, one.email, or_503=True))
        yield known if number % 21 else Request(page, expected=SIGNED_OUT)


async def _back_to_normal(requests: Iterator[Request], tally: Tally, normal: int) -> float:
    """Seconds until the last response that was not normal."""
    began = last = time.monotonic()
    right = 0
    async with client_session(1) as session:
        while right < normal and last - began < BACK * 2:
            verdict = await send(session, next(requests), tally)
            right = right + 1 if verdict is Verdict.RIGHT else 0
            last = last if right else time.monotonic()
    return last - began
