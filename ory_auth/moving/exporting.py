"""The way back: identities at Ory become users of this project. Users who are linked already stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from threading import Event as StopEvent
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from ..conf import Conf
from ..events import Event
from ..exceptions import NotFound, OryAuthError, OryUnavailable
from ..identities.effects import apply_identity
from ..models import OryIdentity
from ..ory.admin_client import MAX_PAGE_SIZE, AdminClient, IdentityPage, not_the_admin_api
from ..ory.identifiers import normalize_identifier
from ..ory.identity_pages import walk_pages
from ..ory.json_types import read_identity
from ..ory.same_text import is_same_text
from ..types import Identity
from ..users.activation import deactivate
from ..users.conflicts import find_conflicts
from ..users.database import EPOCH, stored_time, writing_alias
from ..users.fields import email_field, has_field, user_model
from ..users.handler import UserHandler, import_handler_class
from .notices import Notice
from .options import MoveOptions
from .pace import Pace
from .passwords import describe_password
from .same_person import Ownership, check_ownership

PAGE_SIZE = MAX_PAGE_SIZE


class Outcome(StrEnum):
    """What became of an identity. The value is how the command calls it."""

    CREATED = "new users"
    LINKED = "users who were linked"
    EXISTING = "users who were here already"
    DELETED = "users who were deleted here, and stay so"
    REFUSED = "identities without a user"


@dataclass(frozen=True, slots=True)
class Exported:
    """``notice`` says why there is no user."""

    identity_id: UUID
    outcome: Outcome
    notice: Notice | None = None


REFUSALS = {
    Event.EMAIL_CONFLICT: Notice(
        "email_conflict",
        "Another user has the e-mail address, or the identity has none and the user model requires one.",
        "If Ory has verified that it is the same person's address, link the two with 'manage.py ory_link'. Otherwise "
        "change one of the addresses.",
    ),
    Event.USERNAME_CONFLICT: Notice(
        "username_conflict",
        "Another user has the username, or another value that must be unique.",
        "If it is the same person, link the two with 'manage.py ory_link'. Otherwise change one of the values.",
    ),
    Event.VALUE_REFUSED: Notice(
        "value_refused",
        "The database cannot store one of the values.",
        "Look at the log, correct the value at Ory, or leave it out of ORY_AUTH['USER_FIELDS'].",
    ),
    Event.USER_NOT_CREATED: Notice(
        "user_not_created",
        "The user model requires a value that the identity does not have.",
        "Look at the log, then map the field in ORY_AUTH['USER_FIELDS'], or set it in your USER_HANDLER.",
    ),
}
OTHER_REFUSAL = Notice("not_admitted", "This site does not admit the person.", "Look at the log.")


class Export:
    """One run. With ``dry_run`` nothing is changed."""

    def __init__(self, client: AdminClient, conf: Conf, pace: Pace, stop: StopEvent, *, dry_run: bool = False) -> None:
        self._client, self._conf, self._pace, self._stop, self._dry_run = client, conf, pace, stop, dry_run
        self._handler = import_handler_class(conf.user_handler)(conf)
        self._using = writing_alias()

    def run(self) -> Iterator[list[Exported]]:
        """Read all identities, and yield what became of each page of them. Raises :class:`OryUnavailable`."""
        is_empty = True
        for page in walk_pages(self._fetch_page, PAGE_SIZE):
            is_empty = is_empty and not page.identities
            yield self._export_page(page.identities)
            if self._stop.is_set():
                return
        if is_empty:
            self._check_server()

    def _check_server(self) -> None:
        """Another server than the right one would otherwise look as if there were nothing to export."""
        links = OryIdentity.objects.using(self._using).filter(deleted_at=None, user__isnull=False)
        if linked := links.count():
            users = "1 user here is" if linked == 1 else f"{linked:,} users here are"
            raise OryUnavailable(
                f"Ory has no identities, but {users} linked with one. Check that ORY_AUTH['ADMIN_URL'] and ['API_KEY'] "
                "are those of the right Ory.",
                status=200,
            )

    def _fetch_page(self, size: int, token: str | None) -> IdentityPage:
        page = self._pace.call(partial(self._client.list_identities, size, token))
        if isinstance(page, NotFound):
            raise not_the_admin_api()
        if isinstance(page, OryAuthError):
            raise page
        return page

    def _export_page(self, rows: Sequence[dict[str, Any]]) -> list[Exported]:
        identities = list(map(read_identity, rows))
        links = OryIdentity.objects.using(self._using).filter(pk__in=[identity.id for identity in identities])
        users = dict(links.values_list("pk", "user_id"))
        owners = self._find_owners([identity for identity in identities if identity.id not in users])
        return [self._export(identity, users, owners) for identity in identities]

    def _export(self, identity: Identity, users: Mapping[UUID, Any], owners: Mapping[str, Any]) -> Exported:
        if identity.id in users:
            outcome = Outcome.DELETED if users[identity.id] is None else Outcome.EXISTING
            return Exported(identity.id, outcome)
        owner = owners.get(identity.external_id or "")
        if owner is not None and _has_same_address(owner, identity, self._handler) and self._is_of(owner, identity.id):
            if not self._dry_run:
                self._link(owner, identity)
            return Exported(identity.id, Outcome.LINKED)
        refused = self._find_refusal(identity) if self._dry_run else self._create(identity)
        if refused is None:
            return Exported(identity.id, Outcome.CREATED)
        return Exported(identity.id, Outcome.REFUSED, REFUSALS.get(refused, OTHER_REFUSAL))

    def _find_owners(self, identities: Sequence[Identity]) -> dict[str, Any]:
        """Users without an identity whose primary key one of these identities has as ``external_id``."""
        keys = [key for identity in identities if (key := _to_primary_key(identity.external_id)) is not None]
        users = user_model()._default_manager.using(self._using).filter(pk__in=keys, ory_identity=None)
        return {str(user.pk): user for user in users}

    def _is_of(self, user: Any, identity_id: UUID) -> bool:
        """Whether the identity is provably that of this user, and not of a person in another system."""
        found = self._pace.call(partial(self._check_ownership, user, identity_id))
        if isinstance(found, OryAuthError):
            raise found
        return found

    def _check_ownership(self, user: Any, identity_id: UUID) -> bool:
        """Nothing of Ory's response leaves this frame."""
        identity = self._client.get_identity(identity_id, include_credentials=["password"])
        names = {str(getattr(user, name) or "") for name in (email_field(), user.USERNAME_FIELD) if has_field(name)}
        imported = describe_password(user, MoveOptions(migration_hook=True), self._conf).credentials
        ownership = check_ownership({normalize_identifier(name) for name in names}, imported, identity)
        if ownership is Ownership.UNLESS_USED:
            return not self._client.list_sessions(identity_id)
        return ownership is Ownership.PROVED

    def _link(self, user: Any, identity: Identity) -> None:
        """Do what an import would have done next, if it was interrupted after Ory had created the identity."""
        never = stored_time(EPOCH, self._using)
        with transaction.atomic(using=self._using):
            links = OryIdentity.objects.using(self._using)
            links.create(id=identity.id, user_id=user.pk, updated_at=never, authenticated_at=never)
            apply_identity(identity, self._conf)

    def _create(self, identity: Identity) -> Event | None:
        """Create the user. Returns why that is not possible."""
        with transaction.atomic(using=self._using):
            try:
                applied = apply_identity(identity, self._conf, create=True)
            except OryUnavailable as error:
                if error.event is not Event.USER_NOT_CREATED:
                    raise
                return error.event
            if applied.created and identity.state == "inactive":  # may not sign in there, so not here either
                links = OryIdentity.objects.using(self._using).filter(pk=identity.id)
                deactivate(applied.user, links, "inactive", self._using)
        return applied.refused

    def _find_refusal(self, identity: Identity) -> Event | None:
        """Why :meth:`_create` would not create the user, as far as that can be known without trying."""
        candidate = self._handler._build_user(identity)
        names = self._handler.values(identity).keys() | {user_model().USERNAME_FIELD}
        values = {name: getattr(candidate, name) for name in names}
        conflicts = find_conflicts(candidate, values, self._using)
        return conflicts[0].event if conflicts else None


def _to_primary_key(external_id: str | None) -> Any:
    """The value as a primary key of users, or ``None`` if no user can have it."""
    if not external_id or "\x00" in external_id:
        return None
    try:
        return user_model()._meta.pk.clean(external_id, None)  # also refuses numbers that the column cannot hold
    except ValidationError:
        return None


def _has_same_address(user: Any, identity: Identity, handler: UserHandler) -> bool:
    """Whether user and identity agree about the e-mail address, or the username if users have no address."""
    name = email_field() if has_field(email_field()) else user_model().USERNAME_FIELD
    value = getattr(user, name)
    return bool(value) and is_same_text(value, handler.values(identity).get(name))
