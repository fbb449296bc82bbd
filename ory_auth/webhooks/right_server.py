"""Whether the admin API that does not know an identity is the right one: any other server would say the same."""

from __future__ import annotations

import time
from uuid import UUID, uuid4

from ..models import OryIdentity
from ..ory.admin_client import AdminClient
from ..ory.http_client import large_responses

SAMPLE = 20  # people of this site
VALID_SECONDS = 60.0  # for which the answer is used again

_last: tuple[AdminClient, float] | None = None  # a client whose server is the right one, until then (monotonic)


def has_identities_of_this_site(client: AdminClient, except_id: UUID | None, using: str) -> bool:
    """Whether this server has at least one of the other people who are known here.

    If there are no others, the server must at least answer a list of identities. Raises the client's errors.
    """
    global _last
    if _last is not None and _last[0] is client and time.monotonic() < _last[1]:
        return True
    others = _choose_others(except_id, using)
    if others:
        with large_responses():  # one of them may have huge traits
            is_right = bool(client.get_identities(others))
    else:
        client.list_identities(1)
        is_right = True
    if is_right:
        _last = client, time.monotonic() + VALID_SECONDS
    return is_right


def _choose_others(except_id: UUID | None, using: str) -> list[UUID]:
    links = OryIdentity.objects.using(using).filter(deleted_at=None).exclude(pk=except_id or UUID(int=0))
    ids = links.order_by("pk").values_list("pk", flat=True)
    return list(ids.filter(pk__gte=uuid4())[:SAMPLE]) or list(ids[:SAMPLE])  # IDs are random, so this is a sample


def reset() -> None:
    """Ask again."""
    global _last
    _last = None
