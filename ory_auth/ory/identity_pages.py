"""Walks through the list of all identities, page by page. The caller makes the calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..events import Event
from ..exceptions import OryResponseInvalid, OryUnavailable
from .admin_client import MAX_PAGE_SIZE, IdentityPage


def walk_pages(
    fetch: Callable[[int, str | None], IdentityPage], size: int = MAX_PAGE_SIZE, token: str | None = None
) -> Iterator[IdentityPage]:
    """All pages that follow ``token``; without one, all. ``fetch`` gets the size of a page and its token.

    If a page is too large or too slow, it is fetched again in half the size, and the next ones have that size, too.
    Raises what ``fetch`` raises, and :class:`OryResponseInvalid` if the list does not end.
    """
    while True:
        try:
            page = fetch(size, token)
        except OryUnavailable as error:
            if size == 1 or not is_too_large(error):
                raise
            size //= 2
            continue
        if page.next_token is not None and page.next_token == token:
            raise OryResponseInvalid("Ory's list of identities does not end: a page leads to itself.")
        yield page
        if page.next_token is None:
            return
        token = page.next_token


def is_too_large(error: OryUnavailable) -> bool:
    """Whether a call may succeed with fewer identities: its response was too large, or came too late."""
    if error.event is Event.TIMEOUT:
        return error.connected
    return error.event is Event.ANSWER_TOO_BIG or error.status in {413, 504}
