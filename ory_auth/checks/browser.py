"""Whether a browser can use this site together with Ory: URLs, cookies, https, and the content security policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage

from ..conf import Conf
from ..ory.addresses import host_of, is_https, is_internal, is_loopback, is_ory_network
from ..ory.network import USE_GATEWAY
from ..ory.source_lists import allows
from . import site
from .hosts import can_share_cookies_with_pattern, key_in_use, site_hosts
from .message import make_message
from .ory_urls import PUBLIC_PORT

ORY_PORTS = (PUBLIC_PORT, 4000)  # of Kratos and ``ory tunnel``; this site has another port


def check_browser_url(conf: Conf) -> Iterator[CheckMessage]:
    """Whether a browser can reach Ory, and whether Ory's cookies can reach this site."""
    ory, hosts, key = host_of(conf.browser_url), site_hosts(), key_in_use("BROWSER_URL")
    if not site.has_urls() or conf.uses_gateway:
        return  # no browser is sent to Ory
    blocked = f"Browsers do not send Ory's cookies to this site: ORY_AUTH[{key!r}] is at {ory!r}"
    if is_ory_network(ory):
        yield make_message(
            "W007",
            f"{blocked}, a domain of Ory Network.",
            f"Let browsers reach Ory through this site: {USE_GATEWAY}. Or set ORY_AUTH['BROWSER_URL'] to a custom "
            "domain of the project under the domain of this site.",
        )
    elif not hosts or _reaches_this_site(ory):
        return
    elif is_internal(ory):
        yield make_message(
            "W006",
            f"ORY_AUTH[{key!r}] sends browsers to {ory!r}, an internal name that they cannot reach.",
            "Set ORY_AUTH['BROWSER_URL'] to the URL at which browsers reach the same API, or let them reach it through "
            f"this site: {USE_GATEWAY}. ORY_AUTH['SDK_URL'] stays the URL for this server.",
        )
    elif "*" not in hosts:
        yield make_message(
            "W007",
            f"{blocked}, and no host in ALLOWED_HOSTS can share cookies with it.",
            _same_host_hint(ory)
            if is_loopback(ory)
            else "Serve Ory under the domain of this site, such as auth.example.org for app.example.org, and set "
            f"ORY_AUTH['BROWSER_URL'] to that URL. Or let browsers reach Ory through this site: {USE_GATEWAY}.",
        )


def _reaches_this_site(ory: str) -> bool:
    """Whether cookies of this host can reach a host of this site."""
    return any(can_share_cookies_with_pattern(ory, pattern) for pattern in site_hosts() if pattern != "*")


def _same_host_hint(ory: str) -> str:
    other = next((host.lstrip(".") for host in site_hosts() if is_loopback(host.lstrip("."))), None)
    if other is None:
        return "Set ORY_AUTH['BROWSER_URL'] to a URL of Ory under the domain of this site."
    key = key_in_use("BROWSER_URL")
    return (
        f"Write {other!r} instead of {ory!r} in ORY_AUTH[{key!r}]: to a browser they are different hosts. For a local "
        f"Ory, run 'manage.py ory_local --host {other}'. For Kratos, change serve.public.base_url if it has {ory!r}."
    )


def check_browser_url_scheme(conf: Conf) -> Iterator[CheckMessage]:
    if conf.uses_gateway:
        return  # browsers use the scheme of this site
    ory, key = host_of(conf.browser_url), key_in_use("BROWSER_URL")
    if is_loopback(ory) or is_ory_network(ory) or (is_internal(ory) and not _reaches_this_site(ory)):
        return  # other checks report these
    mixed = is_https(conf.sdk_url) and host_of(conf.sdk_url) == ory
    if not is_https(conf.browser_url) and (not settings.DEBUG or is_site_https() or mixed):
        yield make_message(
            "W005",
            f"ORY_AUTH[{key!r}] is http: passwords and sessions are sent unencrypted.",
            f"Serve Ory's public API over https, and write https:// in ORY_AUTH[{key!r}].",
        )
    origins = [str(origin) for origin in settings.CSRF_TRUSTED_ORIGINS]
    if is_https(conf.browser_url) and origins and all(_is_plain_http(origin) for origin in origins):
        yield make_message(
            "W019",
            f"ORY_AUTH[{key!r}] is https, but this site is http (CSRF_TRUSTED_ORIGINS): browsers do not send Ory's "
            "cookies here.",
            "Serve this site over https, and write https:// in CSRF_TRUSTED_ORIGINS. Browsers send Secure cookies "
            "only over https.",
        )


def is_site_https() -> bool:
    """Whether the settings say that browsers use https."""
    require_https = (settings.SECURE_SSL_REDIRECT, settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE)
    return any(require_https) or any(is_https(str(origin)) for origin in settings.CSRF_TRUSTED_ORIGINS)


def _is_plain_http(origin: str) -> bool:
    return origin.startswith("http://") and not is_loopback(host_of(origin))


def check_form_action(conf: Conf) -> Iterator[CheckMessage]:
    """Browsers submit the forms of flows to Ory, which a content security policy has to allow."""
    key = key_in_use("BROWSER_URL")
    for name, sources in _form_actions():
        if not any(_allows(str(source), conf.browser_url) for source in sources):
            origin = "{0.scheme}://{0.netloc}".format(urlsplit(conf.browser_url))
            source = repr("'self'" if conf.uses_gateway else origin)
            yield make_message(
                "W020",
                f"'form-action' in {name} blocks forms to Ory (ORY_AUTH[{key!r}]).",
                f"Add {source} to 'form-action' in {name}.",
            )


def _form_actions() -> Iterator[tuple[str, Iterable[Any]]]:
    """The sources in Django's setting (6.0 and later) and in the settings of django-csp."""
    policies = {
        "SECURE_CSP": getattr(settings, "SECURE_CSP", None),
        "CONTENT_SECURITY_POLICY": (getattr(settings, "CONTENT_SECURITY_POLICY", None) or {}).get("DIRECTIVES"),
        "CSP_FORM_ACTION": {"form-action": getattr(settings, "CSP_FORM_ACTION", None)},
    }
    for name, policy in policies.items():
        sources = policy.get("form-action") if isinstance(policy, Mapping) else None
        if isinstance(sources, str):
            yield name, sources.split()
        elif isinstance(sources, (list, tuple, set, frozenset)):
            yield name, sources


def _allows(source: str, url: str) -> bool:
    """Whether a source allows this URL.

    ``'self'`` allows it if Ory may be behind this site's host and port.
    """
    parts = urlsplit(url)
    if not parts.scheme:  # the gateway, on this site
        return (
            source in {"*", "'self'", "http:", "https:"} or host_of(f"//{source.rpartition('//')[2]}") in site_hosts()
        )
    if source == "'self'":
        return parts.port not in ORY_PORTS and any(host in {"*", parts.hostname} for host in site_hosts())
    return allows(source, url)
