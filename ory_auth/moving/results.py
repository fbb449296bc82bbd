"""What becomes of each person in a run."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from .notices import Notice
from .people import Person


@dataclass(frozen=True, slots=True)
class Imported:
    """Ory has this person. ``is_new`` is false if an earlier run, which was interrupted, created the identity."""

    person: Person
    identity_id: UUID
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class NotImported:
    """This person is not at Ory, or not completely, and why.

    ``identity_id`` is the identity in question, if any, and ``other_users`` are primary keys of duplicates.
    """

    person: Person
    notice: Notice
    identity_id: UUID | None = None
    other_users: tuple[str, ...] = ()


Result = Imported | NotImported
