"""Ory as browsers on the hosts of this project see it: addresses, redirects and CORS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from ...ory.addresses import Origin, host_of, is_domain_name, is_internal, is_loopback, is_ory_network, redact
from ..facts.http_result import HttpResult
from ..facts.model import Endpoint, Facts, Project, Service
from ..facts.sites import allows
from .browser_view import BrowserView, HostRelation, find_csrf_cookie
from .connection import evaluate_reachability, evaluate_service
from .cookies import evaluate_cookies, join_origins, local_ory_option
from .findings import Check, Finding, Problem, failure, ok, skipped, unknown, warning

NO_HOSTS = "ALLOWED_HOSTS names no host; run ory_check with --site URL, the URL that people open"
HIDDEN_PAGES = "ory_auth.W028"  # another view answers at the paths of our pages
SEE_COOKIES = "see the line 'Cookies'"
RETURN_TO_FORBIDDEN = "self_service_flow_return_to_forbidden"


def evaluate_browser(facts: Facts) -> Iterator[Finding]:
    endpoint, conf = facts.browser_endpoint, facts.project.conf
    if not facts.ory_responds or endpoint is None or conf is None or conf.uses_gateway:
        return
    view = BrowserView.of(facts, endpoint, conf.browser_url)
    if view is None:
        return
    if (internal := _find_internal_browser_url(conf.browser_url, view)) is not None:
        yield internal
    else:
        yield _evaluate_browser_url(facts, conf.browser_url)
        yield _evaluate_base_url(endpoint, view)
    if facts.sites:
        yield _evaluate_schemes(view)
        yield from evaluate_cookies(view, facts.project.hosts)
    else:
        yield unknown(Check.COOKIES, NO_HOSTS)
    yield evaluate_login_page(facts, endpoint, view)
    yield from evaluate_return_to(facts.return_to, view)
    yield from _evaluate_cors(facts.cors_preflights)


def _find_internal_browser_url(url: str, view: BrowserView) -> Finding | None:
    """A problem if only servers, or only this machine, can reach it."""
    is_public_site = any(is_domain_name(site.host) and not is_internal(site.host) for site in view.sites)

    def is_unreachable(host: str) -> bool:
        return is_internal(host) or (is_loopback(host) and is_public_site)

    if not is_unreachable(host_of(url)):
        return None
    found = (
        f"Browsers on other machines cannot reach BROWSER_URL {redact(url)}, but all redirects and forms lead there."
    )
    example = ""
    if view.base_url is not None and not is_unreachable(view.base_url.host):
        example = f" (Ory's base URL is {view.base_url})"
    fix = f"Set ORY_AUTH['BROWSER_URL'] to the URL at which browsers reach Ory's public API{example}."
    return failure(Check.BROWSER_URL, Problem.BROWSER_URL_INTERNAL, found, fix)


def _evaluate_browser_url(facts: Facts, url: str) -> Finding:
    check, endpoint, sdk_endpoint = Check.BROWSER_URL, facts.at_browser_url, facts.at_sdk_url
    if endpoint is None or sdk_endpoint is None:
        return ok(check, f"{redact(url)}, the same as SDK_URL")
    if endpoint.reachability.problem:
        if is_loopback(host_of(url)):
            return unknown(check, f"{redact(url)} does not respond on this machine; in a container that is normal")
        findings = evaluate_reachability("BROWSER_URL", url, endpoint.reachability, facts.project)
        problem = next(finding for finding in findings if finding.fix)
        return warning(check, Problem.BROWSER_URL_UNREACHABLE, problem.found, problem.fix, problem.seconds)
    if endpoint.service is not Service.PUBLIC_API:
        return evaluate_service("BROWSER_URL", endpoint, admin_url_works=facts.admin_url_works)
    cookies = [find_csrf_cookie(flow) for flow in (sdk_endpoint.login_flow, endpoint.login_flow)]
    names = {cookie.key for cookie in cookies if cookie}
    if len(names) > 1 and not is_ory_network(host_of(sdk_endpoint.url)):
        found = (
            f"BROWSER_URL {redact(url)} and SDK_URL belong to two different Ory servers: their CSRF cookies have "
            "different names."
        )
        fix = "Set ORY_AUTH['SDK_URL'] and ORY_AUTH['BROWSER_URL'] to two addresses of the same Ory."
        return failure(check, Problem.BROWSER_URL_OTHER_ORY, found, fix)
    return ok(check, f"{redact(url)} is the same Ory", endpoint.whoami[0].seconds)


def _evaluate_base_url(endpoint: Endpoint, view: BrowserView) -> Finding:
    """Ory makes redirects, links in e-mails and callbacks with its base URL."""
    base_url, ory, key, seconds = view.base_url, view.ory, view.key, endpoint.login_flow.seconds
    if base_url is None:
        return unknown(Check.BASE_URL, f"Ory did not start a login flow ({endpoint.login_flow.summary})", seconds)
    if base_url == ory:
        return ok(Check.BASE_URL, f"{base_url}, the same as {key}", seconds)
    two_names = is_loopback(base_url.host) and is_loopback(ory.host) and base_url.host != ory.host
    if two_names and view.canonical_loopback_host == base_url.host:
        return skipped(Check.BASE_URL, f"{base_url}, which is right; {key} has to change: {SEE_COOKIES}")
    difference = _describe_difference(base_url, ory)
    found = f"Ory's base URL is {base_url}, but {key} is {ory}: Ory's redirects lead to {difference}."
    if is_ory_network(host_of(endpoint.url)):
        fix = f"Set ORY_AUTH['BROWSER_URL'] to {base_url}, or to the custom domain or tunnel that Ory uses."
    elif two_names:
        found += f" To a browser, {base_url.host} and {ory.host} are different hosts."
        local = local_ory_option(f"--host {ory.host}")
        fix = f"Set serve.public.base_url to {ory} in Kratos' configuration{local}."
    else:
        fix = f"Set serve.public.base_url to {ory} in Kratos' configuration"
        fix += "." if is_internal(base_url.host) else f", or ORY_AUTH[{key!r}] to {base_url}."
    return failure(Check.BASE_URL, Problem.BASE_URL_DIFFERS, found, fix, seconds)


def _describe_difference(base_url: Origin, ory: Origin) -> str:
    if is_internal(base_url.host):
        return "an internal address"
    if base_url.host != ory.host:
        return "another host"
    return "another scheme" if base_url.scheme != ory.scheme else "another port"


def _evaluate_schemes(view: BrowserView) -> Finding:
    ory = view.ory
    site = next((site for site in view.sites if site.scheme != ory.scheme), None)
    if site is None:
        return ok(Check.SCHEMES, f"this site and BROWSER_URL are both {ory.scheme}")
    found = (
        f"This site ({site}) is {site.scheme}, but BROWSER_URL is {ory.scheme}: browsers do not send forms and cookies "
        "from one to the other."
    )
    if site.scheme == "http":
        fix = (
            "Serve this site over https (SECURE_SSL_REDIRECT; behind a proxy SECURE_PROXY_SSL_HEADER), and change "
            "selfservice.flows.*.ui_url in Kratos' configuration to https."
        )
    else:
        fix = f"Serve both over https, and set ORY_AUTH['BROWSER_URL'] to https://{ory.netloc}."
    return failure(Check.SCHEMES, Problem.SCHEMES_MIXED, found, fix)


def evaluate_login_page(facts: Facts, endpoint: Endpoint, view: BrowserView) -> Finding:
    check, project, seconds = Check.LOGIN_PAGE, facts.project, endpoint.login_redirect.seconds
    page, origin = endpoint.login_redirect.headers.get("location", ""), view.login_page
    if origin is None:
        summary = endpoint.login_redirect.summary
        return unknown(check, f"Ory did not redirect to a login page ({summary})", seconds)
    url = redact(page)
    if not allows(project.hosts, origin.host):
        if origin == Origin.of(endpoint.url):
            return ok(check, f"Ory's login page at {url}", seconds)
        if origin.host == view.canonical_loopback_host:
            return skipped(check, f"{url}, which is right; this site has to use that name: {SEE_COOKIES}")
        found = f"Ory redirects browsers to {url}, which is not on a host in ALLOWED_HOSTS."
        return warning(check, Problem.LOGIN_PAGE_ELSEWHERE, found, _describe_ui_url_fix(project, view, origin), seconds)
    if project.login_path and urlsplit(page).path == project.login_path:
        if project.serves_login_page:
            return ok(check, f"Ory redirects browsers to {url}, which is ory_auth:login", seconds)
        if project.has_message(HIDDEN_PAGES):
            return skipped(
                check, f"Ory redirects browsers to {url}, but another view answers there: see {HIDDEN_PAGES}"
            )
    if facts.login_page_exists:
        return ok(check, f"Ory redirects browsers to {url}, a page of this project", seconds)
    found = f"Ory redirects browsers to {url}, but this project has no page there."
    fix = _describe_ui_url_fix(project, view, origin)
    if not project.login_path:
        fix = (
            'Add path("auth/", include("ory_auth.urls")) to your URLs, and set selfservice.flows.login.ui_url in '
            "Kratos' configuration to its login page."
        )
    return failure(check, Problem.LOGIN_PAGE_MISSING, found, fix, seconds)


def _describe_ui_url_fix(project: Project, view: BrowserView, login_page: Origin) -> str:
    path, site = project.login_path, view.sites[0] if view.sites else login_page
    local = ""
    if path and is_loopback(site.host):
        local = local_ory_option(f"--ui-base {site}{path.removesuffix('/login')}")
    return (
        f"Set selfservice.flows.login.ui_url to {site}{path} in Kratos' configuration, and the ui_url of the other "
        f"flows accordingly{local}."
    )


def evaluate_return_to(results: Sequence[tuple[Origin, HttpResult]], view: BrowserView) -> Iterator[Finding]:
    check = Check.RETURN_TO
    if not results:
        yield unknown(check, NO_HOSTS)
        return
    refused = [origin for origin, result in results if result.error.get("id") == RETURN_TO_FORBIDDEN]
    accepted = [origin for origin, result in results if result.status == 200]
    seconds = sum(result.seconds for _, result in results) / len(results)
    irrelevant = _find_sites_to_change(view, any_accepted=bool(accepted))
    if relevant := [origin for origin in refused if origin not in irrelevant]:
        found = f"Ory refuses to send people back to {join_origins(relevant)}."
        urls = " and ".join(f"{origin}/" for origin in relevant)
        fix = f"Add {urls} to selfservice.allowed_return_urls in Kratos' configuration (Ory Network: allowed URLs)"
        fix += (local_ory_option(f"--allow-return-to {relevant[0]}") if is_loopback(relevant[0].host) else "") + "."
        level = warning if accepted else failure
        yield level(check, Problem.RETURN_TO_REFUSED, found, fix, seconds)
    if accepted:
        yield ok(check, f"Ory sends people back to {join_origins(accepted)}", seconds)
    elif not refused:
        yield unknown(check, f"Ory did not start a login flow ({results[0][1].summary})", seconds)
    elif not relevant:
        yield skipped(check, f"Ory refuses to send people back to {join_origins(refused)}: {SEE_COOKIES}")


def _find_sites_to_change(view: BrowserView, *, any_accepted: bool) -> list[Origin]:
    """The sites that people cannot use until the findings about cookies are fixed, so that ``return_to`` can wait."""
    if any_accepted:
        return view.sites_with(HostRelation.OTHER_LOOPBACK_NAME, HostRelation.OTHER_DOMAIN)
    if view.canonical_loopback_host == view.ory.host:
        return view.sites_with(HostRelation.OTHER_LOOPBACK_NAME)
    return []


def _evaluate_cors(preflights: Sequence[tuple[str, HttpResult]]) -> Iterator[Finding]:
    if not preflights:
        yield skipped(Check.CORS, "not tested: CSRF_TRUSTED_ORIGINS names no other origin")
    for origin, result in preflights:
        is_allowed = result.headers.get("access-control-allow-origin") == origin
        if is_allowed and result.headers.get("access-control-allow-credentials") == "true":
            yield ok(Check.CORS, f"pages of {origin} can call Ory with cookies", result.seconds)
            continue
        found = f"Pages of {origin} cannot call Ory with cookies."
        fix = (
            f"If those pages call Ory, add {origin} to serve.public.cors.allowed_origins in Kratos' configuration, and "
            "set enabled and allow_credentials to true there (Ory Network: CORS)."
        )
        yield warning(Check.CORS, Problem.CORS_REFUSED, found, fix, result.seconds)
