"""What a synchronization has found and changed: numbers, and a few examples of each kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

MAX_EXAMPLES = 5


class Drift(StrEnum):
    """A difference between an identity and its user. The value is how reports call it."""

    FIELDS = "fields"
    ACCESS = "groups or staff status"
    INACTIVE = "deactivated at Ory"
    ACTIVE = "activated again at Ory"
    DELETED = "deleted at Ory"
    RESTORED = "exists at Ory again"
    NEVER_HERE = "never signed in here"
    DELETED_HERE = "user deleted here"
    CONFLICT = "values that could not be saved"
    FAILED = "failed"


@dataclass
class Summary:
    """The result of a synchronization.

    ``counts`` has the number of people for each kind of difference. One person may have several. ``examples`` has the
    IDs of a few of their identities. With ``dry_run``, nothing was changed.
    """

    dry_run: bool = False
    identities: int = 0  # that this run has compared
    compared_before: int = 0  # by a run that was interrupted, and that this one has continued
    in_sync: int = 0
    created: int = 0
    deactivated: int = 0
    seconds: float = 0.0
    counts: Counter[Drift] = field(default_factory=Counter)
    examples: dict[Drift, list[UUID]] = field(default_factory=dict)

    def add(self, drift: Drift, identity_id: UUID | None) -> None:
        """Count one person."""
        self.counts[drift] += 1
        examples = self.examples.setdefault(drift, [])
        if identity_id is not None and len(examples) < MAX_EXAMPLES:
            examples.append(identity_id)
