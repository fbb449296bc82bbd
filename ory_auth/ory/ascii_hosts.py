"""Hosts as browsers write them: in ASCII, without the default port of the scheme."""

from __future__ import annotations

import re
from unicodedata import category, normalize
from urllib.parse import unquote, urlsplit

from django.utils.http import MAX_URL_LENGTH

from .addresses import DEFAULT_PORTS

MAX_HOST = 253  # characters, without the port. A host is never longer in Unicode than in ASCII.
_AUTHORITY = re.compile(r"(?P<host>[^:]+?)\.?(?::(?P<port>[0-9]{1,5}))?")
_ASCII_LABEL = re.compile("[a-z0-9_-]{1,63}")
_NAME_CATEGORIES = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})  # of Unicode: small letters, marks, digits
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def ascii_host(host: str) -> str | None:
    """The host as browsers send it, with its port if it has one: ``xn--bcher-kva.example`` for ``Bücher.example``.

    ``None`` if browsers reject the host, or treat it differently (``ß``). The rules are the part of
    https://www.unicode.org/reports/tr46/ that all browsers agree on. Python's codec follows the older IDNA 2003, and
    would lead to another domain for some hosts.
    """
    if host.startswith("["):
        return host.lower()  # an IPv6 address
    match = _AUTHORITY.fullmatch(host)
    if match is None or len(match["host"]) > MAX_HOST or int(match["port"] or 0) > 65535:
        return None  # checked first, because the time to encode a host grows with the square of its length
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
        if _INVISIBLE.search(label) or not all(
            letter == "-" or category(letter) in _NAME_CATEGORIES for letter in label
        ):
            return None
        label = f"xn--{label.encode('punycode').decode()}"
    return label if _ASCII_LABEL.fullmatch(label) else None


def with_ascii_host(url: str) -> str:
    """The URL with its host as browsers send it, and without the default port of its scheme.

    Unchanged if it has no host, or one for which ``ascii_host`` is ``None``. Check and use the returned URL, not
    ``url``, which browsers may read differently.
    """
    if len(url) > MAX_URL_LENGTH:
        return url  # Django does not redirect to it, and parsing it would take long
    try:
        parts = urlsplit(url)
        host = ascii_host(unquote(parts.netloc, errors="strict"))
    except ValueError:
        return url
    if host is None:
        return url
    host = host.removesuffix(f":{DEFAULT_PORTS.get(parts.scheme)}")
    return url if host == parts.netloc else parts._replace(netloc=host).geturl()


def is_sent_by_browsers(host: str) -> bool:
    """Whether browsers can send this host in the form of ``LOGIN_REDIRECT_HOSTS``."""
    ascii_form = ascii_host(host)
    return ascii_form is not None and not ascii_form.endswith(tuple(f":{port}" for port in DEFAULT_PORTS.values()))
