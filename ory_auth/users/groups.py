"""``GROUPS``: gives a user the groups and the staff status of their roles at Ory, and takes them away.

Only groups that ``GROUPS`` names are touched. ``is_staff`` is managed only if some role names it, and never for a
superuser, who would be locked out. A missing group is created, without permissions.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from cachetools import TTLCache

from ..conf import Conf
from ..events import Event, log
from ..exceptions import OryAuthError
from ..group_rules import GroupRules
from ..models import OryIdentity
from ..ory.admin_client import admin_client_of
from ..ory.json_types import read_identity
from ..process.forks import after_fork
from ..types import Identity
from .database import stored_time, writing_alias
from .fields import follow_path, has_field
from .query import last_change

PAUSE_SECONDS = 30.0  # without calls after a failure, so that sign-ins do not wait for an admin API that is down
MAX_POSTPONED = 10_000
POSTPONED_SECONDS = 24 * 3600.0


class Access(NamedTuple):
    """What the roles of a person give them."""

    groups: frozenset[str]
    is_staff: bool


def access_of(identity: Identity, rules: GroupRules) -> Access:
    """What the roles of this identity give. With ``metadata_admin``, it must come from Ory's admin API."""
    roles = {path: frozenset(_roles_at(identity, path)) for path in {rule.path for rule in rules.rules}}
    held = [rule for rule in rules.rules if rule.role in roles[rule.path]]
    return Access(frozenset(name for rule in held for name in rule.groups), any(rule.is_staff for rule in held))


def _roles_at(identity: Identity, path: str) -> Iterator[str]:
    """A text is one role, a list has several, and in an object each key whose value is ``true`` is one."""
    root, *names = path.split(".")
    value = follow_path(getattr(identity, root), names)
    if isinstance(value, (str, UUID)):
        yield str(value)
    elif isinstance(value, Mapping):
        yield from (role for role, has in value.items() if has is True)
    elif isinstance(value, list):
        yield from (role for role in value if isinstance(role, str))


def access_changes(user: Any, identity: Identity, conf: Conf) -> tuple[str, ...]:
    """Which of ``"groups"`` and ``"is_staff"`` :func:`apply_groups` would change. Uses prefetched groups."""
    rules = conf.groups
    if rules is None:
        return ()
    access = access_of(identity, rules)
    changes = []
    if _manages_groups(user, rules) and _current_groups(user, rules) != access.groups:
        changes.append("groups")
    if _manages_staff(user, rules) and user.is_staff != access.is_staff:
        changes.append("is_staff")
    return tuple(changes)


def _manages_groups(user: Any, rules: GroupRules) -> bool:
    return bool(rules.groups) and hasattr(user, "groups")


def _manages_staff(user: Any, rules: GroupRules) -> bool:
    return rules.manages_staff and has_field("is_staff") and not getattr(user, "is_superuser", False)


def _current_groups(user: Any, rules: GroupRules) -> frozenset[str]:
    """The managed groups of the user. ``all()``: a filter would bypass what was prefetched."""
    return frozenset(group.name for group in user.groups.all()) & rules.groups


def apply_groups(user: Any, identity: Identity, conf: Conf) -> tuple[str, ...]:
    """Give the user what the roles of this identity give, and take the rest of what ``GROUPS`` manages.

    Returns which of ``"groups"`` and ``"is_staff"`` has changed. With ``metadata_admin`` in ``GROUPS``, the identity
    must come from Ory's admin API. Call this in a transaction that holds the link's row, so that an older state of the
    identity does not come last.
    """
    rules, changes = conf.groups, access_changes(user, identity, conf)
    if rules is None or not changes:
        return ()
    access, using = access_of(identity, rules), writing_alias()
    if "groups" in changes:
        _set_groups(user, access.groups, rules, using)
    if "is_staff" in changes:
        user.is_staff = access.is_staff
        user.save(update_fields=["is_staff"], using=using)
    log(Event.GROUPS_CHANGED, identity=str(identity.id), user=str(user.pk), changed=",".join(changes))
    return changes


def _set_groups(user: Any, wanted: frozenset[str], rules: GroupRules, using: str) -> None:
    memberships = user.groups.db_manager(using)
    current = {group.name: group for group in memberships.filter(name__in=rules.groups)}
    obsolete = [group for name, group in current.items() if name not in wanted]
    if obsolete:
        memberships.remove(*obsolete)
    missing = sorted(wanted - current.keys())
    if missing:
        groups = memberships.model._default_manager.using(using)
        memberships.add(*(groups.get_or_create(name=name)[0] for name in missing))
    vars(user).get("_prefetched_objects_cache", {}).pop("groups", None)


# --- at sign-in -------------------------------------------------------------------------------------------------------
# A session has no metadata_admin. If GROUPS needs it, the identity is read from the admin API. If that does not answer,
# the person keeps what they have, and this process tries again with one of their next requests.

_postponed: TTLCache[UUID, bool] = TTLCache(MAX_POSTPONED, POSTPONED_SECONDS)
_lock = threading.Lock()
_paused_until = 0.0  # monotonic


def is_postponed(identity: Identity, conf: Conf) -> bool:
    """Whether the roles of this person could not be read, and it is time to try again."""
    if conf.groups is None or not conf.groups.needs_metadata_admin or time.monotonic() < _paused_until:
        return False
    with _lock:
        return identity.id in _postponed


def identity_with_roles(identity: Identity, conf: Conf) -> Identity | None:
    """The identity of a session with everything that ``GROUPS`` needs; ``None`` if Ory's admin API does not answer.

    Takes ``TIMEOUT`` at most, and raises nothing.
    """
    rules = conf.groups
    if rules is None or not rules.needs_metadata_admin:
        return identity
    complete = None if time.monotonic() < _paused_until else _fetch(identity.id, conf)
    with _lock:
        if complete is None:
            _postponed[identity.id] = True
        else:
            _postponed.pop(identity.id, None)
    return complete


def _fetch(identity_id: UUID, conf: Conf) -> Identity | None:
    global _paused_until
    try:
        return read_identity(admin_client_of(conf).get_identity(identity_id), identity_id)
    except OryAuthError as error:  # nothing in this frame holds the response
        failure = type(error).__name__
    _paused_until = time.monotonic() + PAUSE_SECONDS
    log(Event.GROUPS_NOT_READ, identity=str(identity_id), error=failure)
    return None


def apply_groups_of_session(user: Any, identity: Identity, conf: Conf) -> bool:
    """:func:`apply_groups`, unless a later state of the identity is known. Call it in a transaction."""
    using = writing_alias()
    changed_at = stored_time(last_change(identity), using)
    links = OryIdentity.objects.using(using).filter(pk=identity.id, updated_at__lte=changed_at)
    return links.select_for_update().first() is not None and bool(apply_groups(user, identity, conf))


def reset() -> None:
    """Forget which roles could not be read. A forked process starts like this."""
    global _postponed, _lock, _paused_until
    _postponed, _lock, _paused_until = TTLCache(MAX_POSTPONED, POSTPONED_SECONDS), threading.Lock(), 0.0


after_fork(reset)
