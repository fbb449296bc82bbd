"""Header lines in raw bytes through real sockets: nothing breaks, and nothing leaks to Ory.

A proxy in front of Ory checks that only the one credential of a request reaches it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from stress.campaign import Figure, Result, campaign, common_figures
from stress.campaigns.hostile_bytes import CREDENTIAL, STRANGER, Hostile, hostile_requests
from stress.environment import Environment
from stress.oracle import Tally, Verdict
from stress.raw_http import RawConnection, RawResponse
from stress.recorded_requests import RecordedRequests
from stress.servers import CreatedSession, Site

COUNT = 50_000  # headers and cookies
CLIENTS = 16
PAGES = (
    (
        "/who",
        "/guarded",
        "/session",
        "/api/who",
        "/greeting",
        "/auth/login",
        "/auth/settings?flow=%00",
        "/auth/error?id=x",
    ),
    ("/awho", "/aguarded", "/asession", "/agreeting", "/auth/login?flow=6b1e"),
)
OURS = frozenset({"host", "accept", "accept-encoding", "user-agent", "connection", "content-type", "cache-control"})
CREDENTIALS = frozenset({"x-session-token", "cookie", "authorization"})


@campaign("hostile-input", 8, "50,000 headers and cookies in raw bytes: 0 errors 500, 0 leaked headers at Ory")
def hostile_input(env: Environment) -> Result:
    known, stranger = env.people(2)
    with env.proxy() as proxy:
        proxy.recorded = watch = Watch()
        with env.sites(env.site_variables(proxy=proxy, ory_auth={"SESSION_CACHE_SECONDS": 2})) as sites:
            pids = [site.pids for site in sites]
            sender = _Sender(sites, known, stranger)
            asyncio.run(sender.send_all(hostile_requests(env.scaled(COUNT, 2_000))))
            lost = sum(before != site.pids for before, site in zip(pids, sites, strict=True))
            traces = sum(site.log.read_text(errors="replace").count("Traceback") for site in sites)
    measured = [
        Figure("headers and cookies", sender.count),
        Figure("refused by the servers themselves", sender.refused),
        Figure("signed in", sender.signed_in),
        Figure("calls at Ory", watch.calls),
        Figure("leaks", len(watch.leaks), 0),
        Figure("sites that lost a worker", lost, 0),
        Figure("traces in their logs", traces, 0),
    ]
    return Result([*common_figures(sender.tally), *measured], [*sender.tally.examples, *watch.leaks[:5]])


@dataclass
class Watch(RecordedRequests):
    """Searches each request that reaches Ory for anything but the one credential."""

    calls: int = 0
    leaks: list[str] = field(default_factory=list)

    def add(self, path: str, headers: dict[str, str]) -> None:
        self.calls += 1
        carried = headers.keys() & CREDENTIALS
        pairs = [pair.strip().partition("=")[0] for pair in headers.get("cookie", "").split(";") if pair.strip()]
        flow = path.startswith("/self-service/")
        strange = headers.keys() - OURS - CREDENTIALS
        other = [
            name for name in pairs if name != "ory_kratos_session" and not (flow and name.startswith("csrf_token_"))
        ]
        bearer = headers.get("authorization", "Bearer ory_st_")
        if strange or other or len(carried) > 1 or not bearer.startswith("Bearer ory_st_"):
            self.leaks.append(f"leak at {path}: {sorted(strange)} {other} {sorted(carried)}")


class _Sender:
    """Sends hostile requests to both sites and judges the responses."""

    def __init__(self, sites: tuple[Site, Site], known: CreatedSession, stranger: CreatedSession) -> None:
        self._sites, self._known, self._stranger = sites, known, stranger
        self.tally, self.count, self.signed_in, self.refused = Tally(), 0, 0, 0

    async def send_all(self, requests: Iterator[Hostile]) -> None:
        lines: asyncio.Queue[Hostile | None] = asyncio.Queue(maxsize=CLIENTS)

        async def client(number: int) -> None:
            which = number % 2
            async with RawConnection(self._sites[which].port) as line:
                while one := await lines.get():
                    await self._send(line, PAGES[which][self.count % len(PAGES[which])], one)

        async with asyncio.TaskGroup() as clients:
            for number in range(CLIENTS):
                clients.create_task(client(number))
            while one := await asyncio.to_thread(next, requests, None):
                await lines.put(one)
            for _ in range(CLIENTS):
                await lines.put(None)

    async def _send(self, line: RawConnection, page: str, one: Hostile) -> None:
        block = b"\r\n".join(one.lines)
        block = block.replace(CREDENTIAL, self._known.token.encode()).replace(
            STRANGER, self._stranger.identity.encode()
        )
        head = f"GET {page} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
        started = time.perf_counter()
        answer = await line.exchange(head + block + b"\r\n\r\n", keep=not {b"\r", b"\n"} & {*map(bytes, zip(block))})
        self.count += one.count
        self.refused += answer.status in {400, 431} and "cache-control" not in answer.headers
        verdict = self._judge(answer, may_sign_in=one.names_credential)
        self.tally.add(verdict, time.perf_counter() - started, f"{page} {answer.status} after {ascii(block)[:300]}")

    def _judge(self, answer: RawResponse, *, may_sign_in: bool) -> Verdict:
        """Any request may be refused, but only one with a valid credential may be signed in."""
        match answer.status:
            case 0:
                return Verdict.UNEXPECTED
            case 200 if answer.body.startswith(b"{"):
                return self._judge_page(json.loads(answer.body), may_sign_in=may_sign_in)
            case 500:
                return Verdict.UNCAUGHT
            case 503 if "retry-after" in answer.headers:
                return Verdict.UNAVAILABLE
        return Verdict.RIGHT if answer.status < 500 else Verdict.UNEXPECTED

    def _judge_page(self, seen: dict[str, object], *, may_sign_in: bool) -> Verdict:
        who = seen.get("identity")
        if who is None and seen.get("user") is None:
            return Verdict.RIGHT
        if not may_sign_in:
            return Verdict.ACCEPTED
        self.signed_in += 1
        return Verdict.RIGHT if who in {None, self._known.identity} else Verdict.WRONG_PERSON
