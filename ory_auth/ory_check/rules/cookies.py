"""Whether cookies that Ory sets in a browser come to this project, judged from the CSRF cookie that anybody gets.

Follows RFC 6265bis (Domain, Secure, SameSite with schemes) and the public suffix list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http.cookies import Morsel

from ...ory.addresses import Origin, is_domain_name, is_internal, is_loopback, is_public_suffix, registrable_domain
from ...ory.cookies import covers
from .browser_view import Met
from .connection import is_network
from .findings import Check, Finding, Problem, failure, ok, unknown, warning


def judge_cookies(sites: Sequence[Origin], met: Met) -> Iterator[Finding]:
    """A finding for each thing that keeps Ory's cookies from these sites, or one that nothing does."""
    domain, ory = met.domain, met.ory
    if met.cookie is None:
        yield unknown(Check.COOKIES, "Ory set no CSRF cookie with its login flow")
        return
    if (refused := _refused(domain, ory)) is not None:
        yield refused
        return
    here, near = [site for site in sites if met.reaches(site)], met.named_otherwise(sites)
    far = [site for site in sites if site not in here and site not in near]
    # Where Ory itself sends people they have to be signed in.
    page = met.page.host if met.page else ""
    if near:
        serious = not here or met.one_name(sites) != ory.host
        say = failure if serious else warning
        yield say(Check.COOKIES, Problem.COOKIE_OTHER_LOOPBACK, *_two_names(near, sites, met))
    if far:
        say = failure if not here or page in {site.host for site in far} else warning
        of = f"the domain {domain}" if domain else f"the host {ory.host}"
        found = f"Ory's cookies are for {of}: browsers do not send them to {_listed(far)}."
        yield say(Check.COOKIES, Problem.COOKIE_OTHER_DOMAIN, found, _way_here(far[0], ory))
    yield from _attributes(met.cookie, ory, sites)
    if here:
        of = f"for {domain} and what is under it" if domain else f"for the host {ory.host}"
        yield ok(Check.COOKIES, f"Ory sets them {of}: browsers send them to {_listed(here)}")


def _refused(domain: str, ory: Origin) -> Finding | None:
    if domain and not covers(domain, ory.host):
        found = f"Browsers refuse Ory's cookies: their Domain {domain} does not cover {ory.host} in BROWSER_URL."
        fix = (
            "Remove cookies.domain from Kratos' configuration, "
            f"or set ORY_AUTH['BROWSER_URL'] to an address of Ory's under {domain}."
        )
        return failure(Check.COOKIES, Problem.COOKIE_DOMAIN_REFUSED, found, fix)
    if domain and domain != ory.host and is_public_suffix(domain):
        found = f"Browsers refuse Ory's cookies: their Domain {domain} is a public suffix, under which anybody may be."
        fix = (
            f"Set cookies.domain to {registrable_domain(ory.host) or 'a domain of your own'} in Kratos' configuration."
        )
        return failure(Check.COOKIES, Problem.COOKIE_DOMAIN_REFUSED, found, fix)
    return None


def _two_names(near: Sequence[Origin], sites: Sequence[Origin], met: Met) -> tuple[str, str]:
    """What is wrong, and how to mend it, where both are on this machine by different names."""
    ory, name = met.ory, met.one_name(sites)
    found = f"{near[0].host} and {ory.host} are two hosts to a browser: Ory's cookies do not come to {_listed(near)}."
    if name == ory.host:
        fix = f"Open this site at {Origin(near[0].scheme, name, near[0].port)}"
        return found, fix + ("." if name in {site.host for site in sites} else f", and add {name!r} to ALLOWED_HOSTS.")
    also, local = "", ""
    if met.own and met.own.host == ory.host:
        also, local = " and Kratos' serve.public.base_url", by_local_ory(f"--host {name}")
    return found, f"Set ORY_AUTH[{met.key!r}]{also} to {Origin(ory.scheme, name, ory.port)}{local}."


def by_local_ory(option: str) -> str:
    """What to do instead of changing Kratos' configuration, where a local Ory answers on this machine."""
    return f" (a local Ory: manage.py ory_local {option})"


def _way_here(site: Origin, ory: Origin) -> str:
    """What brings the cookies of ``ory`` to ``site``, in one sentence."""
    own = registrable_domain(site.host)
    if own and own == registrable_domain(ory.host):
        return f"Set cookies.domain to {own} in Kratos' configuration."
    if is_loopback(site.host) and is_internal(ory.host):
        return (
            f"Set ORY_AUTH['BROWSER_URL'] to Ory's address on {site.host}, and Kratos' serve.public.base_url with it."
        )
    if is_loopback(site.host):
        return f"Run 'ory tunnel {site}', and set ORY_AUTH['BROWSER_URL'] to the tunnel's address; or use a local Ory."
    own = own or "this site's domain"
    custom = f"Give the project a custom domain under {own} in the Ory Console"
    proxied = f"Give Ory a host under {own}, set cookies.domain to {own} in Kratos' configuration"
    return f"{custom if is_network(str(ory)) else proxied}, and set ORY_AUTH['BROWSER_URL'] to its address."


def _listed(sites: Sequence[Origin]) -> str:
    return ", ".join(map(str, sites))


def _attributes(cookie: Morsel[str], ory: Origin, sites: Sequence[Origin]) -> Iterator[Finding]:
    secure, same_site = bool(cookie["secure"]), str(cookie["samesite"]).lower()
    plain = next((site for site in (ory, *sites) if site.scheme == "http"), None)
    if secure and plain:
        found = f"Ory's cookies are Secure, and {plain} is http: browsers do not keep or send them there"
        found += "." if is_domain_name(plain.host) else ", some not even on this machine."
        fix = "Serve Ory and this site by https (BROWSER_URL and ui_url too); in development start Kratos with --dev."
        say = warning if is_loopback(plain.host) else failure
        yield say(Check.COOKIES, Problem.COOKIE_SECURE, found, fix)
    if same_site == "none" and not secure:
        found = "Ory's cookies are SameSite=None without Secure: browsers refuse them."
        fix = "Set cookies.same_site to Lax in Kratos' configuration."
        yield failure(Check.COOKIES, Problem.COOKIE_SAMESITE, found, fix)
    if same_site == "strict":
        found = "Ory's cookies are SameSite=Strict: people who come by a link from elsewhere look signed out."
        fix = "Set cookies.same_site to Lax in Kratos' configuration."
        yield warning(Check.COOKIES, Problem.COOKIE_SAMESITE, found, fix)
