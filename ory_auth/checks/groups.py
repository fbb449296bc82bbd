"""``GROUPS``, compared with the user model and the other settings. What is wrong in the setting itself is E001."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.checks import CheckMessage
from django.core.exceptions import FieldDoesNotExist

from ..conf import Conf
from ..ory.admin_client import has_admin_access
from ..users.fields import has_field, user_fields, user_model
from .message import SET_ADMIN_ACCESS, make_message


def check_group_sources(conf: Conf) -> Iterator[CheckMessage]:
    if conf.groups is not None and conf.groups.needs_metadata_admin and not has_admin_access(conf):
        yield make_message(
            "E030",
            "ORY_AUTH['GROUPS'] takes roles from metadata_admin, but this site has no access to Ory's admin API.",
            f"{SET_ADMIN_ACCESS} Or store roles in metadata_public, which each session contains.",
        )


def check_group_targets(conf: Conf) -> Iterator[CheckMessage]:
    if conf.groups is None:
        return
    label = user_model()._meta.label
    if conf.groups.groups and not _has_groups():
        yield make_message(
            "E031",
            f"ORY_AUTH['GROUPS'] names groups, but {label} has no groups.",
            f"Let {label} inherit from django.contrib.auth.models.PermissionsMixin, or use only 'is_staff'.",
        )
    if conf.groups.manages_staff and not has_field("is_staff"):
        yield make_message(
            "E031",
            f"ORY_AUTH['GROUPS'] makes people staff, but {label} has no field 'is_staff'.",
            f"Add the field to {label}, or remove 'is_staff' from ORY_AUTH['GROUPS'].",
        )
    if conf.groups.manages_staff and "is_staff" in user_fields(conf):
        yield make_message(
            "W040",
            "Both ORY_AUTH['GROUPS'] and ORY_AUTH['USER_FIELDS'] set is_staff: each undoes what the other one did.",
            "Remove 'is_staff' from ORY_AUTH['USER_FIELDS'].",
        )


def _has_groups() -> bool:
    """Whether users have groups with a name, as with Django's ``PermissionsMixin``."""
    try:
        field = user_model()._meta.get_field("groups")
        return bool(field.many_to_many) and field.related_model._meta.get_field("name") is not None
    except FieldDoesNotExist:
        return False
