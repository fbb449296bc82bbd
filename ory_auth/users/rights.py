"""Comparing what two users may do, so that a staff member cannot use another account to gain rights."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.contrib.auth import get_backends
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import Permission, PermissionsMixin
from django.db.models import QuerySet

from ..conf import Conf
from ..types import Identity
from .groups import access_of
from .handler import import_handler_class

FLAGS = ("is_superuser", "is_staff")


def has_rights_beyond(person: Any, actor: Any) -> bool:
    """Whether ``person`` has a right that ``actor`` lacks: being a superuser or staff, or a permission.

    Permissions come from all authentication backends. Those for single objects are not compared. Inactive people count
    as if they were active, because they may be activated again. ``actor`` counts as they are.
    """
    if _is_superuser(actor):
        return False
    if any(getattr(person, flag, False) and not getattr(actor, flag, False) for flag in FLAGS):
        return True
    person = _as_active(person)
    if not _listed_permissions(person) <= _listed_permissions(actor):
        return True
    if _are_all_listed(person) or not hasattr(person, "has_perm"):
        return False
    return any(person.has_perm(name) and not actor.has_perm(name) for name in _names(Permission.objects.all()))


def has_role_beyond(identity: Identity, actor: Any, conf: Conf) -> bool:
    """Whether the next sign-in gives the user of this identity a right that ``actor`` lacks.

    It may do so by ``GROUPS``, and by ``USER_FIELDS`` or the project's handler. The identity must come from Ory's admin
    API.
    """
    if _is_superuser(actor):
        return False
    if any(not getattr(actor, flag, False) for flag in _flags_of(identity, conf)):
        return True
    if conf.groups is None:
        return False
    access = access_of(identity, conf.groups)
    if access.is_staff and not getattr(actor, "is_staff", False):
        return True
    permissions = Permission.objects.filter(group__name__in=access.groups)
    return not _names(permissions) <= _listed_permissions(actor)


def _flags_of(identity: Identity, conf: Conf) -> list[str]:
    """The flags that the project's handler would set. No frame keeps the other values, which error reports show."""
    values = import_handler_class(conf.user_handler)(conf).values(identity)
    flags = [flag for flag in FLAGS if values.get(flag)]
    del values
    return flags


def _is_superuser(user: Any) -> bool:
    return bool(getattr(user, "is_superuser", False) and user.is_active)


def _listed_permissions(user: Any) -> set[str]:
    """A user model without permissions has none."""
    return set(user.get_all_permissions()) if hasattr(user, "get_all_permissions") else set()


def _names(permissions: QuerySet[Permission]) -> set[str]:
    pairs = permissions.order_by().values_list("content_type__app_label", "codename")
    return {f"{label}.{codename}" for label, codename in pairs}


def _are_all_listed(user: Any) -> bool:
    """Whether all that ``has_perm()`` allows is also in ``get_all_permissions()``: not with backends such as that of
    django-rules, nor with a user model that has only ``has_perm()``.
    """
    if getattr(user.__class__, "has_perm", None) is not PermissionsMixin.has_perm:
        return False
    checks = [getattr(type(backend), "has_perm", None) for backend in get_backends()]
    return all(check in {None, ModelBackend.has_perm, BaseBackend.has_perm} for check in checks)


def _as_active(user: Any) -> Any:
    """The user as if they were active: for an inactive one a copy, without the permissions that backends remember."""
    if getattr(user, "is_active", True):
        return user
    twin = copy(user)
    for name in [name for name in vars(twin) if name.endswith("_perm_cache")]:
        delattr(twin, name)
    if "is_active" in vars(twin):
        twin.is_active = True
    return twin
