"""Hosts as browsers write them: in ASCII, without a port that the scheme has anyway."""

from __future__ import annotations

import re
from unicodedata import category, normalize
from urllib.parse import unquote, urlsplit

from django.utils.http import MAX_URL_LENGTH

from .addresses import DEFAULT_PORTS

MAX_HOST = 253  # characters, without the port. A host is never longer in Unicode than in ASCII.
_AUTHORITY = re.compile(r"(?P<host>[^:]+?)\.?(?::(?P<port>[0-9]{1,5}))?")
_ASCII_LABEL = re.compile("[a-z0-9_-]{1,63}")
_IN_NAMES = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})  # Unicode's categories: small letters, marks, digits
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def ascii_host(host: str) -> str | None:
    """A host, with its port if it has one, as browsers send it: ``xn--bcher-kva.example`` for ``Bücher.example``.

    ``None`` if no browser has such a host, or not all of them write it in the same way (``ß``). Python's own codec
    (IDNA 2003) would make another domain of those. The rules are https://www.unicode.org/reports/tr46/, less what is
    in doubt.
    """
    if host.startswith("["):
        return host.lower()  # an IPv6 address
    match = _AUTHORITY.fullmatch(host)
    if match is None or len(match["host"]) > MAX_HOST or int(match["port"] or 0) > 65535:
        return None  # checked before the host is encoded: the time that takes grows with the square of its length
    labels = [_ascii_label(label) for label in match["host"].split(".")]
    name = ".".join(label or "" for label in labels)
    if None in labels or len(name) > MAX_HOST:
        return None
    return name + (f":{int(match['port'])}" if match["port"] else "")


def _ascii_label(label: str) -> str | None:
    label = normalize("NFC", label.lower())
    if not label.isascii():
        if normalize("NFKC", label.casefold()) != label or category(label[0]).startswith("M"):
            return None
        if _INVISIBLE.search(label) or not all(letter == "-" or category(letter) in _IN_NAMES for letter in label):
            return None
        label = f"xn--{label.encode('punycode').decode()}"
    return label if _ASCII_LABEL.fullmatch(label) else None


def with_ascii_host(url: str) -> str:
    """The URL with its host as browsers send it, without a port that its scheme has anyway.

    Unchanged if it has no host, or one that cannot be written so. Check and use what this returns, not ``url``: only
    then it does not matter how a browser reads ``url``.
    """
    if len(url) > MAX_URL_LENGTH:
        return url  # Django allows no redirect to it, and long ones take long to parse
    try:
        parts = urlsplit(url)
        host = ascii_host(unquote(parts.netloc, errors="strict"))
    except ValueError:
        return url
    if host is None:
        return url
    host = host.removesuffix(f":{DEFAULT_PORTS.get(parts.scheme)}")
    return url if host == parts.netloc else parts._replace(netloc=host).geturl()


def can_match(host: str) -> bool:
    """Whether the URL of a page in a browser may have this host, as ``LOGIN_REDIRECT_HOSTS`` writes it."""
    sent = ascii_host(host)
    return sent is not None and not sent.endswith(tuple(f":{port}" for port in DEFAULT_PORTS.values()))
