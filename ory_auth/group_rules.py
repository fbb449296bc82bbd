"""The setting ``GROUPS``: which role at Ory gives which Django groups, and whether it makes a person staff.

A role is a value at a path in the identity that only admins of Ory write: never in the traits, which people edit
themselves. No role makes a superuser.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

METADATA = ("metadata_public", "metadata_admin")
ORGANIZATION = "organization_id"
MAX_GROUP_NAME = 150  # characters, in Django's model
EXAMPLE = "{'metadata_public.roles': {'editor': ['Editors'], 'support': {'groups': ['Support'], 'is_staff': True}}}"


@dataclass(frozen=True, slots=True)
class GroupRule:
    """People with ``role`` at ``path`` of their identity are in ``groups``, and are staff if ``is_staff``."""

    path: str
    role: str
    groups: tuple[str, ...]
    is_staff: bool


@dataclass(frozen=True)
class GroupRules:
    """The rules of ``GROUPS``. Groups that no rule names are not managed, and keep their members."""

    rules: tuple[GroupRule, ...]

    @cached_property
    def groups(self) -> frozenset[str]:
        """The names of all groups that are managed."""
        return frozenset(name for rule in self.rules for name in rule.groups)

    @cached_property
    def manages_staff(self) -> bool:
        """Whether some role makes people staff, so that people without such a role are not."""
        return any(rule.is_staff for rule in self.rules)

    @cached_property
    def needs_metadata_admin(self) -> bool:
        """Whether some path is in ``metadata_admin``, which only Ory's admin API returns."""
        return any(rule.path.split(".")[0] == "metadata_admin" for rule in self.rules)


def read_group_rules(value: object) -> GroupRules:
    """The rules in the setting. Raises ``ValueError`` with what is wrong."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"must be a dict such as {EXAMPLE}")
    return GroupRules(tuple(rule for path, roles in value.items() for rule in _read_roles(path, roles)))


def _read_roles(path: object, roles: object) -> Iterator[GroupRule]:
    _check_path(path)
    if not isinstance(roles, Mapping) or not roles:
        raise ValueError(f"needs a dict of roles and their groups for {path!r}, such as {{'editor': ['Editors']}}")
    for role, access in roles.items():
        try:
            groups, is_staff = _read_access(access)
            yield GroupRule(str(path), _read_role(path, role), groups, is_staff)
        except ValueError as error:
            raise ValueError(f"has a mistake at {path!r}, role {role!r}: {error}") from None


def _check_path(path: object) -> None:
    root, *parts = str(path).split(".")
    if root == "traits" or root == "verifiable_addresses":
        raise ValueError(
            f"takes roles from {path!r}, which people edit themselves. Store roles in metadata_public or "
            "metadata_admin, which only admins of Ory write"
        )
    if not isinstance(path, str) or "" in parts or not (root in METADATA or (root == ORGANIZATION and not parts)):
        raise ValueError(
            f"takes roles from {path!r}. It must be a path in metadata_public or metadata_admin, such as "
            f"'metadata_public.roles', or {ORGANIZATION!r}"
        )


def _read_role(path: object, role: object) -> str:
    if path == ORGANIZATION:
        try:
            return str(UUID(str(role)))
        except ValueError:
            raise ValueError("the ID of an organization is a UUID") from None
    if not isinstance(role, str) or not role:
        raise ValueError("a role must be a string that is not empty")
    return role


def _read_access(access: Any) -> tuple[tuple[str, ...], bool]:
    members = dict(access) if isinstance(access, Mapping) else {"groups": access}
    groups, is_staff = members.pop("groups", ()), members.pop("is_staff", False)
    if "is_superuser" in members:
        raise ValueError("no role can make a superuser. Use 'manage.py ory_link --superuser'")
    if members:
        raise ValueError(f"unknown key {next(iter(members))!r}. The keys are 'groups' and 'is_staff'")
    if isinstance(groups, str) or not isinstance(groups, (list, tuple, set, frozenset)):
        raise ValueError("it must be a list of names of groups, such as ['Editors']")
    if not all(isinstance(name, str) and 0 < len(name) <= MAX_GROUP_NAME for name in groups):
        raise ValueError(f"the name of a group must be a string of 1 to {MAX_GROUP_NAME} characters")
    if not isinstance(is_staff, bool):
        raise ValueError("'is_staff' must be True or False")
    if not groups and not is_staff:
        raise ValueError("it gives neither a group nor 'is_staff'")
    return tuple(dict.fromkeys(groups)), is_staff
