"""The sessions of people that this site has seen."""

from __future__ import annotations

from uuid import UUID

from ..models import OrySignIn
from .database import writing_alias


def known_session_ids(*identity_ids: UUID) -> list[UUID]:
    """The IDs of the sessions in which this site has loaded the users of these identities."""
    sign_ins = OrySignIn.objects.using(writing_alias()).filter(identity__in=identity_ids)
    return list(sign_ins.values_list("session_id", flat=True))
