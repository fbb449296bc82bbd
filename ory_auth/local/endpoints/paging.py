"""Pages of lists, in Kratos' three styles. https://www.ory.com/docs/ecosystem/api-design#pagination"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from ..http.exchange import Exchange
from ..model.errors import OryError

T = TypeVar("T")

DEFAULT_SIZE = 250
MAX_SIZE = 500
PARAMETERS = ("page", "per_page", "page_size", "page_token")
FIRST_PAGE_TOKEN = "00000000-0000-0000-0000-000000000000"


def _page_size(exchange: Exchange, name: str = "page_size") -> int:
    """The page size in the query, at most `MAX_SIZE`. Raises `OryError` with status 400."""
    try:
        size = int(exchange.query.get(name) or DEFAULT_SIZE)
    except ValueError:
        raise OryError(400, reason=f"{name} is not a number") from None
    return min(size, MAX_SIZE) if size > 0 else DEFAULT_SIZE


def keyset_page(exchange: Exchange, items: Sequence[T], keys: Sequence[str]) -> tuple[Sequence[T], str]:
    """The page that begins after the item whose key is the page token, and the Link header."""
    size, token = read_keyset_parameters(exchange)
    if token and token not in keys:
        raise OryError(400, reason="page_token is unknown")
    start = keys.index(token) + 1 if token else 0
    page = items[start : start + size]
    return page, keyset_links(exchange, size, keys[start + size - 1] if start + size < len(items) else None)


def read_keyset_parameters(exchange: Exchange) -> tuple[int, str]:
    """The page size, and the key after which the page begins. It is empty for the first page."""
    token = exchange.query.get("page_token", FIRST_PAGE_TOKEN)
    return _page_size(exchange), "" if token == FIRST_PAGE_TOKEN else token


def keyset_links(exchange: Exchange, size: int, last_key: str | None) -> str:
    """The Link header. `last_key` is that of the last item on this page, or `None` if there is no next page."""
    links = [_link(exchange, "first", page_size=size, page_token=FIRST_PAGE_TOKEN)]
    if last_key is not None:
        links.append(_link(exchange, "next", page_size=size, page_token=last_key))
    return ",".join(links)


def numbered_page(exchange: Exchange, items: Sequence[T]) -> tuple[Sequence[T], dict[str, str]]:
    """The page with the number in the query, counted from 0, and the headers: the old style of identities."""
    size, number = _page_size(exchange, "per_page"), _page_number(exchange)
    links = _numbered_links(number, size, len(items))
    header = ",".join(_link(exchange, rel, page=target, per_page=size) for rel, target in links)
    return items[number * size :][:size], {"Link": header, "X-Total-Count": str(len(items))}


def offset_page(exchange: Exchange, items: Sequence[T]) -> tuple[Sequence[T], dict[str, str]]:
    """A page of an identity's sessions, and the headers.

    Kratos counts pages from 0 in the links, but from 1 in the query. A client that follows "next" gets the first page
    twice and never the last one. This function does the same, so that tests of such a client also fail.
    """
    old_style = "per_page" in exchange.query
    size = _page_size(exchange, "per_page" if old_style else "page_size")
    number = _page_number(exchange) if old_style else 0
    total = len(items)
    size_in_links = total if 0 < total <= size else size
    links = _numbered_links(number, size, total)
    header = ",".join(_offset_link(exchange, rel, target, size_in_links) for rel, target in links)
    return items[max(number - 1, 0) * size :][:size], {"Link": header, "X-Total-Count": str(total)}


def _page_number(exchange: Exchange) -> int:
    try:
        return max(int(exchange.query.get("page") or 0), 0)
    except ValueError:
        raise OryError(400, reason="page is not a number") from None


def _numbered_links(number: int, size: int, total: int) -> list[tuple[str, int]]:
    """The relations and page numbers in the Link header of a page."""
    last = (total - 1) // size
    if total == 0:
        return [("first", 0), ("next", number + 1), ("prev", number - 1)]
    if total <= size:
        return [("first", 0)]
    if number >= last:
        return [("first", 0), ("prev", last - 1)]
    if number == 0:
        return [("next", 1), ("last", last)]
    return [("first", 0), ("next", number + 1), ("prev", number - 1), ("last", last)]


def _offset_link(exchange: Exchange, rel: str, number: int, size: int) -> str:
    raw = json.dumps({"offset": str(number * size), "v": 2}, separators=(",", ":")).encode()
    token = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return _link(exchange, rel, page=number, page_size=size, page_token=token, per_page=size)


def _link(exchange: Exchange, rel: str, **page: Any) -> str:
    """A link to another page of the same list, with the other parameters of the query."""
    parameters = [(name, value) for name, value in exchange.query_pairs if name not in PARAMETERS]
    query = urlencode(sorted([*parameters, *page.items()], key=lambda pair: pair[0]))
    prefix = "" if exchange.port == "public" or exchange.path.startswith("/admin/") else "/admin"
    return f'<{prefix}{exchange.path}?{query}>; rel="{rel}"'
