"""The URLs of pages in the same admin site."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from .actions import StaffAction


def user_url(user: Any, site: AdminSite) -> str:
    """The page of this user; empty if the site has none."""
    return _user_page(user, site, "change")


def history_url(user: Any, site: AdminSite) -> str:
    """The history of this user; empty if the site has none."""
    return _user_page(user, site, "history")


def _user_page(user: Any, site: AdminSite, page: str) -> str:
    try:
        name = f"admin:{user._meta.app_label}_{user._meta.model_name}_{page}"
        return reverse(name, args=[quote(user.pk)], current_app=site.name)
    except NoReverseMatch:
        return ""


def panel_url(identity_id: object, site: AdminSite) -> str:
    """The page with what Ory says about an identity; empty if the site has no identities, or the ID is not one."""
    try:
        return reverse("admin:ory_auth_oryidentity_at_ory", args=[UUID(str(identity_id))], current_app=site.name)
    except (NoReverseMatch, ValueError):
        return ""


def action_url(action: StaffAction, site: AdminSite, **parameters: str) -> str:
    """The page that asks for confirmation."""
    url = reverse("admin:ory_auth_oryidentity_action", args=[action.url_name], current_app=site.name)
    return f"{url}?{urlencode(parameters, doseq=True)}" if parameters else url


def list_url(site: AdminSite) -> str:
    """The list of identities."""
    return reverse("admin:ory_auth_oryidentity_changelist", current_app=site.name)
