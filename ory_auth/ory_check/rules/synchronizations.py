"""Whether users are synchronized with Ory."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts.model import Facts
from .ages import describe_age
from .findings import Check, Finding, Problem, ok, warning

MAX_AGE = 2 * 86400.0  # seconds


def evaluate_synchronizations(facts: Facts) -> Iterator[Finding]:
    """Nothing if ``ory_sync`` was never used."""
    runs = facts.project.synchronizations
    if runs is None:
        return
    age = "never" if runs.complete_age is None else describe_age(runs.complete_age)
    if runs.interrupted_age is not None:
        found = f"The last run of ory_sync is not complete. It began {describe_age(runs.interrupted_age)}."
        fix = "Run 'manage.py ory_sync', which goes on where it stopped, and read why it stops."
        yield warning(Check.SYNCHRONIZATION, Problem.SYNC_INTERRUPTED, found, fix, runs.seconds)
    elif runs.complete_age is not None and runs.complete_age > MAX_AGE:
        found = (
            f"The last complete run of ory_sync was {age}. People who were deleted at Ory since then are active here."
        )
        fix = "Run 'manage.py ory_sync' periodically, such as once an hour."
        yield warning(Check.SYNCHRONIZATION, Problem.SYNC_OUTDATED, found, fix, runs.seconds)
    elif runs.complete_age is not None:
        yield ok(Check.SYNCHRONIZATION, f"complete {age}; identities compared: {runs.identities:,}", runs.seconds)
