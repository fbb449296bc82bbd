"""``USER_FIELDS``: which part of an identity goes into which field of the user, and which fields are excluded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from datetime import datetime
from typing import TYPE_CHECKING, Any
from unicodedata import category

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.utils import timezone

from ..conf import DEFAULT_USER_FIELDS, Conf

if TYPE_CHECKING:  # the system checks load this module, and know no identity
    from ..types import Identity

PRIVILEGES = frozenset({"is_staff", "is_superuser", "groups", "user_permissions"})
PROJECT_OWNED_FIELDS = frozenset({"is_active", "password", "last_login", "ory_identity"})  # only the project sets these
VERIFIED_EMAIL = "verified_email"  # a path of this package: the first address that Ory has verified

# What a path such as "traits.name.first" or "verifiable_addresses.0.value" may consist of.
PATH_ROOTS_WITH_PARTS = frozenset({"traits", "metadata_public", "verifiable_addresses"})
PATH_ROOTS = PATH_ROOTS_WITH_PARTS | {"id", "schema_id", "organization_id"}
LIST_INDEX = re.compile("0|[1-9][0-9]{0,5}")
ADDRESS_FIELDS = frozenset({"id", "value", "verified", "via", "status", "verified_at", "created_at", "updated_at"})

_INVALID = object()


def user_model() -> Any:
    """The project's user model; its type is not known here."""
    return get_user_model()


def email_field() -> str:
    """The name of the user model's e-mail field; "email" if it has none."""
    return str(getattr(user_model(), "EMAIL_FIELD", "email"))


def user_fields(conf: Conf) -> dict[str, str]:
    """``USER_FIELDS`` without fields that the model does not have, and without privileges from traits."""
    fields = dict(conf.user_fields or {})
    if conf.user_fields is None:
        fields = dict(DEFAULT_USER_FIELDS)
        if email_field() != "email" and has_field(email_field()):
            fields.setdefault(email_field(), "traits.email")
    return {name: path for name, path in fields.items() if has_field(name) and not is_forbidden(name, path)}


def is_forbidden(name: str, path: str) -> bool:
    """Whether this mapping could give people rights that they must not choose themselves."""
    if name in PRIVILEGES:
        return not path.startswith("metadata_public.")  # which only admins of Ory write
    if name in {"pk", user_model()._meta.pk.name}:
        return path != "id"
    return name in PROJECT_OWNED_FIELDS


def read_values(identity: Identity, fields: Mapping[str, str]) -> dict[str, Any]:
    """The identity's values for these fields, converted for each field, without those that a field cannot hold."""
    field = user_model()._meta.get_field
    cleaned = ((name, _clean(field(name), read_path(identity, path))) for name, path in fields.items())
    return {name: value for name, value in cleaned if value is not _INVALID}


def is_missing(identity: Identity, path: str) -> bool:
    """Whether the identity has no value at this path, or an empty one."""
    value = read_path(identity, path)
    return value is None or (isinstance(value, str) and not value.strip())


def read_path(identity: Identity, path: str) -> Any:
    """The value at a path such as ``"traits.name.first"`` or ``"traits.emails.0"``; ``None`` if there is none."""
    if path == VERIFIED_EMAIL:
        return next(iter(identity.verified_emails()), None)
    head, *rest = path.split(".")
    return follow_path(getattr(identity, head, None) if head in PATH_ROOTS else None, rest)


def follow_path(value: Any, names: Iterable[str]) -> Any:
    """The value that these keys and list indices lead to; ``None`` if there is none."""
    for name in names:
        value = _get_part(value, name)
    return value


def _get_part(value: Any, name: str) -> Any:
    """The value of a key, or the element of a list, which is counted from 0; ``None`` if there is none."""
    if isinstance(value, Mapping):
        return value.get(name)
    if isinstance(value, (list, tuple)) and LIST_INDEX.fullmatch(name) and int(name) < len(value):
        return value[int(name)]
    return None


def _clean(field: Any, value: Any) -> Any:
    """The value as the field takes it, or ``_INVALID``."""
    if isinstance(value, (Mapping, list, tuple)) and not isinstance(field, models.JSONField):
        return _INVALID
    if isinstance(field, (models.CharField, models.TextField)):
        return _clean_text(field, "" if value is None else str(value).strip())
    if value is None:
        return None if field.null else _INVALID
    try:
        cleaned = field.clean(deepcopy(value), None)  # a project may change what the user has, but not Ory's own JSON
        return _to_djangos_time_zone(cleaned) if isinstance(cleaned, datetime) else cleaned
    except (ValidationError, OverflowError):
        return _INVALID


def _clean_text(field: Any, value: str) -> Any:
    text = _remove_unprintable(value, one_line=isinstance(field, models.CharField))
    if field.max_length:
        text = text[: field.max_length]
    identifies_person = field.unique or isinstance(field, models.EmailField)
    if identifies_person and (text != value or not text.isprintable()):
        return _INVALID  # a shortened or changed address may belong to another person
    return _validate(field, None if not text and field.null else text)


def _to_djangos_time_zone(moment: datetime) -> datetime:
    """Aware or naive, as ``USE_TZ`` says."""
    if settings.USE_TZ:
        return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
    return timezone.make_naive(moment, timezone.get_default_timezone()) if timezone.is_aware(moment) else moment


def _remove_unprintable(text: str, *, one_line: bool) -> str:
    """Remove lone surrogates and NUL. With ``one_line``, replace line breaks and control characters by spaces."""
    if text.isprintable():
        return text.strip()
    text = text.encode(errors="ignore").decode().replace("\x00", "")
    if one_line:
        text = "".join(" " if category(letter) in {"Cc", "Zl", "Zp"} else letter for letter in text)
    return text.strip()


def _validate(field: Any, value: str | None) -> Any:
    """The value, or ``_INVALID`` if a validator or the choices of its field refuse it. Empty values are not checked."""
    if not value:
        return value
    try:
        field.run_validators(value)
        if field.choices:
            field.validate(value, None)
    except ValidationError:
        return _INVALID
    return value


def has_field(name: str) -> bool:
    """Whether the user model has a field of this name that can hold a value."""
    try:
        field = user_model()._meta.get_field(name)
        return bool(getattr(field, "concrete", False)) and not field.many_to_many
    except FieldDoesNotExist:
        return False
