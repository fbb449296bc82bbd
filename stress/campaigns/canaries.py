"""No credential, trait or key ends up in a log, a page, a trace or a cache key.

People whose secrets are markers open every page of sites with ``DEBUG`` and logs at DEBUG level, without a fault and
during each fault of Ory. Then everything that was written is searched, including the logs of all other campaigns.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import redis

from stress.campaign import Figure, Result, campaign
from stress.campaigns.markers import API_KEY, CSRF, SHAPES, Marked, found, mark
from stress.environment import Environment
from stress.faults import Fault
from stress.processes import private_directory
from stress.proxy import Proxy
from stress.servers import Site
from tests.support.ory import Reply, send

PAGES = (
    "/who", "/session", "/guarded", "/django-guarded", "/aal2", "/fresh", "/recent", "/just-now", "/greeting",
    "/broken", "/collector", "/nowhere", "/api/who", "/admin/", "/auth/login?next=//evil.example",
    "/auth/settings?flow=nobody", "/auth/error?id=nobody", "/awho", "/aguarded", "/agreeting", "/acollector",
)  # fmt: skip
SETTINGS = {"TIMEOUT": 0.3, "SESSION_CACHE_SECONDS": 60, "STALE_IF_ERROR_SECONDS": 0, "API_KEY": API_KEY}
FAULTS_WHEN_SHORT = (Fault.RESET, Fault.ERROR_500, Fault.RATE_LIMITED, Fault.HTML, Fault.TRUNCATED)
OWN = frozenset({200})  # pages that show people what is theirs


@campaign("canaries", 11, "markers in cookie, token, traits, keys at DEBUG level: 0 in logs, pages, traces, cache keys")
def canaries(env: Environment) -> Result:
    with private_directory() as directory, env.proxy() as proxy:
        files = {"SITE_LOG": str(directory / "log"), "SITE_SPANS": str(directory / "spans"), "SITE_DEBUG": "1"}
        with env.sites(env.site_variables(ory_auth=SETTINGS, proxy=proxy, **files)) as sites:
            search = _Search(env, proxy, sites)
            search.open_everything()
            time.sleep(1.5)  # metrics are written once a second
            logs = [*env.logs.iterdir(), *directory.iterdir(), *(site.log for site in sites)]
            in_logs = [leak for log in logs for leak in _leaks_in(log)]
            written = sum(log.stat().st_size for log in logs if log.exists()) / 2**20
            spans = (directory / "spans").read_text().count('"name": "ory_auth.lookup"')
            keys, in_keys = _in_cache(env, search.people)
    measured = [
        Figure("pages", search.pages),
        Figure("in pages", len(search.leaks), 0),
        Figure("MB of logs", written),
        Figure("spans", spans),
        Figure("in logs and traces", len(in_logs), 0),
        Figure("cache entries", keys),
        Figure("in their names and credentials in their values", len(in_keys), 0),
    ]
    return Result(measured, [*search.leaks[:6], *in_logs[:6], *in_keys[:3]])


class _Search:
    """Opens pages as people with markers, and searches each response."""

    def __init__(self, env: Environment, proxy: Proxy, sites: tuple[Site, Site]) -> None:
        self._env, self._proxy, self._sites = env, proxy, sites
        self.people: list[Marked] = []
        self.pages, self.leaks = 0, list[str]()

    def open_everything(self) -> None:
        """First without a fault, then during each fault with people whom no cache knows, then signing out."""
        faults = FAULTS_WHEN_SHORT if self._env.short else Fault
        for fault in (Fault.PASS, *faults):
            one = mark(self._env)
            self.people.append(one)
            self._proxy.retry_after = 1
            self._proxy.set_fault(fault)
            for number, page in enumerate(PAGES if fault is Fault.PASS or not self._env.short else PAGES[::2]):
                self._open(one, f"{self._sites[number % 2].url}{page}" if page[1] != "a" else self._sites[1].url + page)
            self._proxy.set_fault(Fault.PASS)
        self._stranger_looks()
        for one in self.people:
            self._open(one, f"{self._sites[0].url}/auth/logout", "POST")

    def _open(self, one: Marked, url: str, method: str = "GET") -> None:
        for headers in _ways(one):
            reply = send(method, url, headers={"Accept": "text/html", "X-CSRFToken": CSRF, **headers})
            self._search(one, url, reply)

    def _search(self, one: Marked, url: str, reply: Reply) -> None:
        self.pages += 1
        text = reply.body + repr([*reply.headers.items()]).encode()
        secrets = {**one.credentials, **({} if reply.status in OWN else one.traits)}
        others = {f"{name} of somebody else": value for other in self.people if other is not one
                  for name, value in {**other.credentials, **other.traits}.items()}  # fmt: skip
        for name in found([*secrets.items(), *others.items()], text):
            self.leaks.append(
                f"{name} in {url.partition('/')[2].partition('/')[2]}, {reply.status}, {self._proxy.fault}"
            )

    def _stranger_looks(self) -> None:
        """Another person and an anonymous visitor open the same pages."""
        stranger = mark(self._env)
        self.people.append(stranger)
        for page in PAGES:
            self._open(stranger, self._sites[page[1] == "a"].url + page)
            self._search(stranger, page, send("GET", self._sites[page[1] == "a"].url + page))


def _ways(one: Marked) -> Iterator[dict[str, str]]:
    yield {"Cookie": one.cookies}
    yield {"X-Session-Token": one.token.token, "Cookie": one.cookies}
    yield {"Authorization": f"Bearer {one.token.token}", "Accept": "application/json"}


def _leaks_in(log: Path) -> Iterator[str]:
    """The lines of a file that look like a secret."""
    if log.exists():
        with log.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if match := SHAPES.search(line):
                    yield f"{log.name}:{number}: {match[0][:12]!r}… in {line[24:100]!r}"


def _in_cache(env: Environment, people: list[Marked]) -> tuple[int, list[str]]:
    """The number of cache entries, and those whose key looks like a secret or whose value has a credential."""
    cache, leaks, count = redis.Redis.from_url(env.redis.url), [], 0
    credentials = [item for one in people for item in one.credentials.items()]
    for key in cache.scan_iter(count=1000):
        count += 1
        if SHAPES.search(key) or found(credentials, bytes(cache.get(key) or b"")):
            leaks.append(f"cache entry {key[:40]!r}")
    return count, leaks
