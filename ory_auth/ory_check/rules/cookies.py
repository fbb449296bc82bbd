"""Whether browsers send Ory's cookies to this site.

The CSRF cookie, which every browser gets, stands for all of Ory's cookies. The rules are those of RFC 6265bis (Domain,
Secure, SameSite with schemes) and of the public suffix list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from http.cookies import Morsel

from ...ory.addresses import (
    Origin,
    can_share_cookies,
    is_internal,
    is_loopback,
    is_ory_network,
    is_public_suffix,
    registrable_domain,
)
from ...ory.cookies import domain_covers
from ...ory.network import USE_GATEWAY
from ..facts.model import Hosts
from ..facts.sites import allows
from .browser_view import BrowserView, HostRelation
from .findings import Check, Finding, Problem, failure, ok, unknown, warning


def evaluate_cookies(view: BrowserView, hosts: Hosts) -> Iterator[Finding]:
    """One finding for each problem, and one for the sites that get the cookies."""
    if view.csrf_cookie is None:
        yield unknown(Check.COOKIES, "Ory set no CSRF cookie with a login flow")
        return
    if (rejected := _find_rejected_domain(view)) is not None:
        yield rejected
        return
    yield from _evaluate_loopback_names(view, hosts)
    yield from _evaluate_other_domains(view)
    yield from _evaluate_attributes(view.csrf_cookie, (view.ory, *view.sites))
    if reached := view.sites_with_cookies:
        domain = view.cookie_domain
        scope = f"the domain {domain}" if domain else f"the host {view.ory.host}"
        yield ok(Check.COOKIES, f"Ory's cookies are for {scope}: browsers send them to {join_origins(reached)}")


def local_ory_option(option: str) -> str:
    """The option of the local Ory that does the same as a change of Kratos' configuration."""
    return f" (local Ory: manage.py ory_local {option})"


def join_origins(sites: Iterable[Origin]) -> str:
    return ", ".join(map(str, sites))


def _find_rejected_domain(view: BrowserView) -> Finding | None:
    domain, ory = view.cookie_domain, view.ory
    if domain and not domain_covers(domain, ory.host):
        found = f"Browsers reject Ory's cookies: their Domain {domain} does not cover {ory.host} in BROWSER_URL."
        fix = (
            "Remove cookies.domain from Kratos' configuration, or set ORY_AUTH['BROWSER_URL'] to an address of Ory "
            f"under {domain}."
        )
        return failure(Check.COOKIES, Problem.COOKIE_DOMAIN_REFUSED, found, fix)
    if domain and domain != ory.host and is_public_suffix(domain):
        found = f"Browsers reject Ory's cookies: their Domain {domain} is a public suffix, shared by unrelated sites."
        fix = f"Set cookies.domain to {registrable_domain(ory.host) or 'a domain of yours'} in Kratos' configuration."
        return failure(Check.COOKIES, Problem.COOKIE_DOMAIN_REFUSED, found, fix)
    return None


def _evaluate_loopback_names(view: BrowserView, hosts: Hosts) -> Iterator[Finding]:
    sites, ory, host = view.sites_with(HostRelation.OTHER_LOOPBACK_NAME), view.ory, view.canonical_loopback_host
    if not sites:
        return
    found = f"Browsers do not send Ory's cookies to {join_origins(sites)}: "
    found += f"{sites[0].host} and {ory.host} are different hosts."
    if host == ory.host:
        fix = f"Open this site at {Origin(sites[0].scheme, host, sites[0].port)}"
        fix += "." if allows(hosts, host) else f", and add {host!r} to ALLOWED_HOSTS."
    else:
        also, local = "", ""
        if view.base_url and view.base_url.host == ory.host:
            also, local = " and Kratos' serve.public.base_url", local_ory_option(f"--host {host}")
        fix = f"Set ORY_AUTH[{view.key!r}]{also} to {Origin(ory.scheme, host, ory.port)}{local}."
    blocks_sign_in = not view.sites_with_cookies or host != ory.host
    level = failure if blocks_sign_in else warning
    yield level(Check.COOKIES, Problem.COOKIE_OTHER_LOOPBACK, found, fix)


def _evaluate_other_domains(view: BrowserView) -> Iterator[Finding]:
    sites = view.sites_with(HostRelation.OTHER_DOMAIN)
    if not sites:
        return
    scope = f"the domain {view.cookie_domain}" if view.cookie_domain else f"the host {view.ory.host}"
    found = f"Ory's cookies are for {scope}: browsers do not send them to {join_origins(sites)}."
    hosts = {site.host for site in sites}
    has_login_page = view.login_page is not None and view.login_page.host in hosts
    level = failure if has_login_page or not view.sites_with_cookies else warning
    yield level(Check.COOKIES, Problem.COOKIE_OTHER_DOMAIN, found, _describe_domain_fix(sites[0], view.ory))


def _describe_domain_fix(site: Origin, ory: Origin) -> str:
    """What brings the cookies of ``ory`` to ``site``."""
    domain = registrable_domain(site.host)
    if domain and can_share_cookies(site.host, ory.host):
        return f"Set cookies.domain to {domain} in Kratos' configuration."
    if is_loopback(site.host) and is_internal(ory.host):
        return f"Set ORY_AUTH['BROWSER_URL'] and Kratos' serve.public.base_url to Ory's address on {site.host}."
    if is_loopback(site.host):
        return f"Let browsers reach Ory through this site: {USE_GATEWAY}. Or use a local Ory."
    domain = domain or "this site's domain"
    if is_ory_network(ory.host):
        setup = f"Let browsers reach Ory through this site: {USE_GATEWAY}. "
        setup += f"Or give the project a custom domain under {domain}"
    else:
        setup = f"Give Ory a host under {domain}, set cookies.domain to {domain} in Kratos' configuration"
    return f"{setup}, and set ORY_AUTH['BROWSER_URL'] to its address."


def _evaluate_attributes(cookie: Morsel[str], origins: Sequence[Origin]) -> Iterator[Finding]:
    secure, same_site = bool(cookie["secure"]), str(cookie["samesite"]).lower()
    plain = next((origin for origin in origins if origin.scheme == "http"), None)
    if secure and plain:
        browsers = "some browsers" if is_loopback(plain.host) else "browsers"
        found = f"Ory's cookies are Secure, but {plain} is http: {browsers} do not store or send them there."
        fix = (
            "Serve Ory and this site over https, and change BROWSER_URL and Kratos' ui_url settings accordingly. "
            "In development, start Kratos with --dev."
        )
        level = warning if is_loopback(plain.host) else failure
        yield level(Check.COOKIES, Problem.COOKIE_SECURE, found, fix)
    if same_site == "none" and not secure:
        found = "Browsers reject Ory's cookies: they are SameSite=None without Secure."
        fix = "Set cookies.same_site to Lax in Kratos' configuration."
        yield failure(Check.COOKIES, Problem.COOKIE_SAMESITE, found, fix)
    if same_site == "strict":
        found = "Ory's cookies are SameSite=Strict: people who follow a link from another site look signed out."
        fix = "Set cookies.same_site to Lax in Kratos' configuration."
        yield warning(Check.COOKIES, Problem.COOKIE_SAMESITE, found, fix)
