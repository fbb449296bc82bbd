"""Which identity a call is about: its ID, an ``Identity``, a link, or a user."""

from __future__ import annotations

from typing import Any, TypeAlias
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model

from ..exceptions import NotFound
from ..models import OryIdentity
from ..types import Identity
from ..users.database import writing_alias
from .driver import Steps, locally

Who: TypeAlias = UUID | str | Identity | Model | AnonymousUser  # a model is OryIdentity or the project's user
WHAT_FITS = "Pass the ID of an identity, an Identity, an OryIdentity, or a user."


def find_id(who: Who) -> Steps[UUID]:
    """The ID of the identity. Raises :class:`.NotFound` for a user without one."""
    # type() and not isinstance(): that would load a lazy request.user in the event loop.
    if type(who) is UUID:
        return who
    if type(who) is Identity:
        return who.id
    if type(who) is str:
        return _parse_id(who)
    return (yield from locally(_read_id, who))


def _parse_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        pass
    raise ValueError(f"This text is not the ID of an identity. {WHAT_FITS} Use find() for an e-mail address.")


def _read_id(who: Any) -> UUID:
    if isinstance(who, OryIdentity):
        return who.pk
    if not isinstance(who, (get_user_model(), AnonymousUser)):
        raise TypeError(f"{type(who).__name__} is not an identity. {WHAT_FITS}")
    if who.pk is not None:
        links = OryIdentity.objects.using(writing_alias()).filter(user_id=str(who.pk))
        for identity_id in links.values_list("pk", flat=True):
            return identity_id
    raise NotFound("This user has no identity at Ory.")
