"""A look at Ory over the network: what any browser may ask, and the admin API for somebody who is nobody."""

from __future__ import annotations

import time
from collections.abc import Iterable
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from ...conf import Conf
from ...ory.addresses import Origin, is_internal
from ..facts.http_result import Reply
from ..facts.model import AdminFacts, Endpoint, Facts, Given, Project, Speaker
from ..facts.sites import pages_elsewhere, sites
from .connection import reach, speaks_tls
from .http import HTML, JSON, Http
from .project import answers_at
from .session import look_at_session

TRIES = 5  # answers of whoami that are timed
MAX_SITES = 8  # origins for which return_to is tried
NOBODY = "/admin/identities/00000000-0000-4000-8000-000000000000"  # tells whether one may, and shows nobody's traits
WHOAMI = "/sessions/whoami"
LOGIN = "/self-service/login/browser"


def look(project: Project, given: Given | None = None) -> Facts:
    """Everything that the rules judge. Ory keeps the login flows that were begun until they expire, as ever."""
    conf = project.conf
    if conf is None:
        return Facts(project)
    http = Http(conf.timeout)
    sdk = _endpoint(http, conf.sdk_url)
    browser = None
    if conf.browser_url != conf.sdk_url and not is_internal(urlsplit(conf.browser_url).hostname or ""):
        browser = _endpoint(http, conf.browser_url)
    facts = Facts(project, _proxy(conf.sdk_url), sdk, browser, admin=_admin(http, project, conf))
    return facts if not facts.answers else _looked_inside(http, facts, conf, given)


def wait_until_ready(conf: Conf, seconds: float) -> bool:
    """Whether Ory is reachable and ready by then."""
    http, until, pause = Http(conf.timeout), time.monotonic() + seconds, 0.1
    while True:
        status = http.get(f"{conf.sdk_url}/health/ready").status
        if status == 200 or (status == 404 and http.get(conf.sdk_url + WHOAMI).status == 401):
            return True
        if time.monotonic() + pause > until:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)


def _looked_inside(http: Http, facts: Facts, conf: Conf, given: Given | None) -> Facts:
    entrance = facts.entrance
    assert entrance is not None
    login_page = entrance.page.header.get("location", "")
    found = sites(facts.project.hosts, conf.browser_url, login_page)[:MAX_SITES]
    scheme = found[0].scheme if found else "https"
    back = (*found, *filter(None, (Origin.of(f"{scheme}://{host}") for host in facts.project.hosts.redirects)))
    return Facts(
        facts.project,
        facts.proxy,
        facts.sdk,
        facts.browser,
        ready=http.get(f"{conf.sdk_url}/health/ready"),
        version=_version(http, facts),
        page_is_ours=answers_at(urlsplit(login_page).path),
        sites=found,
        returns=tuple((site, _return_to(http, entrance.url, site)) for site in dict.fromkeys(back)),
        preflights=_preflights(http, entrance.url, pages_elsewhere(facts.project.hosts)),
        admin=facts.admin,
        session=look_at_session(http, conf, given) if given else None,
    )


def _endpoint(http: Http, url: str) -> Endpoint:
    reached = reach(url, http.timeout)
    if reached.trouble:
        return Endpoint(url, reached)
    whoami = [http.get(url + WHOAMI)]
    admin = http.get(url + NOBODY)
    speaker = _speaker(url, http, whoami[0], admin)
    if speaker is not Speaker.ORY:
        return Endpoint(url, reached, speaker, tuple(whoami), admin=admin)
    whoami += (http.get(url + WHOAMI) for _ in range(TRIES - 1))
    flow, page = http.get(url + LOGIN, JSON), http.get(url + LOGIN, HTML)
    return Endpoint(url, reached, speaker, tuple(whoami), flow, page, admin)


def _speaker(url: str, http: Http, whoami: Reply, admin: Reply) -> Speaker:
    """Kratos says 401 in JSON to nobody; its admin port redirects that question, and knows that there is no NOBODY."""
    if whoami.status in {401, 403} and whoami.error.get("code") == whoami.status:
        return Speaker.ORY
    if whoami.status == 429 or (whoami.status >= 500 and whoami.error.get("code") == whoami.status):
        return Speaker.ORY  # in trouble, and it says so in Ory's words
    if admin.says(404):
        return Speaker.ADMIN
    if url.startswith("http:") and whoami.status in {0, 400} and speaks_tls(url, http.timeout):
        return Speaker.TLS
    return Speaker.OTHER if whoami.answer else Speaker.NOBODY


def _admin(http: Http, project: Project, conf: Conf) -> AdminFacts | None:
    """Asked where the settings name it, or a key for it."""
    if not {"ADMIN_URL", "API_KEY"} & project.keys:
        return None
    reached = reach(conf.admin_url, http.timeout)
    if reached.trouble:
        return AdminFacts(conf.admin_url, reached)
    key = {"Authorization": f"Bearer {conf.api_key.reveal()}"} if conf.api_key else {}
    return AdminFacts(conf.admin_url, reached, http.get(conf.admin_url + NOBODY, {**JSON, **key}))


def _version(http: Http, facts: Facts) -> Reply:
    """Kratos tells its version on the admin port only."""
    if facts.admin is None or facts.admin.reached.trouble:
        return Reply()
    return http.get(f"{facts.admin.url}/admin/version")


def _return_to(http: Http, ory: str, site: Origin) -> Reply:
    return http.get(f"{ory}{LOGIN}?{urlencode({'return_to': f'{site}/'})}")


def _preflights(http: Http, ory: str, origins: Iterable[str]) -> tuple[tuple[str, Reply], ...]:
    """What a browser asks before a page of another origin may ask whoami with its cookies."""
    asks = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "content-type"}
    return tuple((o, http.get(ory + WHOAMI, {"Origin": o, **asks}, method="OPTIONS")) for o in origins)


def _proxy(url: str) -> str:
    """The environment's variable that names a proxy for this address, if there is one."""
    parts = urlsplit(url)
    proxies = getproxies()
    for name in (parts.scheme, "all"):
        if name in proxies and not proxy_bypass(parts.netloc.rpartition("@")[2]):
            return f"{name.upper()}_PROXY"
    return ""
