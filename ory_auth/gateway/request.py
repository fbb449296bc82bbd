"""What of a browser's request is sent to Ory: as little as Ory needs. Free of I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from ..conf import Conf
from ..ory.addresses import Origin, can_share_cookies
from ..ory.client import BrowserCall
from ..ory.cookies import is_ory_cookie, select_cookies
from ..ory.network import network_headers
from ..request.client_address import client_ip
from .refusal import CallRefused, Refusal
from .routes import Route, asks_others, find_route

MAX_BODY = 64 * 1024  # bytes; the longest response of a passkey has less than 4 kB
MAX_QUERY = 16 * 1024  # characters; social providers send long codes
MAX_COOKIES = 8 * 1024  # characters
MAX_HEADER = 4 * 1024  # characters of one header; a longer one is left out
SLOW_SECONDS = 15.0  # for a response for which Ory may ask other servers
VIA = "django-ory"  # the name of the gateway in the header Via, which a loop brings back
CONTENT_TYPES = frozenset({"application/x-www-form-urlencoded", "application/json"})
# By their names in `request.META`. Anything else (Authorization, Origin, X-Forwarded-*, …) stays here.
SENT_ON = {
    "HTTP_ACCEPT": "Accept",
    "HTTP_ACCEPT_LANGUAGE": "Accept-Language",
    "HTTP_CACHE_CONTROL": "Cache-Control",
    "HTTP_USER_AGENT": "User-Agent",
}
_PLAIN_QUERY = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request to the gateway. ``path`` is the part below the gateway, ``origin`` that of this site."""

    method: str
    path: str
    raw_path: str
    meta: Mapping[str, str]
    origin: str


def check_request(incoming: Incoming) -> int:
    """Check everything but the body, and return how many bytes that must have. Raises :class:`CallRefused`."""
    meta = incoming.meta
    route = find_route(incoming.path, incoming.raw_path)
    if incoming.method not in route.methods:
        raise CallRefused(Refusal.METHOD)
    if VIA in meta.get("HTTP_VIA", ""):
        raise CallRefused(Refusal.LOOP)
    if not _comes_from_this_site(incoming, route):
        raise CallRefused(Refusal.CROSS_SITE)
    query = meta.get("QUERY_STRING", "")
    if len(query) > MAX_QUERY or not _PLAIN_QUERY.fullmatch(query) or "#" in query:
        raise CallRefused(Refusal.QUERY)
    return _read_length(incoming.method, meta)


def _comes_from_this_site(incoming: Incoming, route: Route) -> bool:
    """Whether the call may change something: another site must not make a browser send it.

    Ory checks its own CSRF token, so this is a second line of defence. A sibling domain may have a form of this site.
    """
    if incoming.method == "GET" or route.from_providers:
        return True
    site, origin = incoming.meta.get("HTTP_SEC_FETCH_SITE", ""), incoming.meta.get("HTTP_ORIGIN", "")
    allowed = {"same-origin", "none"} if incoming.method == "DELETE" else {"same-origin", "same-site", "none"}
    if site:
        return site in allowed
    return not origin or origin == incoming.origin or (incoming.method == "POST" and _is_sibling(origin, incoming))


def _is_sibling(origin: str, incoming: Incoming) -> bool:
    """Whether both origins are one site, as browsers define it: the same scheme and registrable domain."""
    sender, own = Origin.of(origin), Origin.of(incoming.origin)
    return bool(sender and own and sender.scheme == own.scheme and can_share_cookies(sender.host, own.host))


def _read_length(method: str, meta: Mapping[str, str]) -> int:
    length = meta.get("CONTENT_LENGTH", "") or ""
    has_coding = bool(meta.get("HTTP_TRANSFER_ENCODING"))
    if has_coding:  # under WSGI, its body could not be read
        raise CallRefused(Refusal.BODY if length else Refusal.LENGTH_MISSING)
    if length and not (length.isascii() and length.isdecimal()):
        raise CallRefused(Refusal.BODY)
    size = int(length[:20] or "0")
    if size > MAX_BODY:
        raise CallRefused(Refusal.TOO_LARGE)
    if method != "POST" and size:
        raise CallRefused(Refusal.BODY)
    return size


def build_call(incoming: Incoming, body: bytes, conf: Conf) -> BrowserCall:
    """The call to Ory, for a request that :func:`check_request` has checked. Raises :class:`CallRefused`."""
    meta = incoming.meta
    headers = {name: value for key, name in SENT_ON.items() if _is_plain(value := meta.get(key, "")) and value}
    headers.setdefault("User-Agent", "django-ory")
    # Only the origin, as browsers do for another site: a URL of the project may contain a secret.
    if (referer := Origin.of(meta.get("HTTP_REFERER", ""))) and _is_plain(f"{referer}/"):
        headers["Referer"] = f"{referer}/"
    if body:
        content_type = meta.get("CONTENT_TYPE", "")
        if content_type.partition(";")[0].strip().lower() not in CONTENT_TYPES or not _is_plain(content_type):
            raise CallRefused(Refusal.CONTENT_TYPE)
        headers["Content-Type"] = content_type
    if cookies := _ory_cookies(meta, conf):
        headers["Cookie"] = cookies
    headers |= _forwarding_headers(incoming, conf)
    query = meta.get("QUERY_STRING", "")
    timeout = max(conf.timeout, SLOW_SECONDS) if asks_others(incoming.method, incoming.path) else conf.timeout
    return BrowserCall(incoming.method, incoming.path + (f"?{query}" if query else ""), headers, body, timeout)


def _is_plain(value: str) -> bool:
    return len(value) <= MAX_HEADER and value.isascii() and value.isprintable()


def _ory_cookies(meta: Mapping[str, str], conf: Conf) -> str:
    is_orys = partial(is_ory_cookie, session_cookie=conf.session_cookie_name)
    cookies = select_cookies(meta.get("HTTP_COOKIE", ""), is_orys)
    if len(cookies) > MAX_COOKIES:
        raise CallRefused(Refusal.COOKIES)
    return cookies


def _forwarding_headers(incoming: Incoming, conf: Conf) -> dict[str, str]:
    """Who asks, and at which address of this site. A client's own headers of these names are not used."""
    site = urlsplit(incoming.origin)
    address = client_ip(incoming.meta, conf.trusted_proxies)
    return {
        "Accept-Encoding": "identity",
        "Via": f"1.1 {VIA}",
        "X-Forwarded-Host": site.netloc,
        "X-Forwarded-Proto": site.scheme,
        **({"X-Forwarded-For": address} if address else {}),
        **network_headers(conf, incoming.origin),
    }
