"""Collects all facts, with requests that change nothing at Ory."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from ...conf import Conf
from ...ory.addresses import Origin, host_of, is_internal
from ...ory.source_lists import read_directive
from ..facts.http_result import HttpResult
from ..facts.model import AdminApi, Endpoint, Facts, Project, Service, SuppliedCredential
from ..facts.sites import cross_origin_callers, find_sites
from .connection import probe_connection, speaks_tls
from .http import HTML, JSON, HttpProbe
from .project import has_view_at
from .providers import probe_providers
from .session import probe_session
from .this_site import get_from_this_site
from .webhooks import probe_webhook_view

WHOAMI_REQUESTS = 5
MAX_SITES = 8  # for which return_to is tested
WHOAMI_PATH = "/sessions/whoami"
LOGIN_PATH = "/self-service/login/browser"
# The response tells an admin API from others, and whether the API key is valid, without showing a person's traits.
UNKNOWN_IDENTITY_PATH = "/admin/identities/00000000-0000-4000-8000-000000000000"


def collect_facts(project: Project, supplied: SuppliedCredential | None = None) -> Facts:
    """Probe Ory. Starts login flows at Ory, which expire there after their lifespan."""
    conf = project.conf
    if conf is None:
        return Facts(project)
    http = HttpProbe(conf.timeout)
    at_browser_url = None
    if conf.browser_url != conf.sdk_url and not conf.uses_gateway and not is_internal(host_of(conf.browser_url)):
        at_browser_url = _probe_endpoint(http, conf.browser_url)
    facts = Facts(
        project,
        proxy_variable=_find_proxy_variable(conf.sdk_url),
        at_sdk_url=_probe_endpoint(http, conf.sdk_url),
        at_browser_url=at_browser_url,
        admin=_probe_admin_api(http, project, conf),
    )
    return _collect_more(http, facts, conf, supplied) if facts.ory_responds else facts


def wait_until_ready(conf: Conf, seconds: float) -> bool:
    """Whether Ory becomes ready within this time."""
    http, until, pause = HttpProbe(conf.timeout), time.monotonic() + seconds, 0.1
    while True:
        status = http.get(f"{conf.sdk_url}/health/ready").status
        if status == 200 or (status == 404 and http.get(conf.sdk_url + WHOAMI_PATH).status == 401):
            return True
        if time.monotonic() + pause > until:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)


def _collect_more(http: HttpProbe, facts: Facts, conf: Conf, supplied: SuppliedCredential | None) -> Facts:
    """What can be asked of an Ory that responds."""
    endpoint, hosts = facts.browser_endpoint, facts.project.hosts
    assert endpoint is not None
    login_page = endpoint.login_redirect.headers.get("location", "")
    is_orys_own = conf.uses_gateway and Origin.of(login_page) == Origin.of(conf.sdk_url)
    sites = find_sites(hosts, conf.browser_url, "" if is_orys_own else login_page)[:MAX_SITES]
    scheme = sites[0].scheme if sites else "https"
    redirect_targets = filter(None, (Origin.of(f"{scheme}://{host}") for host in hosts.redirects))
    form_action = _read_form_action(facts.project, sites)
    return replace(
        facts,
        form_action=form_action,
        providers=probe_providers(http, endpoint) if form_action else (),
        webhook_view=probe_webhook_view(conf, sites),
        readiness=http.get(f"{conf.sdk_url}/health/ready"),
        version=_probe_version(http, facts),
        login_page_exists=has_view_at(urlsplit(login_page).path),
        sites=sites,
        flow_through_gateway=(
            get_from_this_site(conf.browser_url + LOGIN_PATH, sites[0]) if conf.uses_gateway and sites else HttpResult()
        ),
        return_to=tuple(
            (origin, _probe_return_to(http, endpoint.url, origin))
            for origin in dict.fromkeys((*sites, *redirect_targets))
        ),
        cors_preflights=_probe_cors(http, endpoint.url, cross_origin_callers(hosts)),
        session=probe_session(http, conf, supplied) if supplied else None,
    )


def _read_form_action(project: Project, sites: tuple[Origin, ...]) -> tuple[tuple[str, ...], ...]:
    """The sources of ``form-action`` in each policy that this site sends with its login page."""
    if not sites or not project.serves_login_page:
        return ()
    policies = get_from_this_site(project.login_path, sites[0], HTML).headers.get("Content-Security-Policy", "")
    return tuple(read_directive(policies, "form-action"))


def _probe_endpoint(http: HttpProbe, url: str) -> Endpoint:
    reachability = probe_connection(url, http.timeout)
    if reachability.problem:
        return Endpoint(url, reachability)
    whoami = [http.get(url + WHOAMI_PATH, keep_connection=True)]
    admin = http.get(url + UNKNOWN_IDENTITY_PATH)
    service = _identify_service(url, http, whoami[0], admin)
    if service is not Service.PUBLIC_API:
        return Endpoint(url, reachability, service, tuple(whoami), admin=admin)
    whoami += (http.get(url + WHOAMI_PATH, keep_connection=True) for _ in range(WHOAMI_REQUESTS - 1))
    login_flow, login_redirect = http.get(url + LOGIN_PATH, JSON), http.get(url + LOGIN_PATH, HTML)
    return Endpoint(url, reachability, service, tuple(whoami), login_flow, login_redirect, admin)


def _identify_service(url: str, http: HttpProbe, whoami: HttpResult, admin: HttpResult) -> Service:
    """Kratos' public API responds to whoami with a 401 in JSON. Its admin API redirects whoami."""
    if whoami.is_ory_error(401) or whoami.is_ory_error(403):
        return Service.PUBLIC_API
    if whoami.status == 429 or (whoami.status >= 500 and whoami.is_ory_error(whoami.status)):
        return Service.PUBLIC_API  # which has a problem
    if admin.is_ory_error(404):
        return Service.ADMIN_API
    if url.startswith("http:") and whoami.status in {0, 400} and speaks_tls(url, http.timeout):
        return Service.TLS
    return Service.NOT_ORY if whoami.response else Service.NO_RESPONSE


def _probe_admin_api(http: HttpProbe, project: Project, conf: Conf) -> AdminApi | None:
    if not {"ADMIN_URL", "API_KEY"} & project.keys:
        return None
    reachability = probe_connection(conf.admin_url, http.timeout)
    if reachability.problem:
        return AdminApi(conf.admin_url, reachability)
    key = {"Authorization": f"Bearer {conf.api_key.reveal()}"} if conf.api_key else {}
    return AdminApi(conf.admin_url, reachability, http.get(conf.admin_url + UNKNOWN_IDENTITY_PATH, {**JSON, **key}))


def _probe_version(http: HttpProbe, facts: Facts) -> HttpResult:
    """Kratos shows its version only in the admin API."""
    if facts.admin is None or facts.admin.reachability.problem:
        return HttpResult()
    return http.get(f"{facts.admin.url}/admin/version")


def _probe_return_to(http: HttpProbe, ory_url: str, origin: Origin) -> HttpResult:
    return http.get(f"{ory_url}{LOGIN_PATH}?{urlencode({'return_to': f'{origin}/'})}")


def _probe_cors(http: HttpProbe, ory_url: str, origins: Iterable[str]) -> tuple[tuple[str, HttpResult], ...]:
    """The preflight requests that browsers send before a page of another origin can call whoami with cookies."""
    headers = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "content-type"}
    return tuple(
        (origin, http.send("OPTIONS", ory_url + WHOAMI_PATH, {"Origin": origin, **headers})) for origin in origins
    )


def _find_proxy_variable(url: str) -> str:
    """The environment variable that names a proxy for this URL."""
    parts = urlsplit(url)
    proxies = getproxies()
    for name in (parts.scheme, "all"):
        if name in proxies and not proxy_bypass(parts.netloc.rpartition("@")[2]):
            return f"{name.upper()}_PROXY"
    return ""
