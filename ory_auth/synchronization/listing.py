"""Reads identities from Ory's admin API, patiently: waits if Ory limits the rate, and repeats calls that fail."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from ..conf import Conf
from ..events import Event
from ..exceptions import InvalidIdentity, NotFound, OryResponseInvalid, OryUnavailable, RateLimited
from ..ory.admin_client import NOT_THE_ADMIN_API, AdminClient, IdentityPage
from ..ory.http_client import large_responses
from ..ory.identity_pages import is_too_large, walk_pages
from ..ory.json_types import read_identity
from ..types import Identity
from .errors import SyncStopped

T = TypeVar("T")

CALL_SECONDS = 30.0  # that one call may take: a page of a large Ory is slower than what requests need
BACKOFF_SECONDS = 1.0  # before a failed call is repeated; doubled each time
MAX_FAILURES = 4  # of one call
MAX_LIMITED_SECONDS = 900.0  # in which Ory may refuse one call because of its rate
IDS_PER_CALL = 100  # 500 would make URLs that some proxies refuse


@dataclass(frozen=True, slots=True)
class Page:
    """Identities, and how many others could not be read. ``next_token`` is ``None`` on the last page.

    ``ids`` are those of all of them.
    """

    identities: list[Identity]
    unreadable: int = 0
    next_token: str | None = None
    ids: frozenset[str] = frozenset()


class Listing:
    """The calls of one synchronization. ``wait`` sleeps for these seconds and shows why."""

    def __init__(self, conf: Conf, page_size: int, wait: Callable[[float, str], None]) -> None:
        self._client = AdminClient(conf, timeout=max(conf.timeout, CALL_SECONDS))
        self._page_size, self._wait = page_size, wait

    def pages(self, token: str) -> Iterator[Page]:
        """All pages that follow this token, or all if it is empty."""

        def fetch(size: int, page_token: str | None) -> IdentityPage:
            try:
                return self._call(partial(self._client.list_identities, size, page_token))
            except NotFound:
                raise SyncStopped(NOT_THE_ADMIN_API) from None
            except InvalidIdentity:
                if page_token is None or page_token != token:
                    raise
                raise SyncStopped("Ory refuses to go on where the last run stopped: add --restart.") from None

        for page in walk_pages(fetch, self._page_size, token or None):
            yield _read_page(page.identities, page.next_token)

    def existing(self, identity_ids: Iterable[UUID]) -> Page:
        """Those of these identities that Ory lists, as one page. What cannot be read was counted in the list."""
        ids, found, existing = list(identity_ids), [], frozenset[str]()
        for start in range(0, len(ids), IDS_PER_CALL):
            page = _read_page(self._get_identities(ids[start : start + IDS_PER_CALL]))
            found += page.identities
            existing |= page.ids
        return Page(found, ids=existing)

    def _get_identities(self, ids: list[UUID]) -> list[dict[str, Any]]:
        """Some may be so large that they must be asked for alone."""
        try:
            return self._call(partial(self._client.get_identities, ids))
        except OryUnavailable as error:
            if not is_too_large(error) or (len(ids) == 1 and error.event is not Event.ANSWER_TOO_BIG):
                raise
        if len(ids) > 1:
            middle = len(ids) // 2
            return [*self._get_identities(ids[:middle]), *self._get_identities(ids[middle:])]
        with large_responses():
            return self._call(partial(self._client.get_identities, ids))

    def get(self, identity_id: UUID) -> Identity | None:
        """The identity, or ``None`` if Ory says that it does not exist."""
        try:
            with large_responses():
                return read_identity(self._call(partial(self._client.get_identity, identity_id)), identity_id)
        except NotFound:
            return None

    def _call(self, call: Callable[[], T]) -> T:
        failures, limited_since = 0, 0.0
        while True:
            try:
                return call()
            except RateLimited as error:
                now = time.monotonic()
                limited_since = limited_since or now
                if now - limited_since > MAX_LIMITED_SECONDS:
                    raise
                pause, why = float(error.retry_after or 1), "waiting: Ory limits the rate of calls"
            except OryUnavailable as error:
                failures += 1
                if failures == MAX_FAILURES or error.event in {Event.ANSWER_TOO_BIG, Event.UPSTREAM_REJECTS}:
                    raise
                pause, why = BACKOFF_SECONDS * 2 ** (failures - 1), "waiting: Ory does not answer"
            self._wait(pause * random.uniform(1.0, 1.2), why)  # noqa: S311  (not a secret)


def _read_page(data: list[dict[str, Any]], next_token: str | None = None) -> Page:
    """Ory's JSON as identities, which print no traits: nothing else of the response is stored in a variable."""
    identities = []
    for item in data:
        with suppress(OryResponseInvalid):
            identities.append(read_identity(item))
    ids = frozenset(str(item.get("id")) for item in data)
    return Page(identities, len(data) - len(identities), next_token, ids)


def check_server(listing: Listing, known: list[UUID]) -> None:
    """Raise :class:`SyncStopped` if Ory knows none of these identities, which belong to users of this site.

    Another server than the right one would otherwise look as if everybody had been deleted.
    """
    if known and not listing.existing(known).ids:
        raise SyncStopped(
            f"Ory knows none of the {len(known)} identities of this site that were checked first. Check that "
            "ORY_AUTH['ADMIN_URL'] and ['API_KEY'] are those of the right Ory. If these people have really been "
            "deleted, run it again with --allow-deletions and their number."
        )
