"""Operations that change identities. The user, the groups and the cached sessions of the person follow at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from ..conf import conf
from ..events import Event, log
from ..exceptions import Conflict, NotFound, OryAuthError
from ..ory.admin_client import AdminClient, admin_client_of
from ..ory.json_types import read_identity
from ..types import Identity
from .driver import Steps, ask, locally
from .effects import Applied, apply_deletion, apply_identity
from .json_patch import Operation, merge_operations, replace_operations
from .reading import get
from .rollback import call_on_rollback
from .session_ends import end_sessions, refuse_active_sessions, report_ends
from .targets import Who, find_id


def create(
    *,
    traits: Mapping[str, Any],
    schema_id: str = "",
    external_id: str = "",
    metadata_public: Any = None,
    metadata_admin: Any = None,
    password: str | None = None,
    verified_addresses: Sequence[str] = (),
    active: bool = True,
    create_user: bool = False,
) -> Steps[Identity]:
    """Create an identity. If the current database transaction rolls back, it is deleted again.

    ``schema_id`` is empty for Ory's default schema. ``external_id`` is the ID that your project gives to the identity,
    of at most 64 characters. ``verified_addresses`` are e-mail addresses in the traits that need no verification.
    Without a ``password``, the person recovers the account first, or signs in with a code. ``create_user`` also creates
    the user here, as the first visit would, so that you can give them permissions.

    Raises :class:`.Conflict` if another identity has the address or the ``external_id``, or if a user here prevents
    ``create_user``, and :class:`.InvalidIdentity` if the schema refuses the traits. After :class:`.OryUnavailable` the
    identity may exist. Follows https://www.ory.com/docs/reference/api#operation/createIdentity.
    """
    body: dict[str, Any] = {"traits": dict(traits), "state": "active" if active else "inactive"}
    addresses = [
        {"value": value, "via": "email", "verified": True, "status": "completed"} for value in verified_addresses
    ]
    credentials = {"password": {"config": {"password": password}}} if password is not None else None
    optional = {
        "schema_id": schema_id or None,
        "external_id": external_id or None,
        "metadata_public": metadata_public,
        "metadata_admin": metadata_admin,
        "verifiable_addresses": addresses or None,
        "credentials": credentials,
    }
    body |= {name: value for name, value in optional.items() if value is not None}
    identity = read_identity((yield from ask(AdminClient.create_identity, body)))
    yield from locally(call_on_rollback, partial(undo_creation, identity.id))
    if create_user:
        yield from _create_user(identity)
    return identity


def _create_user(identity: Identity) -> Steps[None]:
    try:
        applied: Applied = yield from locally(apply_identity, identity, conf(), create=True)
    except Exception:
        yield from locally(undo_creation, identity.id)
        raise
    if applied.user is None:
        yield from locally(undo_creation, identity.id)
        raise Conflict(f"No user was created here ({applied.refused}). The identity was deleted again.")


def undo_creation(identity_id: UUID) -> None:
    """Delete an identity that should not exist after all. Raises nothing; a failure is logged."""
    try:
        admin_client_of(conf()).delete_identity(identity_id)
    except NotFound:
        pass
    except OryAuthError as error:
        log(Event.CREATION_NOT_UNDONE, identity=str(identity_id), error=type(error).__name__)


def update(
    who: Who,
    *,
    traits: Mapping[str, Any] | None = None,
    schema_id: str | None = None,
    external_id: str | None = None,
    merge: bool = True,
) -> Steps[Identity]:
    """Change an identity. What you don't pass stays as it is.

    ``traits`` are merged into the traits that Ory has, as in RFC 7396 (JSON Merge Patch): objects are merged at every
    level, and ``None`` removes a trait. ``merge=False`` replaces all traits. An empty ``external_id`` removes it.

    Raises :class:`.NotFound`; :class:`.Conflict` if another identity has the address or the ``external_id``; and
    :class:`.InvalidIdentity` if the schema refuses the traits. Follows
    https://www.ory.com/docs/reference/api#operation/patchIdentity.
    """
    identity = yield from get(who)
    operations: list[Operation] = []
    if schema_id is not None:
        operations += replace_operations("/schema_id", identity.schema_id, schema_id)
    if external_id is not None:
        operations += replace_operations("/external_id", identity.external_id or "", external_id)
    if traits is not None:
        operations += _operations("/traits", identity.traits, traits, merge=merge)
    return (yield from _patch(identity, operations))


def set_metadata(who: Who, *, public: Any = None, admin: Any = None, merge: bool = True) -> Steps[Identity]:
    """Change the metadata of an identity. The person can read ``public``, and neither of them can the person change.

    Both are merged into what Ory has, as in RFC 7396 (JSON Merge Patch): objects are merged at every level, and
    ``None`` removes a member. ``merge=False`` replaces what you pass, by any JSON.

    Raises :class:`.NotFound`. Follows https://www.ory.com/docs/reference/api#operation/patchIdentity.
    """
    identity = yield from get(who)
    operations: list[Operation] = []
    if public is not None:
        operations += _operations("/metadata_public", identity.metadata_public, public, merge=merge)
    if admin is not None:
        operations += _operations("/metadata_admin", identity.metadata_admin, admin, merge=merge)
    return (yield from _patch(identity, operations))


def activate(who: Who) -> Steps[Identity]:
    """Let the person sign in again. Raises :class:`.NotFound`."""
    return (yield from _set_state((yield from find_id(who)), "active"))


def deactivate(who: Who) -> Steps[Identity]:
    """Keep the person from signing in, and end all their sessions, at Ory and on every worker of this site.

    If the first call to Ory fails, nothing has changed. Raises :class:`.NotFound`.
    """
    identity_id = yield from find_id(who)
    identity = yield from _set_state(identity_id, "inactive")  # first, so that no session begins meanwhile
    yield from end_sessions(identity_id)
    return identity


def delete(who: Who) -> Steps[None]:
    """Delete an identity with its sessions and credentials. The user here stays.

    If Ory cannot be asked, nothing has changed. Raises :class:`.NotFound` if Ory does not know the identity. Follows
    https://www.ory.com/docs/reference/api#operation/deleteIdentity.
    """
    identity_id = yield from find_id(who)
    active = yield from refuse_active_sessions(identity_id)
    yield from ask(AdminClient.delete_identity, identity_id)
    yield from report_ends(identity_id, active)
    yield from locally(apply_deletion, identity_id, conf())


def _set_state(identity_id: UUID, state: str) -> Steps[Identity]:
    operation = {"op": "replace", "path": "/state", "value": state}
    data = yield from ask(AdminClient.patch_identity, identity_id, [operation])
    return (yield from _apply(read_identity(data, identity_id)))


def _operations(path: str, current: Any, value: Any, *, merge: bool) -> list[Operation]:
    if not merge:
        return replace_operations(path, current, value)
    if not isinstance(value, Mapping):
        raise TypeError(f"{path[1:]} must be a dict. To store other JSON, pass merge=False.")
    return merge_operations(path, current, value)


def _patch(identity: Identity, operations: list[Operation]) -> Steps[Identity]:
    if operations:
        data = yield from ask(AdminClient.patch_identity, identity.id, operations)
        identity = read_identity(data, identity.id)
    return (yield from _apply(identity))


def _apply(identity: Identity) -> Steps[Identity]:
    yield from locally(apply_identity, identity, conf())
    return identity
