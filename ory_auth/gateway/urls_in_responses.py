"""Ory's own URLs in its responses become those of this site. Free of I/O.

Kratos needs none of this if ``serve.public.base_url`` is the gateway. Ory Network, and a Kratos that has another base
URL, name their own address.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from ..exceptions import OryResponseInvalid
from ..ory.addresses import Origin
from .routes import is_reachable

# The members of Ory's JSON whose value is a URL for the browser.
URL_MEMBERS = frozenset(
    {"action", "src", "href", "url", "redirect_browser_to", "logout_url", "new_login_url", "newLoginUrl"}
)
# Below these, people and projects store what they like.
FOREIGN_MEMBERS = frozenset({"traits", "metadata_public", "metadata_admin", "identity", "transient_payload", "value"})


@dataclass(frozen=True, slots=True)
class UrlMap:
    """Which URL stands for one of Ory's.

    ``ory_url`` is Ory's public API as this server reaches it, ``own_url`` the gateway as the browser does. ``pages``
    maps the pages that Ory Network hosts (``/ui/login``) to those of this site.
    """

    ory_url: str
    own_url: str
    pages: Mapping[str, str]

    def location(self, value: str, path: str) -> str:
        """The ``Location`` for the browser, of a response to ``path``. Raises :class:`OryResponseInvalid`."""
        is_absolute = Origin.of(value) is not None
        url = value if is_absolute else self._resolve(value, path)
        translated = self.translate(url, with_pages=True)
        if not (url.isascii() and url.isprintable()) or (not is_absolute and translated == url):
            raise OryResponseInvalid("Ory redirects to something that is not a URL for browsers.")
        return translated

    def _resolve(self, value: str, path: str) -> str:
        """The absolute form of a relative URL; empty if it is something else."""
        try:
            is_relative = value and not urlsplit(value).scheme and not urlsplit(value).netloc
            return urljoin(f"{self.ory_url}{path}", value) if is_relative else ""
        except ValueError:
            return ""

    def translate(self, url: str, *, with_pages: bool = False) -> str:
        """This site's URL for one of Ory's. Any other URL stays as it is."""
        path = _path_below(self.ory_url, url)
        if path is None:  # with GATEWAY_TOKEN, Ory Network has translated its URLs itself
            page = self.pages.get(_path_below(self.own_url, url) or "", "") if with_pages else ""
            return _with_query(page, url) if page else url
        if with_pages and path in self.pages:
            return _with_query(self.pages[path], url)
        fragment = urlsplit(url).fragment
        rest = f"#{fragment}" if fragment else ""
        return _with_query(f"{self.own_url}{path}", url) + rest if is_reachable(path) else url

    def body(self, body: bytes) -> bytes:
        """A body of JSON with this site's URLs; unchanged if there is nothing to change."""
        if Origin.of(self.ory_url) == Origin.of(self.own_url) or urlsplit(self.ory_url).netloc.encode() not in body:
            return body
        try:
            data = json.loads(body)
            changed = self._translate_members(data)
            return json.dumps(data, allow_nan=False, separators=(",", ":")).encode() if changed else body
        except (ValueError, RecursionError):
            return body

    def _translate_members(self, data: Any) -> bool:
        """Translate the URLs in parsed JSON, in place. Returns whether any has changed."""
        changed = False
        if isinstance(data, list):
            for item in data:
                changed = self._translate_members(item) or changed
        elif isinstance(data, dict):
            for name, value in data.items():
                if name in URL_MEMBERS and isinstance(value, str):
                    data[name] = self.translate(value)
                    changed = changed or data[name] != value
                elif name not in FOREIGN_MEMBERS:
                    changed = self._translate_members(value) or changed
        return changed


def _path_below(base_url: str, url: str) -> str | None:
    """The path of a URL below a base URL. Parsed origins are compared, never the beginning of a text."""
    origin = Origin.of(url)
    if origin is None or origin != Origin.of(base_url) or "@" in urlsplit(url).netloc:
        return None
    base, path = urlsplit(base_url).path, urlsplit(url).path
    return path[len(base) :] if path.startswith(f"{base}/") else None


def _with_query(target: str, url: str) -> str:
    """``target`` with the query of ``url``."""
    query = urlsplit(url).query
    return f"{target}?{query}" if query else target
