"""Pages of lists, with Kratos' three ways of naming them. https://www.ory.com/docs/ecosystem/api-design#pagination"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from ..http.exchange import Call
from ..model.errors import OryError

T = TypeVar("T")

DEFAULT_SIZE = 250
MAX_SIZE = 500
PARAMETERS = ("page", "per_page", "page_size", "page_token")
FIRST = "00000000-0000-0000-0000-000000000000"


def page_size(call: Call, name: str = "page_size") -> int:
    """The size that the query asks for, within limits; raises the error 400."""
    try:
        size = int(call.query.get(name) or DEFAULT_SIZE)
    except ValueError:
        raise OryError(400, reason=f"{name} is no number") from None
    return min(size, MAX_SIZE) if size > 0 else DEFAULT_SIZE


def keyset_page(call: Call, items: Sequence[T], keys: Sequence[str]) -> tuple[Sequence[T], str]:
    """The page that begins after the token's key, and its Link header. The token of the first page is a zero UUID."""
    size, token = page_size(call), call.query.get("page_token", FIRST)
    if token != FIRST and token not in keys:
        raise OryError(400, reason="page_token was not made by this server")
    start = 0 if token == FIRST else keys.index(token) + 1
    page = items[start : start + size]
    links = [_link(call, "first", page_size=size, page_token=FIRST)]
    if start + size < len(items):
        links.append(_link(call, "next", page_size=size, page_token=keys[start + size - 1]))
    return page, ",".join(links)


def numbered_page(call: Call, items: Sequence[T]) -> tuple[Sequence[T], dict[str, str]]:
    """The page of that number, from 0 on, and its headers (identities, old style)."""
    size, number = page_size(call, "per_page"), _number(call)
    links = _numbered_links(number, size, len(items))
    header = ",".join(_link(call, rel, page=at, per_page=size) for rel, at in links)
    return items[number * size :][:size], {"Link": header, "X-Total-Count": str(len(items))}


def offset_page(call: Call, items: Sequence[T]) -> tuple[Sequence[T], dict[str, str]]:
    """A page of somebody's sessions, and its headers.

    Kratos counts pages from 0 in its links and from 1 in what it looks up, so that following "next" shows the first
    page twice and never the last. That is kept: a client that relies on it is to fail here too.
    """
    old_style = "per_page" in call.query
    size = page_size(call, "per_page" if old_style else "page_size")
    number = _number(call) if old_style else 0
    total = len(items)
    shown_size = total if 0 < total <= size else size
    links = _numbered_links(number, size, total)
    header = ",".join(_offset_link(call, rel, at, shown_size) for rel, at in links)
    return items[max(number - 1, 0) * size :][:size], {"Link": header, "X-Total-Count": str(total)}


def _number(call: Call) -> int:
    try:
        return max(int(call.query.get("page") or 0), 0)
    except ValueError:
        raise OryError(400, reason="page is no number") from None


def _numbered_links(number: int, size: int, total: int) -> list[tuple[str, int]]:
    """Which pages the Link header names, for the page of that number."""
    last = (total - 1) // size
    if total == 0:
        return [("first", 0), ("next", number + 1), ("prev", number - 1)]
    if total <= size:
        return [("first", 0)]
    if number >= last:
        return [("first", 0), ("prev", last - 1)]
    onward = [("next", number + 1), ("last", last)]
    if number == 0:
        return onward
    return [("first", 0), onward[0], ("prev", number - 1), onward[1]]


def _offset_link(call: Call, rel: str, number: int, size: int) -> str:
    raw = json.dumps({"offset": str(number * size), "v": 2}, separators=(",", ":")).encode()
    token = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return _link(call, rel, page=number, page_size=size, page_token=token, per_page=size)


def _link(call: Call, rel: str, **page: Any) -> str:
    """A link to the same list at another page: the query's other parameters stay."""
    kept = [(name, value) for name, value in call.parameters if name not in PARAMETERS]
    query = urlencode(sorted([*kept, *page.items()], key=lambda pair: pair[0]))
    prefix = "" if call.port == "public" or call.path.startswith("/admin/") else "/admin"
    return f'<{prefix}{call.path}?{query}>; rel="{rel}"'
