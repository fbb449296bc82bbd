"""Ory's cookies that this server forwards: as few as possible, chosen by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http.cookies import CookieError, Morsel

from django.http import HttpRequest
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase

CSRF_PREFIX = "csrf_token_"
ATTRIBUTES = frozenset({"expires", "path", "domain", "max-age", "secure", "httponly", "samesite"})


def forward_set_cookies(
    request: HttpRequest, response: HttpResponseBase, set_cookies: Iterable[str], wanted: Callable[[str], bool]
) -> None:
    """Copy those of Ory's cookies to the response whose name is ``wanted`` and whose ``Domain`` covers this host."""
    host = split_domain_port(request.get_host())[0]
    for line in set_cookies:
        morsel = read_set_cookie(line)
        if morsel is not None and wanted(morsel.key) and domain_covers(morsel["domain"], host):
            # Assigned first, so that the morsel has the response's own class.
            response.cookies[morsel.key] = morsel.value
            dict.update(response.cookies[morsel.key], morsel)
            response.cookies[morsel.key].set(morsel.key, morsel.value, morsel.coded_value)


def read_set_cookie(line: str) -> Morsel[str] | None:
    """Parse one ``Set-Cookie`` line. Drops unknown attributes. ``None`` if the line is invalid."""
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
        key, equals, text = attribute.strip().partition("=")
        if key.lower() in ATTRIBUTES:
            morsel[key.lower()] = text if equals else True
    return morsel


def domain_covers(domain: str, host: str) -> bool:
    """Whether browsers send a cookie with this ``Domain`` to ``host``. An empty domain is the host that set it."""
    domain = domain.lstrip(".").lower()
    return not domain or host == domain or host.endswith("." + domain)


def select_flow_cookies(header: str, session_cookie: str) -> str:
    """The cookies in a ``Cookie`` header that Ory needs to return a flow: its session and CSRF cookies."""
    pairs = (part.strip(" \t") for part in header.split(";"))
    ory_pairs = (pair for pair in pairs if pair.startswith((session_cookie + "=", CSRF_PREFIX)))
    return "; ".join(pair for pair in ory_pairs if pair.isascii() and pair.isprintable())
