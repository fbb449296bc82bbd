"""No value leads off the site, and no state of a person leads to a redirect loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote_from_bytes, urlsplit

from stress.campaign import Figure, Result, campaign, common_figures
from stress.campaigns.hostile_urls import astray, hostile_values, leads_to_login, origin
from stress.campaigns.journeys import HOPS, run_journeys
from stress.environment import Environment
from stress.oracle import Tally, Verdict
from stress.raw_http import RawConnection, RawResponse
from stress.servers import Site

CLIENTS = 8
CSRF = "c" * 32
FLOWS = ("login", "registration", "settings", "recovery", "verification")


@campaign(
    "redirects", 9, "300 hostile values × every place: 0 off-origin; every state × every guard: 0 chains over five"
)
def redirects(env: Environment) -> Result:
    variables = env.site_variables(ory_auth={"SESSION_CACHE_SECONDS": 20})
    with env.sites(variables) as sites:
        sender = _Sender(env, sites)
        asyncio.run(sender.send_all(env.scaled(1, 20)))
        journeys = run_journeys(env, sites, urlsplit(variables["SITE_DATABASE_URL"]).path.lstrip("/"))
    sender.tally.merge(journeys.tally)
    measured = [
        Figure("hostile values", sender.values),
        Figure("off-origin by themselves", sender.off_by_themselves),
        Figure("places", len(sender.places)),
        Figure("redirects judged", sender.judged),
        Figure("off-origin", sender.off_origin, 0),
        Figure("journeys", journeys.count),
        Figure("longest chain", journeys.longest, HOPS, "hops"),
    ]
    return Result([*common_figures(sender.tally), *measured], sender.tally.examples)


@dataclass(frozen=True)
class _Place:
    """A way to give a site a target URL: the value replaces ``{}`` in the path or form, or is the Referer."""

    path: str
    method: str = "GET"
    form: str = ""
    referer: bool = False
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    def request(self, host: str, value: str) -> bytes | None:
        """The bytes to send; ``None`` if a header cannot hold the value."""
        raw = value.encode("utf-8", "surrogatepass")
        if self.referer and (len(raw) > 4000 or any(byte in raw for byte in b"\0\r\n\x01\x0b\x1f")):
            return None
        encoded = quote_from_bytes(raw, safe="")
        body = self.form.replace("{}", encoded).encode()
        lines = {"Host": host, "Accept": "text/html", **self.headers}
        if self.method == "POST":
            lines["Cookie"] = "; ".join(filter(None, (lines.get("Cookie"), f"csrftoken={CSRF}")))
            lines |= {"X-CSRFToken": CSRF, "Content-Type": "application/x-www-form-urlencoded"}
            lines["Content-Length"] = str(len(body))
        head = [f"{self.method} {self.path.replace('{}', encoded)} HTTP/1.1", *(f"{n}: {v}" for n, v in lines.items())]
        referer = [b"Referer: " + raw] if self.referer else []
        return b"\r\n".join([*(line.encode() for line in head), *referer, b"", body])


def _places(env: Environment) -> list[_Place]:
    [given] = env.people(1)
    person = env.ory.http.person()
    person.browser_session().set_up_totp()
    half = {"Cookie": person.browser_session().cookie}
    people = ({}, given.by_cookie, half)
    starts = [_Place(f"/auth/{flow}?{name}={{}}", headers=who) for flow in FLOWS for name in NAMES for who in people]
    logouts = [_Place("/auth/logout", "POST", "next={}"), _Place("/auth/logout?return_to={}", "POST")]
    admin = [_Place("/admin/login/?next={}", headers=who) for who in people]
    guards = ("/guarded", "/aguarded", "/aal2", "/just-now")
    forms = [_Place(path, "POST", referer=True, headers=who) for path in guards for who in people]
    return [
        *starts,
        *logouts,
        *admin,
        *forms,
        *(_Place("//evil.example/{}", headers=who) for who in people),
        _Place("/guarded?next={}&return_to={}"),
    ]


NAMES = ("next", "return_to")


class _Sender:
    """Sends every value to every place, at both sites in turn."""

    def __init__(self, env: Environment, sites: Sequence[Site]) -> None:
        self._sites, self._ory = sites, origin(env.ory.public_url, env.ory.public_url)
        self.places = _places(env)
        self.tally, self.values, self.off_by_themselves, self.judged, self.off_origin = Tally(), 0, 0, 0, 0

    async def send_all(self, step: int) -> None:
        """Send every value, or every ``step``-th."""
        asks = self._asks(step)

        async def client(site: Site) -> None:
            async with RawConnection(site.port) as line:
                for place, value in asks[site.port]:
                    await self._send(line, site, place, value)

        async with asyncio.TaskGroup() as clients:
            for number in range(CLIENTS):
                clients.create_task(client(self._sites[number % 2]))

    def _asks(self, step: int) -> dict[int, Iterator[tuple[_Place, str]]]:
        shares: dict[int, list[tuple[_Place, str]]] = {}
        for which, site in enumerate(self._sites):
            values = hostile_values(f"127.0.0.1:{site.port}")
            self.values = len(values[::step])
            self.off_by_themselves = sum(
                origin(value, site.url) != origin(site.url, site.url) for value in values[::step]
            )
            pairs = [(place, value) for place in self.places for value in values[::step]]
            shares[site.port] = pairs[which :: len(self._sites)]
        return {port: iter(share) for port, share in shares.items()}

    async def _send(self, line: RawConnection, site: Site, place: _Place, value: str) -> None:
        sent = place.request(f"127.0.0.1:{site.port}", value)
        if sent is None:
            return
        base, started = f"{site.url}/", time.perf_counter()
        answer = await line.exchange(sent, keep=True)
        verdict, why = self._judge(answer, base)
        location = answer.headers.get("location", "")
        if location and not why and leads_to_login(location, base):
            followed = _Place(location.removeprefix(site.url), headers=place.headers).request(
                f"127.0.0.1:{site.port}", ""
            )
            assert followed
            verdict, why = self._judge(await line.exchange(followed, keep=True), base)
        what = f"{place.method} {place.path} with {ascii(value)[:80]}: {answer.status} {why}"
        self.tally.add(verdict, time.perf_counter() - started, what)

    def _judge(self, answer: RawResponse, base: str) -> tuple[Verdict, str]:
        location = answer.headers.get("location")
        if location is None:
            return (Verdict.RIGHT if 200 <= answer.status < 500 else Verdict.UNEXPECTED), ""
        self.judged += 1
        why = astray(location, base, self._ory)
        self.off_origin += bool(why)
        return (Verdict.UNEXPECTED if why else Verdict.RIGHT), why
