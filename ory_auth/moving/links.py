"""The links between imported people and their identities, saved for a batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from ..events import Event, log
from ..models import OryIdentity
from ..users.database import EPOCH, stored_time, writing_alias
from . import reasons
from .people import Person
from .results import Imported, NotImported, Result
from .sending import wanted_state


def save_links(results: Sequence[Result], *, by: str) -> list[Result]:
    """Link the people whom Ory has, all of them in one transaction. Whom it cannot link is :class:`NotImported`.

    The links look as if Ory had never been asked: the first visit updates the fields, and counts as a sign-in.
    ``by`` is the name of the command for the log.
    """
    using = writing_alias()
    imported = [result for result in results if isinstance(result, Imported)]
    try:
        with transaction.atomic(using=using):
            OryIdentity.objects.using(using).bulk_create([_make_link(result, using) for result in imported])
            _log_links(imported, by, using)
        return list(results)
    except IntegrityError:
        pass  # one by one, to find out who causes it
    return [_save_link(result, by, using) if isinstance(result, Imported) else result for result in results]


def _make_link(result: Imported, using: str) -> OryIdentity:
    return OryIdentity(id=result.identity_id, user_id=result.person.pk, **_link_values(result.person, using))


def _link_values(person: Person, using: str) -> dict[str, Any]:
    never = stored_time(EPOCH, using)
    addresses = person.body.get("verifiable_addresses") or ()
    return {
        "updated_at": never,
        "authenticated_at": never,
        "state": wanted_state(person),
        "has_verified_address": any(address.get("verified") for address in addresses),
    }


def _save_link(result: Imported, by: str, using: str) -> Result:
    links = OryIdentity.objects.using(using)
    try:
        with transaction.atomic(using=using):
            link = links.select_for_update().filter(pk=result.identity_id).first()
            if link is None:
                _make_link(result, using).save(using=using, force_insert=True)
            elif link.user_id is None:  # of a user who was deleted
                links.filter(pk=link.pk).update(user_id=result.person.pk, **_link_values(result.person, using))
            elif link.user_id != result.person.pk:
                return NotImported(result.person, reasons.LINKED_TO_ANOTHER_USER, result.identity_id)
            _log_links([result], by, using)
    except IntegrityError:
        return NotImported(result.person, reasons.LINKED_TO_ANOTHER_IDENTITY, result.identity_id)
    return result


def _log_links(imported: Sequence[Imported], by: str, using: str) -> None:
    def log_all() -> None:
        for result in imported:
            log(Event.IDENTITY_LINKED, identity=str(result.identity_id), user=result.person.external_id, by=by)

    transaction.on_commit(log_all, using=using)
