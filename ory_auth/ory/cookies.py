"""Ory's cookies that this server forwards: as few as possible, chosen by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http.cookies import CookieError, Morsel

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase

from .addresses import is_loopback, is_public_suffix

CSRF_PREFIX = "csrf_token_"
ORY_PREFIX = "ory_"
OWN_PREFIX = "ory_auth_"  # of the cookies that this package sets
ATTRIBUTES = frozenset({"expires", "path", "domain", "max-age", "samesite"})
FLAGS = frozenset({"secure", "httponly"})  # attributes without a value


def forward_set_cookies(
    request: HttpRequest,
    response: HttpResponseBase,
    set_cookies: Iterable[str],
    wanted: Callable[[str], bool],
    *,
    through_gateway: bool = False,
) -> None:
    """Copy those of Ory's cookies to the response whose name is ``wanted``, and which this host may set.

    Without the gateway these are the cookies whose ``Domain`` covers this host: the browser has them from Ory itself.
    Through the gateway every cookie becomes one of this site (:func:`adapt_to_site`).
    """
    host = split_domain_port(request.get_host())[0]
    for line in set_cookies:
        morsel = read_set_cookie(line)
        if morsel is None or not wanted(morsel.key):
            continue
        if through_gateway:
            adapt_to_site(morsel, host, is_secure=request.is_secure())
        elif not domain_covers(morsel["domain"], host):
            continue
        # Assigned first, so that the morsel has the response's own class.
        response.cookies[morsel.key] = morsel.value
        dict.update(response.cookies[morsel.key], morsel)
        response.cookies[morsel.key].set(morsel.key, morsel.value, morsel.coded_value)


def adapt_to_site(morsel: Morsel[str], host: str, *, is_secure: bool) -> None:
    """Change Ory's cookie so that a browser accepts it from this site.

    A ``Domain`` that browsers would refuse here goes: the cookie is then for this host alone. Over https the cookie is
    ``Secure``. Over http it stays as Ory made it, because a proxy may hide https from Django. But with ``DEBUG``, and
    on this machine, it is not ``Secure``, because some browsers would drop it.
    """
    domain = morsel["domain"].lstrip(".").lower()
    if domain and (not domain_covers(domain, host) or (domain != host and is_public_suffix(domain))):
        morsel["domain"] = ""
    if is_secure:
        morsel["secure"] = True
    elif settings.DEBUG or is_loopback(host.strip("[]")):
        morsel["secure"] = ""
    if morsel["samesite"].lower() == "none" and not morsel["secure"]:
        morsel["samesite"] = "Lax"  # browsers refuse None without Secure


def is_ory_cookie(name: str, session_cookie: str) -> bool:
    """Whether a cookie of this name is Ory's: not one of this package, of Django or of the project."""
    if name in {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME}:
        return False
    if name == session_cookie or name.startswith(CSRF_PREFIX):
        return True
    return name.startswith(ORY_PREFIX) and not name.startswith(OWN_PREFIX)


def select_cookies(header: str, wanted: Callable[[str], bool]) -> str:
    """The pairs of a ``Cookie`` header whose name is ``wanted``, unchanged. Pairs that are not plain ASCII go.

    So do pairs with a space before the equals sign: Kratos ignores the space, so it could take a session cookie that
    this site does not.
    """
    pairs = (part.strip(" \t") for part in header.split(";"))
    chosen = (pair for pair in pairs if "=" in pair and _is_wanted(pair.partition("=")[0], wanted))
    return "; ".join(pair for pair in chosen if pair.isascii() and pair.isprintable())


def _is_wanted(name: str, wanted: Callable[[str], bool]) -> bool:
    return " " not in name and wanted(name)


def read_set_cookie(line: str) -> Morsel[str] | None:
    """Parse one ``Set-Cookie`` line. Drops unknown attributes, and those without their value.

    ``None`` if the line is invalid.
    """
    pair, *attributes = line.split(";")
    name, equals, value = pair.strip().partition("=")
    morsel: Morsel[str] = Morsel()
    try:
        morsel.set(name, value, value)
    except CookieError:
        return None
    if not equals or " " in value or not (line.isascii() and line.isprintable()):
        return None
    for attribute in attributes:
        key, _, text = attribute.strip().partition("=")
        if key.lower() in FLAGS:
            morsel[key.lower()] = True
        elif key.lower() in ATTRIBUTES and text:
            morsel[key.lower()] = text
    return morsel


def domain_covers(domain: str, host: str) -> bool:
    """Whether browsers send a cookie with this ``Domain`` to ``host``. An empty domain is the host that set it."""
    domain = domain.lstrip(".").lower()
    return not domain or host == domain or host.endswith("." + domain)


def select_flow_cookies(header: str, session_cookie: str) -> str:
    """The cookies in a ``Cookie`` header that Ory needs to return a flow: its session and CSRF cookies."""
    return select_cookies(header, lambda name: name == session_cookie or name.startswith(CSRF_PREFIX))
