"""Values that try to send a browser to another site, and a judge: a URL parser as in browsers (WHATWG)."""

from __future__ import annotations

from itertools import product
from urllib.parse import parse_qs

from ada_url import URL

EVIL = "evil.example"
SITE = "{site}"  # stands for the site's own host and port
INVALID = "no URL"  # a browser shows an error: it goes nowhere

BEFORE = ("", " ", "\t", "\n", "\r\n", "\x00", "\x01", "\x1f", "\x0b", "\xa0", "\u2028", "\ufeff")
SHAPES = (
    "http://{evil}/", "https://{evil}", "hTTps://{evil}/", "//{evil}", "///{evil}", "/////{evil}/", "\\\\{evil}",
    "/\\{evil}", "\\/{evil}", "/\\/{evil}", "http:{evil}", "https:/{evil}", "https:///{evil}", "https:\\{evil}",
    "http:\\/\\/{evil}", "/\t/{evil}", "/\n\\{evil}", "ht\ntps://{evil}", "javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>", "//{site}@{evil}/",
)  # fmt: skip
SINGLE = (
    "http://{site}@{evil}/", "http://{site}:80@{evil}/", "//{site}%40{evil}@{evil}", "http://{evil}\\@{site}/",
    "//{evil}\\@{site}", "http://{evil}#@{site}/", "http://{evil}?@{site}/", "http://{evil}/@{site}/",
    "http://{site}.{evil}/", "http://{site}\\.{evil}/", "http://{site}%2f.{evil}/", "http://{site}:x@{evil}",
    "http://{site}{evil}/", "https://{site}/", "http://[::1]/", "http://[evil", "http://{evil}:99999999/",
    "http://{site}:1/", "//%65vil.example", "http://\uff45\uff56\uff49\uff4c.example/", "//\u3002{evil}",
    "//\u2044{evil}", "http:///{evil}@{site}", "///\t/{evil}", "http:\n//{evil}", "//\t{evil}", "/\x00/{evil}",
    "JavaScript:alert(1)//{site}/", "javascript://{site}/%0aalert(1)", "vbscript:msgbox(1)", "file:///etc/passwd",
    "ftp://{site}/", "mailto:ada@{evil}", "about:blank", "blob:http://{evil}/x", "ws://{evil}/", "feed:http://{evil}/",
    "view-source:http://{evil}/", "/login\r\nLocation: http://{evil}/", "/\r\n\r\n<script>//{evil}",
    ".//{evil}/..//{evil}",
    "//{evil}/%2f..", "/%2f/{evil}", "/%5c{evil}", "%2f%2f{evil}", "%09//{evil}", "/;//{evil}", "?//{evil}",
    "#//{evil}",
    "/..//{evil}", "/.//{evil}", "/%2e%2e//{evil}", "..\\..\\\\{evil}", "/\u2025/{evil}", "http://{evil}:80\\{site}",
    "http:{site}", "//", "///", "\\", "http://", "http:", ":", "://{evil}", "http://\x00{evil}", "x" * 6000,
    "//" + "\u00e4" * 300, "http://" + "a" * 5000, "//{evil}" + "/" * 3000, "https://{site}\t.{evil}",
    "//{site}\n.{evil}",
)  # fmt: skip


def hostile_values(host: str) -> list[str]:
    """More than 300 values for a site at this host and port."""
    values = [before + shape for shape, before in product(SHAPES, BEFORE)] + list(SINGLE)
    return [value.replace(SITE, host).replace("{evil}", EVIL) for value in dict.fromkeys(values)]


def origin(location: str, base: str) -> str:
    """The origin that a browser at ``base`` opens."""
    try:
        return str(URL(location, base=base).origin)
    except ValueError:
        return INVALID


def astray(location: str, base: str, ory: str) -> str:
    """The foreign origin of a redirect, at once or when Ory sends the browser back; empty if there is none.

    The same host with https is not foreign.
    """
    own, target = origin(base, base), origin(location, base)
    if target == ory:
        back = parse_qs(URL(location).search.removeprefix("?")).get("return_to", [base])[0]
        location, target = back, origin(back, ory)
    return "" if target in {own, own.replace("http:", "https:", 1)} else f"{target} by {ascii(location)[:80]}"


def leads_to_login(location: str, base: str) -> bool:
    """Whether the next page is a login page of this site, which then has to judge the target."""
    return URL(location, base=base).pathname.startswith(("/auth/login", "/admin/login"))
