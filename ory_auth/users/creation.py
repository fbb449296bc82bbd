"""The first visit of an identity: create its user, or link an existing one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from django.db import transaction

from ..events import Event, log
from ..exceptions import OryUnavailable
from ..models import OryIdentity
from ..ory.same_text import is_same_text
from ..types import Identity
from .conflicts import Conflict, find_conflicts, is_address_given_up, may_take_address, release_address
from .database import EPOCH, stored_time
from .database_errors import SETUP_RETRY_AFTER, Refusal, refusal_of
from .fields import email_field, is_missing, read_path, user_model
from .handler import EmailMissing, UserHandler
from .link_columns import identity_columns
from .linking import find_by_verified_email, is_linked
from .result import UserResult
from .saving import FieldSaver
from .uniqueness import is_unique


def create_user(identity: Identity, handler: UserHandler, using: str) -> UserResult:
    """Create the user of this identity, or link an existing one.

    If the database refuses the row, the next attempt takes an address from the user who has it, or leaves values out.
    Raises :class:`OryUnavailable` if the user model takes no new user at all.
    """
    creation = _Creation(identity, handler, using)
    while (result := creation.attempt()) is None:
        pass
    return result


class _Creation:
    """The attempts to create one user. Each refusal of the database decides what the next attempt does differently."""

    def __init__(self, identity: Identity, handler: UserHandler, using: str) -> None:
        self._identity = identity
        self._handler = handler
        self._using = using
        self._to_release: list[Conflict] = []  # the next attempt takes these addresses from the users who have them
        self._exclusions = _fields_to_exclude(identity, handler)

    def attempt(self) -> UserResult | None:
        """Try once; ``None`` if another attempt may succeed."""
        try:
            with transaction.atomic(using=self._using):
                for conflict in self._to_release:
                    release_address(conflict, self._using)
                user, linked = _create_or_link(self._identity, self._handler, self._using)
        except EmailMissing:
            log(Event.EMAIL_CONFLICT, at="creation", why="no_address", field=email_field())
            return UserResult(None, Event.EMAIL_CONFLICT)
        except Exception as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
        else:
            return UserResult(user, created=True, linked=linked)
        # Not in the except block: an error from here would carry the database's error, which quotes values.
        return self._after_refusal(refusal)

    def _after_refusal(self, refusal: Refusal) -> UserResult | None:
        user = user_model()._default_manager.using(self._using).filter(ory_identity=self._identity.id).first()
        if user is not None:
            return UserResult(user)  # a simultaneous request has created the user
        if refusal is Refusal.CONSTRAINT:
            if self._is_linked_to_hidden_user():
                return UserResult(None, Event.NOT_ADMITTED)
            conflicts = self._find_conflicts()
            if conflicts:
                return self._release_next_time(conflicts)
        return self._exclude_next_time(refusal)

    def _is_linked_to_hidden_user(self) -> bool:
        """Whether the identity has a user that the model's own manager hides."""
        links = OryIdentity.objects.using(self._using).filter(pk=self._identity.id)
        return bool(links.exclude(user=None).exists())

    def _find_conflicts(self) -> list[Conflict]:
        handler = self._handler
        candidate = handler._build_user(self._identity)
        names = handler.values(self._identity).keys() - handler._excluded_fields | {user_model().USERNAME_FIELD}
        return find_conflicts(candidate, {name: getattr(candidate, name) for name in names}, self._using)

    def _release_next_time(self, conflicts: list[Conflict]) -> UserResult | None:
        if self._to_release or not all(map(self._may_release, conflicts)):
            log(conflicts[0].event, at="creation", field=conflicts[0].field)
            return UserResult(None, conflicts[0].event)
        self._to_release = conflicts
        return None

    def _may_release(self, conflict: Conflict) -> bool:
        if may_take_address(conflict, self._identity, self._using):
            return True
        if not _is_mapped_address(conflict, self._identity, self._handler):
            return False
        return is_address_given_up(conflict, self._identity, self._handler.conf, self._using)

    def _exclude_next_time(self, refusal: Refusal) -> UserResult | None:
        excluded = next(self._exclusions, None)
        if excluded is not None:
            self._handler._excluded_fields = excluded
            return None
        if refusal is Refusal.VALUE:
            return UserResult(None, Event.VALUE_REFUSED)
        raise _user_not_created(self._handler._build_user(self._identity))


def _is_mapped_address(conflict: Conflict, identity: Identity, handler: UserHandler) -> bool:
    """Whether the value is an address that stands like this in the identity: Ory knows no other values."""
    path = handler.fields().get(conflict.field, "")
    return "@" in str(conflict.value) and is_same_text(read_path(identity, path), conflict.value)


def _fields_to_exclude(identity: Identity, handler: UserHandler) -> Iterator[frozenset[str]]:
    """Sets of fields to leave out, one after the other: first those that are not unique, then all mapped ones."""
    mapped = frozenset(handler.values(identity))
    not_unique = frozenset(name for name in mapped if not is_unique(name))
    yield from dict.fromkeys(names for names in (not_unique, mapped) if names)


def _create_or_link(identity: Identity, handler: UserHandler, using: str) -> tuple[Any, bool]:
    """The new user of this identity, or an existing one that is now linked; and whether it was linked."""
    user = _find_linkable_user(identity, handler, using)
    linked = user is not None
    if linked:
        user.set_unusable_password()  # this ends Django's sessions of the user
        user.save(update_fields=["password"], using=using)
        handler.revoke_credentials(user)
        transaction.on_commit(partial(log, Event.IDENTITY_LINKED, identity=str(identity.id)), using=using)
    else:
        user = handler.create(identity)
    values = {
        "user_id": user.pk,
        **identity_columns(identity, using),
        "authenticated_at": stored_time(EPOCH, using),
    }
    # The link's primary key lets only one of two first requests succeed, also if a deleted user has left a link.
    if not links_without_user(identity, using).update(**values):
        OryIdentity.objects.using(using).create(id=identity.id, **values)
    if not linked:
        _save_excluded_values(user, identity, handler)
    return user, linked


def _find_linkable_user(identity: Identity, handler: UserHandler, using: str) -> Any:
    """The user to link to this identity, if ``LINK_BY_VERIFIED_EMAIL`` is on and there is one."""
    if not handler.conf.link_by_verified_email:
        return None
    user = find_by_verified_email(identity, using)
    return user if user is not None and not is_linked(user, using) and handler.may_link(identity, user) else None


def links_without_user(identity: Identity, using: str) -> Any:
    """The link of this identity, if its user was deleted."""
    return OryIdentity.objects.using(using).filter(pk=identity.id, user=None)


def _save_excluded_values(user: Any, identity: Identity, handler: UserHandler) -> None:
    """Save the values that were left out to create the user, if the database takes them one by one."""
    values = handler.values(identity)
    excluded = {name: values[name] for name in handler._excluded_fields}
    FieldSaver(user, identity, handler.replacement).save(excluded)
    _log_invalid_values(identity, handler, values)


def _log_invalid_values(identity: Identity, handler: UserHandler, values: Mapping[str, Any]) -> None:
    """Log which values of a new identity are invalid for the fields of its user."""
    for name, path in handler.fields().items():
        if name not in values and not is_missing(identity, path):
            log(Event.VALUE_REFUSED, identity=str(identity.id), field=name, why="invalid", at="creation")


def _user_not_created(candidate: Any) -> OryUnavailable:
    """The error for a user model that takes no new user. It names fields, never values."""
    fields = ", ".join(_fields_without_value(candidate)) or None
    label = candidate._meta.label
    log(Event.USER_NOT_CREATED, model=label, fields=fields, fix="ORY_AUTH['USER_FIELDS']_or_['USER_HANDLER']")
    return OryUnavailable(
        f"{label} did not take the new user: see ORY_AUTH['USER_FIELDS'] and ['USER_HANDLER'].",
        event=Event.USER_NOT_CREATED,
        retry_after=SETUP_RETRY_AFTER,
        cause=fields,
    )


def _fields_without_value(candidate: Any) -> list[str]:
    """The fields that need a value, and have none."""
    return [
        field.name
        for field in candidate._meta.concrete_fields
        if not (field.null or field.primary_key or getattr(field, "auto_now", False))
        and not getattr(field, "auto_now_add", False)
        and getattr(candidate, field.attname) is None
    ]
