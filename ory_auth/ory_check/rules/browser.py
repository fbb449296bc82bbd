"""What a browser on this project's hosts will meet at Ory, judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from ...ory.addresses import Origin, is_domain_name, is_internal, is_loopback, redact
from ..facts.model import Endpoint, Facts, Speaker
from ..facts.sites import allows
from .browser_view import Met, csrf_cookie
from .connection import is_network, judge_reached, judge_speaker
from .cookies import by_local_ory, judge_cookies
from .findings import Check, Finding, Problem, failure, ok, skipped, unknown, warning

NO_HOSTS = "ALLOWED_HOSTS names no host: give --site URL with the address that people open"
HIDDEN_PAGES = "ory_auth.W028"  # another view answers in the place of our pages
BELOW, ABOVE = "see the line about cookies below", "see the line about cookies above"


def judge_browser(facts: Facts) -> Iterator[Finding]:
    entrance, conf = facts.entrance, facts.project.conf
    if not facts.answers or entrance is None or conf is None:
        return
    met = Met.of(facts, entrance, conf.browser_url)
    if met is None:
        return
    if (internal := _internal(facts, conf.browser_url, met.own)) is not None:
        yield internal
    else:
        yield _browser_url(facts, conf.browser_url)
        yield _base_url(facts, entrance, met)
    if facts.sites:
        yield _schemes(facts.sites, conf.browser_url)
        yield from judge_cookies(facts.sites, met)
    else:
        yield unknown(Check.COOKIES, NO_HOSTS)
    yield _login_page(facts, entrance, met)
    yield from _return_to(facts, met) if facts.returns else [unknown(Check.RETURN_TO, NO_HOSTS)]
    yield from _cors(facts)


def _internal(facts: Facts, url: str, own: Origin | None) -> Finding | None:
    host = urlsplit(url).hostname or ""
    people_elsewhere = any(is_domain_name(site.host) and not is_internal(site.host) for site in facts.sites)
    if not (is_internal(host) or (is_loopback(host) and people_elsewhere)):
        return None
    found = f"No browser elsewhere gets to BROWSER_URL {redact(url)}, and every redirect and form goes there."
    known = own is not None and not is_internal(own.host) and not (is_loopback(own.host) and people_elsewhere)
    example = f" (Ory takes itself to be at {own})" if known else ""
    fix = f"Set ORY_AUTH['BROWSER_URL'] to the address at which browsers reach Ory's public API{example}."
    return failure(Check.BROWSER_URL, Problem.BROWSER_URL_INTERNAL, found, fix)


def _browser_url(facts: Facts, url: str) -> Finding:
    check, host = Check.BROWSER_URL, urlsplit(url).hostname or ""
    browser = facts.browser
    if browser is None:
        return ok(check, f"{redact(url)}, as SDK_URL")
    if browser.reached.trouble:
        if is_loopback(host):
            return unknown(
                check,
                f"nobody answers at {redact(url)} on this machine, as in a container; a browser's is another",
            )
        wrong = next(
            finding
            for finding in judge_reached("BROWSER_URL", url, browser.reached, debug=facts.project.hosts.debug)
            if finding.fix
        )
        return warning(check, Problem.BROWSER_URL_UNREACHABLE, wrong.found, wrong.fix, wrong.seconds)
    if browser.speaker is not Speaker.ORY:
        return judge_speaker("BROWSER_URL", browser, has_admin_url=facts.has_admin_url)
    mine, theirs = csrf_cookie(facts.sdk.flow if facts.sdk else None), csrf_cookie(browser.flow)
    if mine and theirs and mine.key != theirs.key and not is_network(facts.sdk.url if facts.sdk else ""):
        found = f"At BROWSER_URL {redact(url)} is another Ory than at SDK_URL: their CSRF cookies have different names."
        fix = "Set ORY_AUTH['SDK_URL'] and ['BROWSER_URL'] to two addresses of one Ory."
        return failure(check, Problem.BROWSER_URL_OTHER_ORY, found, fix)
    return ok(check, f"{redact(url)} is the same Ory", browser.whoami[0].seconds)


def _base_url(facts: Facts, entrance: Endpoint, met: Met) -> Finding:
    """Where Ory believes to be is in the mails, redirects and callbacks that it makes."""
    own, wanted, key, seconds = met.own, met.ory, met.key, entrance.flow.seconds
    if own is None:
        return unknown(Check.BASE_URL, f"Ory began no login flow ({entrance.flow.told})", seconds)
    if own == wanted:
        return ok(Check.BASE_URL, f"Ory takes itself to be at {own}, as {key} says", seconds)
    two_names = is_loopback(own.host) and is_loopback(wanted.host) and own.host != wanted.host
    if two_names and met.one_name(facts.sites) == own.host:
        return skipped(Check.BASE_URL, f"Ory takes itself to be at {own}, and {key} is to have that name: {BELOW}")
    found = f"Ory takes itself to be at {own}, and {key} is {wanted}: {_other(own, wanted)} in its redirects."
    if two_names:
        found = f"{found} {own.host} and {wanted.host} are two hosts to a browser."
    fix = f"Set serve.public.base_url to {wanted} in Kratos' configuration"
    if two_names:
        fix += by_local_ory(f"--host {wanted.host}")
    fix += "." if two_names or is_internal(own.host) else f", or ORY_AUTH[{key!r}] to {own}."
    if is_network(entrance.url):
        fix = f"Set ORY_AUTH['BROWSER_URL'] to {own}, or to the custom domain or tunnel that Ory knows of."
    return failure(Check.BASE_URL, Problem.BASE_URL_DIFFERS, found, fix, seconds)


def _other(own: Origin, wanted: Origin) -> str:
    """What the first has that the second has not."""
    if is_internal(own.host):
        return "an internal address"
    if own.host != wanted.host:
        return "another host"
    return "another scheme" if own.scheme != wanted.scheme else "another port"


def _schemes(sites: tuple[Origin, ...], browser_url: str) -> Finding:
    ory = Origin.of(browser_url)
    other = [site for site in sites if ory and site.scheme != ory.scheme]
    if not other or ory is None:
        return ok(Check.SCHEMES, f"this site and BROWSER_URL are {sites[0].scheme} both")
    found = (
        f"This site is {other[0].scheme} ({other[0]}) and BROWSER_URL is {ory.scheme}: to a browser two sites, "
        "whose forms and cookies do not get from one to the other."
    )
    fix = f"Serve both by https, and set ORY_AUTH['BROWSER_URL'] to https://{ory.netloc} (or this site to http)."
    if other[0].scheme == "http":
        fix = (
            "Serve this site by https as well (SECURE_SSL_REDIRECT; behind a proxy SECURE_PROXY_SSL_HEADER), "
            "and set selfservice.flows.*.ui_url in Kratos' configuration to https."
        )
    return failure(Check.SCHEMES, Problem.SCHEMES_MIXED, found, fix)


def _login_page(facts: Facts, entrance: Endpoint, met: Met) -> Finding:
    check, seconds = Check.LOGIN_PAGE, entrance.page.seconds
    page, own = entrance.page.header.get("location", ""), facts.project.login_path
    site = met.page
    if site is None:
        return unknown(check, f"Ory sends browsers nowhere for it ({entrance.page.told})", seconds)
    wanted = f"{facts.sites[0] if facts.sites else site}{own}"
    fix = f"Set selfservice.flows.login.ui_url to {wanted} in Kratos' configuration, and the other ui_urls beside it"
    is_here = is_loopback(urlsplit(wanted).hostname or "")
    fix += (by_local_ory(f"--ui-base {wanted.removesuffix('/login')}") if own and is_here else "") + "."
    if not allows(facts.project.hosts, site.host):
        if site == Origin.of(entrance.url):
            return ok(check, f"Ory's own, at {redact(page)}", seconds)
        if site.host == met.one_name(facts.sites):
            return skipped(check, f"Ory sends browsers to {redact(page)}, and this site is to have that name: {ABOVE}")
        found = f"Ory sends browsers to {redact(page)}, which is not on a host of this project (ALLOWED_HOSTS)."
        return warning(check, Problem.LOGIN_PAGE_ELSEWHERE, found, fix, seconds)
    path = urlsplit(page).path
    if own and path == own and not facts.project.login_is_ours and facts.project.has_message(HIDDEN_PAGES):
        return skipped(check, f"Ory sends browsers to {redact(page)}, where another view answers: see {HIDDEN_PAGES}")
    if own and path == own and facts.project.login_is_ours:
        return ok(check, f"Ory sends browsers to {redact(page)}, which is ory_auth:login", seconds)
    if facts.page_is_ours:
        return ok(check, f"Ory sends browsers to {redact(page)}, a page of this project", seconds)
    if not own:
        fix = (
            'Add path("auth/", include("ory_auth.urls")) to your URLs, and set selfservice.flows.login.ui_url in '
            "Kratos' configuration to its login page."
        )
    found = f"Ory sends browsers to {redact(page)}, where this project has no page."
    return failure(check, Problem.LOGIN_PAGE_MISSING, found, fix, seconds)


def _return_to(facts: Facts, met: Met) -> Iterator[Finding]:
    refused = [
        site for site, reply in facts.returns if reply.error.get("id") == "self_service_flow_return_to_forbidden"
    ]
    accepted = [site for site, reply in facts.returns if reply.status == 200]
    seconds = sum(reply.seconds for _, reply in facts.returns) / len(facts.returns)
    if accepted:
        moot = [site for site in facts.sites if met.cookie is not None and not met.reaches(site)]
    else:
        moot = met.named_otherwise(facts.sites) if met.one_name(facts.sites) == met.ory.host else []
    if mended := [site for site in refused if site not in moot]:
        found = f"Ory does not send people back to {_listed(mended)}."
        urls = " and ".join(f"{site}/" for site in mended)
        fix = f"Add {urls} to selfservice.allowed_return_urls in Kratos' configuration (Ory Network: allowed URLs)"
        fix += (by_local_ory(f"--allow-return-to {mended[0]}") if is_loopback(mended[0].host) else "") + "."
        say = warning if accepted else failure
        yield say(Check.RETURN_TO, Problem.RETURN_TO_REFUSED, found, fix, seconds)
    if accepted:
        yield ok(Check.RETURN_TO, f"Ory sends people back to {_listed(accepted)}", seconds)
    elif not refused:
        yield unknown(Check.RETURN_TO, f"Ory began no login flow ({facts.returns[0][1].told})", seconds)
    elif not mended:
        yield skipped(Check.RETURN_TO, f"Ory does not send people back to {_listed(refused)}: {ABOVE}")


def _listed(sites: Iterable[Origin]) -> str:
    return ", ".join(map(str, sites))


def _cors(facts: Facts) -> Iterator[Finding]:
    if not facts.preflights:
        yield skipped(Check.CORS, "not asked for: no page of another origin is named (CSRF_TRUSTED_ORIGINS)")
    for origin, reply in facts.preflights:
        allowed = reply.header.get("access-control-allow-origin") == origin
        if allowed and reply.header.get("access-control-allow-credentials") == "true":
            yield ok(Check.CORS, f"pages of {origin} may ask Ory with cookies", reply.seconds)
            continue
        found = f"Ory does not let pages of {origin} ask it with cookies."
        fix = (
            f"Add {origin} to serve.public.cors.allowed_origins in Kratos' configuration, with enabled and "
            "allow_credentials true (Ory Network: CORS), where those pages call Ory."
        )
        yield warning(Check.CORS, Problem.CORS_REFUSED, found, fix, reply.seconds)
