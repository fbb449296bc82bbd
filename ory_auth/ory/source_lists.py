"""Source lists of a Content-Security-Policy, such as ``'self' https://accounts.example``."""

from __future__ import annotations

from urllib.parse import urlsplit

from .addresses import DEFAULT_PORTS, host_of


def allows(source: str, url: str) -> bool:
    """Whether a source other than ``'self'`` allows this URL.

    As in https://www.w3.org/TR/CSP3/#match-url-to-source-list, without paths: browsers ignore them after a redirect.
    """
    parts = urlsplit(url)
    if source == f"{parts.scheme}:" or (source == "*" and parts.scheme in DEFAULT_PORTS):
        return True
    scheme, _, authority = source.rpartition("://")
    host, _, port = authority.partition("/")[0].partition(":")
    default = str(DEFAULT_PORTS.get(parts.scheme, ""))
    same_host = host_of(url).endswith(host[1:]) if host.startswith("*.") else host_of(url) == host
    same_port = port == "*" or (port or default) == str(parts.port or default)
    return bool(host) and same_host and same_port and scheme in {"", "http", parts.scheme}


def read_directive(policies: str, name: str) -> list[tuple[str, ...]]:
    """The sources of a directive in each policy of a header that has it. Policies are separated by commas."""
    found = []
    for policy in policies.split(","):
        directives = [directive.split() for directive in policy.split(";")]
        sources = next((words[1:] for words in directives if words and words[0].lower() == name), None)
        if sources is not None:
            found.append(tuple(sources))
    return found
