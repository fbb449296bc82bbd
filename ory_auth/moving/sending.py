"""Creates the identities of a batch of people, and completes those that an interrupted run left behind.

Ory refuses a whole batch because of one person in it, and does not say which. It saves either all of a batch that it
accepts, or nothing if the connection is lost before that. So a batch can always be sent again: the people whom Ory
already has are reported as conflicts, and found by their ``external_id``.
Follows https://www.ory.com/docs/reference/api#operation/batchPatchIdentities.

Bodies contain hashes. Errors are passed as values, so that no frame that holds a body is part of an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import UUID

from ..exceptions import Conflict, InvalidIdentity, NotFound, OryAuthError
from ..ory.admin_client import AdminClient, not_the_admin_api
from ..ory.json_api import find_pointers
from ..ory.json_types import read_identity
from . import reasons
from .pace import Failure, classify_failure
from .people import Person
from .results import Imported, NotImported, Result
from .same_person import Ownership, check_ownership

T = TypeVar("T")
MAX_BROKEN_IN_A_ROW = 3  # people for whom Ory answers 500, before Ory itself counts as broken


class RunFailed(Exception):
    """Ory cannot be used, because of ``error``. So the run ends; the next one sends again what is not finished."""

    def __init__(self, error: OryAuthError) -> None:
        super().__init__(str(error))
        self.error = error


class Calls(Protocol):
    """How calls are made: :class:`~.pace.Pace`, or :class:`~.pace.OneTry`."""

    def call(self, send: Callable[[], T]) -> T | OryAuthError: ...


class Sender:
    """Sends batches for one run; its methods may be called by several threads."""

    def __init__(self, client: AdminClient, calls: Calls, batch_size: int = 1) -> None:
        self.batch_size = batch_size  # becomes smaller if Ory needs too long for a batch
        self._client, self._calls = client, calls
        self._broken_in_a_row = 0

    def send(self, people: Sequence[Person]) -> list[Result]:
        """The result for each person, in order. Raises :class:`RunFailed`, or :class:`~.pace.Stopped`."""
        answer = self._calls.call(partial(self._create, people))
        if not isinstance(answer, OryAuthError):
            self._broken_in_a_row = 0
            return [self._finish(person, item) for person, item in zip(people, answer, strict=True)]
        if isinstance(answer, NotFound):
            answer = not_the_admin_api()
        kind = classify_failure(answer)
        if kind in {Failure.DOWN, Failure.SETUP}:
            raise RunFailed(answer)
        if len(people) > 1:
            if kind is Failure.TOO_LARGE:
                self.batch_size = min(self.batch_size, max(len(people) // 2, 1))
            middle = len(people) // 2
            return [*self.send(people[:middle]), *self.send(people[middle:])]
        return [self._refuse(people[0], answer, kind)]

    def _create(self, people: Sequence[Person]) -> list[Any]:
        return self._client.patch_identities([{"create": _body_to_send(person)} for person in people])

    def _refuse(self, person: Person, error: OryAuthError, kind: Failure) -> Result:
        """The result for a single person whom Ory refuses."""
        if isinstance(error, Conflict):
            return self._resolve_conflict(person)
        if isinstance(error, InvalidIdentity):
            return NotImported(person, reasons.refused_by_ory(error.fields))
        self._broken_in_a_row += 1
        if kind is Failure.TOO_LARGE or self._broken_in_a_row >= MAX_BROKEN_IN_A_ROW:
            raise RunFailed(error)
        return NotImported(person, reasons.BROKEN)

    def _finish(self, person: Person, item: Any) -> Result:
        """The result for a person of a batch that Ory carried out. ``item`` is Ory's JSON about this person."""
        identity_id, code, fields = read_item(item)
        if identity_id is not None:
            return self._complete(person, identity_id, is_new=True)
        if code == 409:
            return self._resolve_conflict(person)
        return NotImported(person, reasons.refused_by_ory(fields) if code == 400 else reasons.BROKEN)

    def _complete(self, person: Person, identity_id: UUID, *, is_new: bool) -> Result:
        """Add what this Ory does not accept in a new identity, and activate the identity with the same call."""
        if person.operations(str(identity_id)):
            error = self._calls.call(partial(self._patch, person, identity_id))
            if isinstance(error, OryAuthError):
                if classify_failure(error) in {Failure.DOWN, Failure.SETUP, Failure.TOO_LARGE}:
                    raise RunFailed(error)
                return NotImported(person, reasons.INCOMPLETE, identity_id)
        return Imported(person, identity_id, is_new)

    def _patch(self, person: Person, identity_id: UUID) -> None:
        state = {"op": "replace", "path": "/state", "value": wanted_state(person)}
        self._client.patch_identity(identity_id, [*person.operations(str(identity_id)), state])

    def _resolve_conflict(self, person: Person) -> Result:
        """Ory has these values already: of this person since an earlier run, or of another one."""
        found = self._calls.call(partial(self._find_by_external_id, person))
        if isinstance(found, NotFound):
            return NotImported(person, reasons.TAKEN, self._find_owner(person))
        if isinstance(found, OryAuthError):
            raise RunFailed(found)
        identity_id, is_active, ownership = found
        if ownership is Ownership.NOT_PROVED or (ownership is Ownership.UNLESS_USED and self._is_used(identity_id)):
            return NotImported(person, reasons.EXTERNAL_ID_TAKEN, identity_id)
        if is_active:  # which a person with more to add becomes only when that is complete
            return Imported(person, identity_id, is_new=False)
        return self._complete(person, identity_id, is_new=False)

    def _find_by_external_id(self, person: Person) -> tuple[UUID, bool, Ownership]:
        """The identity's ID, whether it is active, and whether it is this person's. Nothing else leaves this frame."""
        data = self._client.get_by_external_id(person.external_id, include_credentials=["password"])
        ownership = check_ownership(person.identifiers, person.body.get("credentials") or {}, data)
        identity = read_identity(data)
        return identity.id, identity.state == "active", ownership

    def _is_used(self, identity_id: UUID) -> bool:
        """Whether anybody has signed in with it."""
        sessions = self._calls.call(partial(self._client.list_sessions, identity_id))
        if isinstance(sessions, OryAuthError):
            raise RunFailed(sessions)
        return bool(sessions)

    def _find_owner(self, person: Person) -> UUID | None:
        """The identity that has one of this person's addresses or usernames, if exactly one has."""
        owners: set[str] = set()
        for identifier in person.identifiers:
            found = self._calls.call(partial(self._client.find_by_identifier, identifier))
            owners |= {str(each.get("id")) for each in found} if not isinstance(found, OryAuthError) else set()
        with suppress(ValueError):
            return UUID(owners.pop()) if len(owners) == 1 else None
        return None


def wanted_state(person: Person) -> str:
    return str(person.body.get("state") or "active")


def _body_to_send(person: Person) -> Mapping[str, Any]:
    """Without their second factor, people could sign in with the password alone. So they are inactive until then."""
    needs_more = person.operations("")
    return {**person.body, "state": "inactive"} if needs_more else person.body


def read_item(item: Any) -> tuple[UUID | None, int, tuple[str, ...]]:
    """Ory's result for one item of a batch: the identity's ID, or the status of the error and the refused fields."""
    if not isinstance(item, dict):
        return None, 500, ()
    if item.get("action") == "create" and item.get("identity"):
        return UUID(item["identity"]), 201, ()
    error = item.get("error") or {}
    code = error.get("code")
    return None, code if isinstance(code, int) else 500, find_pointers(str(error.get("reason") or ""))
