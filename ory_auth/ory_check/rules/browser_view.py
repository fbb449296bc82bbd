"""Ory as browsers see it before sign-in, and whether its cookies reach this site."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from http.cookies import Morsel

from ...ory.addresses import Origin, is_loopback
from ...ory.cookies import CSRF_PREFIX, domain_covers, read_set_cookie
from ..facts.http_result import HttpResult
from ..facts.model import Endpoint, Facts


class HostRelation(Enum):
    """How the host of a site relates to the host of Ory. Ory's cookies reach only the first two."""

    SAME_HOST = auto()
    SHARED_DOMAIN = auto()  # the Domain of Ory's cookies covers both
    OTHER_LOOPBACK_NAME = auto()  # both are this machine, such as localhost and 127.0.0.1
    OTHER_DOMAIN = auto()


@dataclass(frozen=True, slots=True)
class BrowserView:
    """What a browser that comes from these sites sees of Ory."""

    ory: Origin  # BROWSER_URL
    key: str  # of ORY_AUTH that BROWSER_URL comes from
    sites: tuple[Origin, ...]
    base_url: Origin | None  # what Ory takes for its own origin: that of the form in a login flow
    login_page: Origin | None  # where Ory redirects browsers for a login
    csrf_cookie: Morsel[str] | None = field(repr=False)  # which stands for all cookies of Ory

    @classmethod
    def of(cls, facts: Facts, endpoint: Endpoint, browser_url: str) -> BrowserView | None:
        """``None`` if ``BROWSER_URL`` has no host."""
        ory = Origin.of(browser_url)
        if ory is None:
            return None
        ui = endpoint.login_flow.json.get("ui")
        action = ui.get("action") if isinstance(ui, dict) else None
        return cls(
            ory,
            "BROWSER_URL" if "BROWSER_URL" in facts.project.keys else "SDK_URL",
            facts.sites,
            Origin.of(action) if isinstance(action, str) else None,
            Origin.of(endpoint.login_redirect.headers.get("location", "")),
            find_csrf_cookie(endpoint.login_flow),
        )

    @property
    def cookie_domain(self) -> str:
        """The ``Domain`` of Ory's cookies; empty if they are for Ory's host only."""
        return self.csrf_cookie["domain"].lstrip(".").lower() if self.csrf_cookie is not None else ""

    def relation(self, site: Origin) -> HostRelation:
        if self.cookie_domain:
            if domain_covers(self.cookie_domain, site.host):
                return HostRelation.SHARED_DOMAIN
        elif site.host == self.ory.host:
            return HostRelation.SAME_HOST
        are_loopback = is_loopback(site.host) and is_loopback(self.ory.host)
        if are_loopback and domain_covers(self.cookie_domain, self.ory.host):
            return HostRelation.OTHER_LOOPBACK_NAME
        return HostRelation.OTHER_DOMAIN

    def sites_with(self, *relations: HostRelation) -> list[Origin]:
        """The sites with one of these relations; none if Ory set no cookie."""
        return [site for site in self.sites if self.csrf_cookie is not None and self.relation(site) in relations]

    @property
    def sites_with_cookies(self) -> list[Origin]:
        """The sites that Ory's cookies reach."""
        return self.sites_with(HostRelation.SAME_HOST, HostRelation.SHARED_DOMAIN)

    @property
    def canonical_loopback_host(self) -> str:
        """The one loopback name that this site and Ory should both use; empty if they don't have different ones.

        It is the name in Ory's login page, else in Ory's base URL, else that of this site.
        """
        others = self.sites_with(HostRelation.OTHER_LOOPBACK_NAME)
        if not others:
            return ""
        hosts = {site.host for site in others} | {self.ory.host}
        for origin in (self.login_page, self.base_url):
            if origin and origin.host in hosts:
                return origin.host
        return self.ory.host if self.sites_with_cookies else others[0].host


def find_csrf_cookie(flow: HttpResult) -> Morsel[str] | None:
    """The CSRF cookie that came with a flow."""
    lines = flow.response.cookies if flow.response else ()
    morsels = (read_set_cookie(line) for line in lines)
    return next((morsel for morsel in morsels if morsel is not None and morsel.key.startswith(CSRF_PREFIX)), None)
