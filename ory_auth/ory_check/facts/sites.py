"""The origins at which people open this project, derived from its settings and from Ory's login page."""

from __future__ import annotations

from django.http.request import validate_host

from ...ory.addresses import DEVELOPMENT_HOSTS, Origin, is_domain_name, is_loopback
from .model import Hosts

RUNSERVER = "127.0.0.1", 8000


def find_sites(hosts: Hosts, browser_url: str, login_page: str) -> tuple[Origin, ...]:
    """The origins at which browsers open this project; empty if the settings allow any host (``*``).

    Settings name hosts without scheme and port. ``login_page``, the URL to which Ory sends browsers, has both. Without
    one, the scheme is that of ``BROWSER_URL``.
    """
    if hosts.site_options:
        return tuple(site for url in hosts.site_options if (site := Origin.of(url)))
    page = Origin.of(login_page)
    if page and not allows(hosts, page.host):
        page = None
    if hosts.debug and not hosts.allowed:
        return (page or Origin("http", *RUNSERVER),)
    trusted = [Origin.of(origin.replace("://*.", "://")) for origin in hosts.trusted_origins]
    sites = [site for site in (page, *trusted) if site and allows(hosts, site.host)]
    scheme = page.scheme if page else (Origin.of(browser_url) or Origin("https", "")).scheme
    for pattern in hosts.allowed:
        host = pattern.lstrip(".").strip("[]").lower()
        if host != "*" and host not in {site.host for site in sites}:
            sites.append(Origin(scheme, host, _guess_port(host, page)))
    return _select_opened_by_people(tuple(dict.fromkeys(sites)), page, hosts.debug)


def allows(hosts: Hosts, host: str) -> bool:
    """Whether this project accepts requests for this host."""
    allowed = hosts.allowed or (DEVELOPMENT_HOSTS if hosts.debug else ())
    return validate_host(f"[{host}]" if ":" in host else host, list(allowed))


def cross_origin_callers(hosts: Hosts) -> tuple[str, ...]:
    """The origins outside this project whose pages call its API."""
    origins = [Origin.of(origin) for origin in (*hosts.cors_origins, *hosts.trusted_origins) if "*" not in origin]
    return tuple(dict.fromkeys(str(origin) for origin in origins if origin and not allows(hosts, origin.host)))


def _guess_port(host: str, page: Origin | None) -> int | None:
    if not is_loopback(host):
        return None
    return page.port if page and is_loopback(page.host) else RUNSERVER[1]


def _select_opened_by_people(sites: tuple[Origin, ...], page: Origin | None, debug: bool) -> tuple[Origin, ...]:
    """Domain names in production and loopback names in development, not the hosts of containers and health checks."""
    kinds = [is_loopback, is_domain_name] if debug else [is_domain_name, is_loopback]
    if page:
        kinds.sort(key=lambda is_kind: not is_kind(page.host))  # the kind of the login page comes first
    for is_kind in kinds:
        if selected := tuple(site for site in sites if is_kind(site.host)):
            return selected
    return sites
