"""Walks: a browser in every state a person can be in opens every guarded page, and redirects are counted."""

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
    """Shows an error page of its own where nobody answers, as browsers do."""

    def _send(self, method: str, url: str, body: bytes | None) -> Reply:
        try:
            return super()._send(method, url, body)
        except urllib3.exceptions.HTTPError:
            return Reply(0, None, [], "")


@dataclass
class Walks:
    """What came of them all."""

    tally: Tally = field(default_factory=Tally)
    count: int = 0
    longest: int = 0

    def note(self, what: str, seconds: float, page: Page | None, *, down: bool) -> None:
        """Count one walk; no page: the browser gave up going round."""
        self.count += 1
        self.longest = max(self.longest, page.hops if page else 99)
        good = page is not None and page.hops <= HOPS and page.status < 500
        calm = page is not None and page.hops <= HOPS and page.status == 503 and down
        told = f"{page.hops} hops to {page.status} {urlsplit(page.url).path}" if page else "in circles"
        verdict = Verdict.RIGHT if good else Verdict.UNAVAILABLE if calm else Verdict.UNEXPECTED
        self.tally.add(verdict, seconds, f"{what}: {told}")


@dataclass(frozen=True)
class Ground:
    """Where people walk; ``database`` is the name of the sites' database."""

    stage: Environment
    database: str


State = Callable[[Ground, Browser], None]


def walk_all(stage: Environment, sites: Sequence[Site], database: str) -> Walks:
    """Every state × every guard at each site; anonymous people also sign in at the form where they end."""
    walks, ground = Walks(), Ground(stage, database)
    for site in sites[:1] if stage.short else sites:
        _point_at(stage, site)
        for state, enter in STATES.items():
            host = f"localhost:{site.port}" if state == "cookie never arrives" else f"127.0.0.1:{site.port}"
            browser = PatientBrowser(host)
            enter(ground, browser)
            for guard in GUARDS:
                _walk(walks, f"{state} at {guard}", browser, guard, down=state == "Ory down")
            if state == "Ory down":
                stage.ory.start()
    return walks


def _point_at(stage: Environment, site: Site) -> None:
    """Ory's flows come back to this site, whichever of its names it is called by."""
    named = [f"http://{name}:{site.port}/" for name in ("127.0.0.1", "localhost")]
    stage.ory.order("configure", ui_base=f"{site.url}/auth", default_return_url=named[0], allowed_return_urls=named)


def _walk(walks: Walks, what: str, like: Browser, guard: str, *, down: bool) -> None:
    browser = PatientBrowser(like.host)
    browser.jar = dict(like.jar)
    started = time.perf_counter()
    try:
        page = browser.open(guard)
        walks.note(what, time.perf_counter() - started, page, down=down)
        if what.startswith("anonymous") and "password" in page.fields and "identifier" in page.fields:
            started = time.perf_counter()
            page = _sign_in(browser, page, like)
            walks.note(f"{what}, signed in then", time.perf_counter() - started, page, down=down)
    except AssertionError:
        walks.note(what, time.perf_counter() - started, None, down=down)


def _sign_in(browser: Browser, page: Page, like: Browser) -> Page:
    form = page.form_with("password")
    return browser.submit(page, form, "password", identifier=like.jar["", "email"], password=PASSWORD)


# ---- states


def _anonymous(ground: Ground, browser: Browser) -> None:
    browser.jar["", "email"] = ground.stage.ory.http.person().email  # of no host, so it is sent to nobody


def _signed_in(ground: Ground, browser: Browser) -> None:
    _carry(browser, ground.stage.ory.http.person().browser_session().jar)


def _not_admitted(ground: Ground, browser: Browser) -> None:
    _signed_in(ground, browser)
    seen = browser.open("/who").text.partition('"user": ')[2].partition(",")[0]
    statement = f"UPDATE auth_user SET is_active = false WHERE id = {int(seen)}"
    ground.stage.postgresql.run(statement, ground.database)


def _second_factor_missing(ground: Ground, browser: Browser) -> None:
    person = ground.stage.ory.http.person()
    person.browser_session().set_up_totp()
    _carry(browser, person.browser_session().jar)


def _second_factor_used(ground: Ground, browser: Browser) -> None:
    session = ground.stage.ory.http.person().browser_session()
    session.set_up_totp()
    _carry(browser, session.jar)


def _inactive_at_ory(ground: Ground, browser: Browser) -> None:
    person = ground.stage.ory.http.person()
    _carry(browser, person.browser_session().jar)
    person.deactivate()


def _revoked(ground: Ground, browser: Browser) -> None:
    session = ground.stage.ory.http.person().browser_session()
    _carry(browser, session.jar)
    session.revoke()


def _signed_out_elsewhere(ground: Ground, browser: Browser) -> None:
    _signed_in(ground, browser)
    browser.jar["127.0.0.1", "sessionid"] = "x" * 32


def _ory_down(ground: Ground, browser: Browser) -> None:
    _signed_in(ground, browser)
    ground.stage.ory.stop()


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
    "a Django session of nobody's": _signed_out_elsewhere,
    "Ory down": _ory_down,
}
