"""A browser in each state that a person can be in opens each guarded page, and its redirects are counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import urllib3

from stress.environment import Environment
from stress.oracle import Tally, Verdict
from stress.servers import Site
from tests.support.browser import Browser, Page, Reply
from tests.support.ory import PASSWORD

HOPS = 5
GUARDS = (
    "/guarded", "/aguarded", "/django-guarded", "/aal2", "/fresh", "/afresh", "/recent", "/just-now", "/admin/",
    "/auth/login", "/auth/login?next=/guarded", "/auth/settings", "/auth/registration", "/who", "/greeting",
)  # fmt: skip


class PatientBrowser(Browser):
    """Shows an error page if there is no response, as browsers do."""

    def _send(self, method: str, url: str, body: bytes | None) -> Reply:
        try:
            return super()._send(method, url, body)
        except urllib3.exceptions.HTTPError:
            return Reply(0, None, [], "")


@dataclass
class JourneyResults:
    """The results of all journeys."""

    tally: Tally = field(default_factory=Tally)
    count: int = 0
    longest: int = 0

    def add(self, what: str, seconds: float, page: Page | None, *, down: bool) -> None:
        """Count one journey; no page: the browser gave up after too many redirects."""
        self.count += 1
        self.longest = max(self.longest, page.hops if page else 99)
        good = page is not None and page.hops <= HOPS and page.status < 500
        calm = page is not None and page.hops <= HOPS and page.status == 503 and down
        outcome = f"{page.hops} hops to {page.status} {urlsplit(page.url).path}" if page else "in circles"
        verdict = Verdict.RIGHT if good else Verdict.UNAVAILABLE if calm else Verdict.UNEXPECTED
        self.tally.add(verdict, seconds, f"{what}: {outcome}")


@dataclass(frozen=True)
class Place:
    """Where the journeys happen; ``database`` is the name of the sites' database."""

    env: Environment
    database: str


State = Callable[[Place, Browser], None]


def run_journeys(env: Environment, sites: Sequence[Site], database: str) -> JourneyResults:
    """Every state and every guard at each site. Anonymous people also sign in with the form that they reach."""
    journeys, place = JourneyResults(), Place(env, database)
    for site in sites[:1] if env.short else sites:
        _point_at(env, site)
        for state, enter in STATES.items():
            host = f"localhost:{site.port}" if state == "cookie never arrives" else f"127.0.0.1:{site.port}"
            browser = PatientBrowser(host)
            enter(place, browser)
            for guard in GUARDS:
                _run_journey(journeys, f"{state} at {guard}", browser, guard, down=state == "Ory down")
            if state == "Ory down":
                env.ory.start()
    return journeys


def _point_at(env: Environment, site: Site) -> None:
    """Let Ory's flows come back to this site, by either of its names."""
    named = [f"http://{name}:{site.port}/" for name in ("127.0.0.1", "localhost")]
    env.ory.command("configure", ui_base=f"{site.url}/auth", default_return_url=named[0], allowed_return_urls=named)


def _run_journey(journeys: JourneyResults, what: str, like: Browser, guard: str, *, down: bool) -> None:
    browser = PatientBrowser(like.host)
    browser.jar = dict(like.jar)
    started = time.perf_counter()
    try:
        page = browser.open(guard)
        journeys.add(what, time.perf_counter() - started, page, down=down)
        if what.startswith("anonymous") and "password" in page.fields and "identifier" in page.fields:
            started = time.perf_counter()
            page = _sign_in(browser, page, like)
            journeys.add(f"{what}, signed in then", time.perf_counter() - started, page, down=down)
    except AssertionError:
        journeys.add(what, time.perf_counter() - started, None, down=down)


def _sign_in(browser: Browser, page: Page, like: Browser) -> Page:
    form = page.form_with("password")
    return browser.submit(page, form, "password", identifier=like.jar["", "email"], password=PASSWORD)


# ---- states


def _anonymous(place: Place, browser: Browser) -> None:
    browser.jar["", "email"] = place.env.ory.http.person().email  # of no host, so it is sent to nobody


def _signed_in(place: Place, browser: Browser) -> None:
    _carry(browser, place.env.ory.http.person().browser_session().jar)


def _not_admitted(place: Place, browser: Browser) -> None:
    _signed_in(place, browser)
    seen = browser.open("/who").text.partition('"user": ')[2].partition(",")[0]
    statement = f"UPDATE auth_user SET is_active = false WHERE id = {int(seen)}"
    place.env.postgresql.run(statement, place.database)


def _second_factor_missing(place: Place, browser: Browser) -> None:
    person = place.env.ory.http.person()
    person.browser_session().set_up_totp()
    _carry(browser, person.browser_session().jar)


def _second_factor_used(place: Place, browser: Browser) -> None:
    session = place.env.ory.http.person().browser_session()
    session.set_up_totp()
    _carry(browser, session.jar)


def _inactive_at_ory(place: Place, browser: Browser) -> None:
    person = place.env.ory.http.person()
    _carry(browser, person.browser_session().jar)
    person.deactivate()


def _revoked(place: Place, browser: Browser) -> None:
    session = place.env.ory.http.person().browser_session()
    _carry(browser, session.jar)
    session.revoke()


def _signed_out_elsewhere(place: Place, browser: Browser) -> None:
    _signed_in(place, browser)
    browser.jar["127.0.0.1", "sessionid"] = "x" * 32


def _ory_down(place: Place, browser: Browser) -> None:
    _signed_in(place, browser)
    place.env.ory.stop()


def _carry(browser: Browser, jar: dict[str, str]) -> None:
    browser.jar.update({("127.0.0.1", name): value for name, value in jar.items()})


STATES: dict[str, State] = {
    "anonymous": _anonymous,
    "signed in": _signed_in,
    "not admitted": _not_admitted,
    "second factor missing": _second_factor_missing,
    "second factor used": _second_factor_used,
    "inactive at Ory": _inactive_at_ory,
    "revoked": _revoked,
    "cookie never arrives": _signed_in,
    "unknown Django session": _signed_out_elsewhere,
    "Ory down": _ory_down,
}
