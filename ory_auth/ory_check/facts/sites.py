"""Where people open this project, as far as its settings and Ory's login page tell. Pure functions."""

from __future__ import annotations

from django.http.request import validate_host

from ...ory.addresses import DEVELOPMENT_HOSTS, Origin, is_domain_name, is_loopback
from .model import Hosts

RUNSERVER = "127.0.0.1", 8000


def sites(hosts: Hosts, browser_url: str, login_page: str) -> tuple[Origin, ...]:
    """The origins at which browsers open this project; empty where the settings leave them open (``*``).

    Settings name hosts without scheme and port. Where Ory sends browsers (``login_page``) tells both; without it the
    scheme is that of ``BROWSER_URL``. Of several kinds of hosts those count that people open: names in production,
    this machine's in development, not those of containers and health checks.
    """
    if hosts.given:
        return tuple(site for url in hosts.given if (site := Origin.of(url)))
    page = Origin.of(login_page)
    if page and not allows(hosts, page.host):
        page = None
    if hosts.debug and not hosts.allowed:
        return (page or Origin("http", *RUNSERVER),)
    named = [Origin.of(origin.replace("://*.", "://")) for origin in hosts.origins]
    found = [site for site in (page, *named) if site and allows(hosts, site.host)]
    scheme = page.scheme if page else (Origin.of(browser_url) or Origin("https", "")).scheme
    for pattern in hosts.allowed:
        host = pattern.lstrip(".").strip("[]").lower()
        if host != "*" and host not in {site.host for site in found}:
            found.append(Origin(scheme, host, _port(host, page)))
    return _opened(tuple(dict.fromkeys(found)), page, hosts.debug)


def allows(hosts: Hosts, host: str) -> bool:
    """Whether this project answers to that host."""
    allowed = hosts.allowed or (DEVELOPMENT_HOSTS if hosts.debug else ())
    return validate_host(f"[{host}]" if ":" in host else host, list(allowed))


def pages_elsewhere(hosts: Hosts) -> tuple[str, ...]:
    """Origins of pages that call this project's API and are not this project."""
    found = (
        site for origin in (*hosts.api_origins, *hosts.origins) if "*" not in origin and (site := Origin.of(origin))
    )
    return tuple(dict.fromkeys(str(site) for site in found if not allows(hosts, site.host)))


def _port(host: str, page: Origin | None) -> int | None:
    if not is_loopback(host):
        return None
    return page.port if page and is_loopback(page.host) else RUNSERVER[1]


def _opened(found: tuple[Origin, ...], page: Origin | None, debug: bool) -> tuple[Origin, ...]:
    kinds = [is_loopback, is_domain_name] if debug else [is_domain_name, is_loopback]
    if page:
        kinds.sort(key=lambda kind: not kind(page.host))
    for kind in kinds:
        if chosen := tuple(site for site in found if kind(site.host)):
            return chosen
    return found
