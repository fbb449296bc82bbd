"""The import: reads users in batches, sends them to Ory with several workers, and links those whom Ory has.

The database is used by the calling thread only; the workers only call Ory. A link is written after everything about a
person is at Ory, so a person without a link is not finished. The next run finds out what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from .capabilities import OryCapabilities
from .duplicates import Duplicates
from .identity_parts import find_sign_in_names
from .links import save_links
from .notices import Notice
from .options import MoveOptions
from .pace import Stopped
from .people import ANY_SCHEMA, Person, describe_users
from .results import NotImported, Result
from .selection import Selection, read_batches
from .sending import RunFailed, Sender

READ_SIZE = 1000  # users in one query, if nothing is sent
TICK_SECONDS = 0.5  # so that the progress bar moves while no batch is finished


@dataclass(frozen=True)
class Import:
    """One run. Once ``stop`` is set, it begins no new batch."""

    selection: Selection
    options: MoveOptions
    capabilities: OryCapabilities = field(repr=False)
    stop: Event
    batch_size: int
    duplicates: Duplicates = field(default_factory=Duplicates, repr=False)

    def find_duplicates(self) -> Iterator[int]:
        """Read all people who are to be imported, so that :meth:`problem_of` knows who has the same address.

        Yields the number of people after each batch.
        """
        for users in self._read_users(READ_SIZE):
            for names in find_sign_in_names(users, self.options, self.capabilities.schema or ANY_SCHEMA):
                self.duplicates.add(names)
            yield len(users)

    def describe(self) -> Iterator[list[Person]]:
        """All people who are to be imported."""
        for users in self._read_users(self.batch_size):
            yield describe_users(users, self.options, self.capabilities)

    def _read_users(self, size: int) -> Iterator[list[Any]]:
        for users in read_batches(self.selection.not_linked(), lambda: size, self.selection.limit):
            if self.stop.is_set():
                return
            yield users

    def warnings_of(self, person: Person) -> tuple[Notice, ...]:
        """What does not move of a person who moves, and what to look at."""
        return (*person.warnings, *self.duplicates.warnings_of(person))

    def problem_of(self, person: Person) -> NotImported | None:
        """Why this person cannot be sent to Ory. Complete only after :meth:`find_duplicates`."""
        problems = (*person.problems, *self.duplicates.problems_of(person))
        return NotImported(person, problems[0], other_users=self.duplicates.others(person)) if problems else None

    def run(self, sender: Sender, parallel: int) -> Iterator[list[Result]]:
        """Import the people, and yield what became of them; an empty list if nothing is new for a moment.

        Once ``stop`` is set, no new batch begins, and those under way are finished. Raises :class:`RunFailed`.
        """
        batches = read_batches(self.selection.not_linked(), lambda: sender.batch_size, self.selection.limit)
        failure: RunFailed | None = None
        under_way: set[Future[list[Result]]] = set()
        with ThreadPoolExecutor(parallel) as workers:
            try:
                while True:
                    while len(under_way) <= parallel and not failure and not self.stop.is_set():
                        users = next(batches, None)
                        if users is None:
                            break
                        refused, people = self._sort(users)
                        yield refused
                        if people:
                            under_way.add(workers.submit(sender.send, people))
                    if not under_way:
                        break
                    done, under_way = wait(under_way, TICK_SECONDS, FIRST_COMPLETED)
                    for future in done:
                        try:
                            yield save_links(future.result(), by="ory_import_users")
                        except RunFailed as error:
                            failure = error
                        except Stopped:  # while it waited to try again
                            continue
                    yield []
            finally:
                for future in under_way:
                    future.cancel()
        if failure is not None:
            raise RunFailed(failure.error)

    def _sort(self, users: Sequence[Any]) -> tuple[list[Result], list[Person]]:
        """Those who cannot be sent, with the reason, and those who can."""
        refused: list[Result] = []
        people = []
        for person in describe_users(users, self.options, self.capabilities):
            problem = self.problem_of(person)
            if problem is None:
                people.append(person)
            else:
                refused.append(problem)
        return refused, people
