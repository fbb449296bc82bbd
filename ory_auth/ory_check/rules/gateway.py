"""The gateway: whether a login flow starts through it, and whether Ory knows its address."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ...conf import Conf
from ...ory.addresses import Origin, host_of, is_ory_network
from ..facts.http_result import HttpResult
from ..facts.model import Endpoint, Facts
from .browser import NO_HOSTS, evaluate_login_page, evaluate_return_to
from .browser_view import BrowserView, find_csrf_cookie
from .cookies import evaluate_cookies
from .findings import Check, Finding, Problem, failure, ok, skipped, unknown, warning

NOT_INCLUDED = "ory_auth.E018"
SELF_SERVICE = "/self-service/"
ORYS_LOGIN_PAGE = "/ui/login"  # which Ory Network hosts


def evaluate_gateway(facts: Facts) -> Iterator[Finding]:
    endpoint, conf = facts.at_sdk_url, facts.project.conf
    if not facts.ory_responds or endpoint is None or conf is None or not conf.uses_gateway:
        return
    if not facts.sites:
        yield unknown(Check.GATEWAY, NO_HOSTS)
        return
    if facts.project.has_message(NOT_INCLUDED):
        yield skipped(Check.GATEWAY, f"not tested: see {NOT_INCLUDED}")
        return
    site, flow = facts.sites[0], facts.flow_through_gateway
    yield _evaluate_flow(flow, f"{site}{conf.browser_url}")
    yield _evaluate_base_url(conf, endpoint, facts.sites)
    view = _view(endpoint, flow, site)
    if flow.status == 200:
        yield from evaluate_cookies(view, facts.project.hosts)
    yield _evaluate_login_page(facts, endpoint, view)
    yield from evaluate_return_to(facts.return_to, view)


def _evaluate_flow(flow: HttpResult, url: str) -> Finding:
    if flow.status == 200 and find_csrf_cookie(flow) is not None:
        return ok(Check.GATEWAY, f"a login flow starts at {url}", flow.seconds)
    found = f"No login flow starts at {url} ({flow.summary})."
    fix = "Correct what the other lines report. If there is nothing, see the log for 'gateway' and 'gateway_refused'."
    return failure(Check.GATEWAY, Problem.GATEWAY_FAILS, found, fix, flow.seconds)


def _evaluate_base_url(conf: Conf, endpoint: Endpoint, sites: tuple[Origin, ...]) -> Finding:
    """Kratos writes its base URL into e-mails and callbacks, which the gateway cannot change."""
    base_url, seconds = _read_base_url(endpoint.login_flow), endpoint.login_flow.seconds
    own_urls = [f"{site}{conf.browser_url}" for site in sites]
    if conf.gateway_token is not None:
        return ok(Check.BASE_URL, "Ory Network gets the address of this site with each call (GATEWAY_TOKEN)")
    if base_url is None:
        return unknown(Check.BASE_URL, f"Ory did not start a login flow ({endpoint.login_flow.summary})", seconds)
    if base_url in own_urls:
        return ok(Check.BASE_URL, f"{base_url}, the gateway", seconds)
    if is_ory_network(host_of(endpoint.url)):
        found = f"Links in e-mails and callbacks of social providers lead to {base_url}, not to this site."
        fix = "Set ORY_AUTH['GATEWAY_TOKEN'] to an API key of the project."
        return warning(Check.BASE_URL, Problem.BASE_URL_DIFFERS, found, fix, seconds)
    found = f"Kratos' base URL is {base_url}, not the gateway: links in e-mails and callbacks lead there."
    fix = f"Set serve.public.base_url to {own_urls[0]}/ in Kratos' configuration."
    return failure(Check.BASE_URL, Problem.BASE_URL_DIFFERS, found, fix, seconds)


def _read_base_url(flow: HttpResult) -> str | None:
    """The base URL in the address of the form."""
    ui = flow.json.get("ui")
    action = ui.get("action") if isinstance(ui, dict) else None
    if not isinstance(action, str) or SELF_SERVICE not in action or Origin.of(action) is None:
        return None
    return action.partition(SELF_SERVICE)[0]


def _evaluate_login_page(facts: Facts, endpoint: Endpoint, view: BrowserView) -> Finding:
    location, path = endpoint.login_redirect.headers.get("location", ""), facts.project.login_path
    is_orys_own = view.login_page == Origin.of(endpoint.url) and urlsplit(location).path == ORYS_LOGIN_PAGE
    if is_orys_own and path and facts.project.serves_login_page:
        seconds = endpoint.login_redirect.seconds
        return ok(Check.LOGIN_PAGE, f"the gateway replaces Ory's login page by {view.sites[0]}{path}", seconds)
    return evaluate_login_page(facts, endpoint, view)


def _view(endpoint: Endpoint, flow: HttpResult, site: Origin) -> BrowserView:
    """What a browser sees: Ory on this site itself."""
    login_page = Origin.of(endpoint.login_redirect.headers.get("location", ""))
    return BrowserView(site, "BROWSER_URL", (site,), site, login_page, find_csrf_cookie(flow))
