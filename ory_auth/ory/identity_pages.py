"""Walks through the list of all identities, page by page. The caller makes the calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..events import Event
from ..exceptions import OryResponseInvalid, OryUnavailable
from .admin_client import MAX_PAGE_SIZE, IdentityPage
from .http_client import large_responses

PAGES_BEFORE_GROWTH = 8


def walk_pages(
    fetch: Callable[[int, str | None], IdentityPage], size: int = MAX_PAGE_SIZE, token: str | None = None
) -> Iterator[IdentityPage]:
    """All pages that follow ``token``; without one, all. ``fetch`` gets the size of a page and its token.

    If a page is too large or too slow, it is fetched again in half the size. The size grows again after some pages, so
    that one large identity does not slow down the rest. Raises what ``fetch`` raises, and :class:`OryResponseInvalid`
    if the list does not end. ``fetch`` must make its call in the same thread.
    """
    largest, pages_of_this_size = size, 0
    while True:
        try:
            page = _fetch_page(fetch, size, token)
        except OryUnavailable as error:
            if size == 1 or not is_too_large(error):
                raise
            size, pages_of_this_size = size // 2, 0
            continue
        if page.next_token is not None and page.next_token == token:
            raise OryResponseInvalid("Ory's list of identities does not end: a page leads to itself.")
        yield page
        if page.next_token is None:
            return
        token, pages_of_this_size = page.next_token, pages_of_this_size + 1
        if size < largest and pages_of_this_size == PAGES_BEFORE_GROWTH:
            size, pages_of_this_size = min(size * 2, largest), 0


def _fetch_page(fetch: Callable[[int, str | None], IdentityPage], size: int, token: str | None) -> IdentityPage:
    """A person may have such long traits that the identity alone is too large. It must not end the list."""
    try:
        return fetch(size, token)
    except OryUnavailable as error:
        if size > 1 or error.event is not Event.ANSWER_TOO_BIG:
            raise
    with large_responses():
        return fetch(size, token)


def is_too_large(error: OryUnavailable) -> bool:
    """Whether a call may succeed with fewer identities: its response was too large, or came too late."""
    if error.event is Event.TIMEOUT:
        return error.connected
    return error.event is Event.ANSWER_TOO_BIG or error.status in {413, 504}
