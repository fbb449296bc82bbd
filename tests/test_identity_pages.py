"""Walking through the list of all identities."""

from __future__ import annotations

import pytest

from ory_auth.events import Event
from ory_auth.exceptions import OryResponseInvalid, OryUnavailable
from ory_auth.ory.admin_client import IdentityPage
from ory_auth.ory.identity_pages import walk_pages

TOO_BIG = OryResponseInvalid("too big", event=Event.ANSWER_TOO_BIG)
TOO_SLOW = OryUnavailable("too slow", event=Event.TIMEOUT)


@pytest.mark.parametrize("error", [TOO_BIG, TOO_SLOW, OryUnavailable("too large", status=413)])
def test_a_page_that_is_too_large_is_fetched_in_half_the_size(error: OryUnavailable) -> None:
    sizes = []

    def fetch(size: int, token: str | None) -> IdentityPage:
        sizes.append((size, token))
        if size > 2:
            raise error
        return IdentityPage([], None if token else "second")

    assert [page.next_token for page in walk_pages(fetch, 5)] == ["second", None]
    assert sizes == [(5, None), (2, None), (2, "second")]


@pytest.mark.parametrize(
    "error",
    [OryUnavailable("down"), OryUnavailable("no connection", event=Event.TIMEOUT, connected=False)],
)
def test_an_outage_does_not_make_pages_smaller(error: OryUnavailable) -> None:
    sizes = []

    def fetch(size: int, token: str | None) -> IdentityPage:
        sizes.append(size)
        raise error

    with pytest.raises(OryUnavailable):
        list(walk_pages(fetch, 5))
    assert sizes == [5]


def test_an_identity_that_is_too_large_ends_the_walk() -> None:
    def fetch(size: int, token: str | None) -> IdentityPage:
        raise TOO_BIG

    with pytest.raises(OryResponseInvalid):
        list(walk_pages(fetch, 5))


def test_a_list_that_does_not_end_is_an_error() -> None:
    with pytest.raises(OryResponseInvalid, match="does not end"):
        list(walk_pages(lambda size, token: IdentityPage([], "same"), 5))
