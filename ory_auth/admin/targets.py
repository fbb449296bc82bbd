"""The people whom a staff member has selected, and whether the staff member may act on each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.admin import AdminSite
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from ..conf import conf
from ..models import OryIdentity
from ..types import Identity
from ..users.rights import has_rights_beyond, has_role_beyond
from .names import name_of


@dataclass(frozen=True, slots=True)
class Target:
    """One selected person. ``refusal`` says why the staff member may not act on them; empty if they may."""

    identity: OryIdentity
    refusal: str

    @property
    def id(self) -> UUID:
        return self.identity.pk

    @property
    def user(self) -> Any:
        return self.identity.user

    @property
    def name(self) -> str:
        return name_of(self.identity)


def visible_identities(request: HttpRequest, site: AdminSite, identities: QuerySet[OryIdentity]) -> Any:
    """Those whose users the staff member sees in the admin of users, which a project may limit."""
    model = get_user_model()
    if not site.is_registered(model):
        return identities
    users = site.get_model_admin(model).get_queryset(request)
    if not (users.query.has_filters() or users.query.is_sliced or users.query.combinator):
        return identities  # all users; a subquery would make large lists slow
    return identities.filter(Q(user=None) | Q(user__in=users.order_by().values("pk")))


def find_targets(actor: Any, identities: Iterable[OryIdentity]) -> list[Target]:
    """The people of these identities, whose users should be loaded, in the order of their names."""
    targets = [Target(identity, find_refusal(actor, identity)) for identity in identities]
    return sorted(targets, key=lambda target: target.name.casefold())


def find_refusal(actor: Any, identity: OryIdentity) -> str:
    """Why this staff member may not act on this person; empty if they may."""
    if identity.deleted_at is not None:
        return _("Ory no longer has this identity.")
    if identity.user is None:
        return ""
    if identity.user_id == actor.pk:
        return _("This is your own account. Use your account settings.")
    if has_rights_beyond(identity.user, actor):
        return _("This person has rights on this site that you don't have.")
    return ""


def find_refusal_at_ory(actor: Any, identity: Identity) -> str:
    """:func:`find_refusal` for what the identity at Ory gives: its user gets these rights at the next sign-in."""
    if has_role_beyond(identity, actor, conf()):
        return _("This person has rights on this site that you don't have.")
    return ""
