"""Ory as browsers meet it, and by which names: read from the facts, for the rules about browsers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from http.cookies import Morsel

from ...ory.addresses import Origin, is_loopback
from ...ory.cookies import CSRF_PREFIX, covers, read_set_cookie
from ..facts.http_result import Reply
from ..facts.model import Endpoint, Facts


@dataclass(frozen=True, slots=True)
class Met:
    """What a browser comes to know of Ory before anybody is signed in."""

    ory: Origin  # where browsers are sent
    key: str  # of ORY_AUTH, that says so
    own: Origin | None  # where Ory believes to be: the address in the form of a login flow
    page: Origin | None  # where its login page is
    cookie: Morsel[str] | None = field(repr=False)  # the CSRF cookie that came with a login flow

    @classmethod
    def of(cls, facts: Facts, entrance: Endpoint, browser_url: str) -> Met | None:
        """``None`` where ``BROWSER_URL`` has no host."""
        ory = Origin.of(browser_url)
        if ory is None:
            return None
        ui = entrance.flow.content.get("ui")
        action = ui.get("action") if isinstance(ui, dict) else None
        return cls(
            ory,
            "BROWSER_URL" if "BROWSER_URL" in facts.project.keys else "SDK_URL",
            Origin.of(action) if isinstance(action, str) else None,
            Origin.of(entrance.page.header.get("location", "")),
            csrf_cookie(entrance.flow),
        )

    @property
    def domain(self) -> str:
        """For which hosts its cookies are; empty where for its own alone."""
        return self.cookie["domain"].lstrip(".").lower() if self.cookie is not None else ""

    def reaches(self, site: Origin) -> bool:
        """Whether a browser that got this cookie from Ory sends it to the site, as far as its ``Domain`` decides."""
        return covers(self.domain, site.host) if self.domain else site.host == self.ory.host

    def named_otherwise(self, sites: Sequence[Origin]) -> list[Origin]:
        """The sites that cookies do not reach only because they have another name of this machine than Ory."""
        if self.cookie is None or not is_loopback(self.ory.host) or (self.domain and not self.reaches(self.ory)):
            return []
        return [site for site in sites if is_loopback(site.host) and not self.reaches(site)]

    def one_name(self, sites: Sequence[Origin]) -> str:
        """The name of this machine that this site and Ory are to have both: that of the login page, of Ory's own URL,
        or of this site, whichever of them has one first. Empty where there are no two names.
        """
        otherwise = self.named_otherwise(sites)
        if not otherwise:
            return ""
        hosts = {site.host for site in otherwise} | {self.ory.host}
        wanted = [site.host for site in (self.page, self.own) if site and site.host in hosts]
        return (wanted or [self.ory.host if any(map(self.reaches, sites)) else otherwise[0].host])[0]


def csrf_cookie(flow: Reply | None) -> Morsel[str] | None:
    """The CSRF cookie that came with a login flow."""
    lines = flow.answer.cookies if flow and flow.answer else ()
    morsels = (read_set_cookie(line) for line in lines)
    return next((morsel for morsel in morsels if morsel is not None and morsel.key.startswith(CSRF_PREFIX)), None)
