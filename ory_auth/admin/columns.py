"""What the admin shows of a link, in the list, on its page and on the page of its user. Ory is not asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from ..models import OryIdentity
from ..users.database import EPOCH
from .names import name_of
from .page_urls import panel_url, user_url

STATES = {"active": _("Active"), "inactive": _("Inactive"), "": _("Not known yet")}


def _is_made_up(moment: datetime) -> bool:
    """Whether this is the EPOCH, in any time zone: with ``USE_TZ = False`` the database returns no zone."""
    return moment.year <= EPOCH.year


class IdentityColumns:
    """Columns for a ``ModelAdmin`` or an inline of ``OryIdentity``."""

    admin_site: admin.AdminSite

    @admin.display(description=_("user"), ordering="user")
    def linked_user(self, identity: OryIdentity) -> str:
        if identity.user is None:
            return "–"
        url = user_url(identity.user, self.admin_site)
        name = name_of(identity)
        return format_html('<a href="{}">{}</a>', url, name) if url else name

    @admin.display(description=_("state at Ory"), ordering="state")
    def state_at_ory(self, identity: OryIdentity) -> Any:
        if identity.deleted_at is not None:
            return _("Deleted")
        return STATES.get(identity.state, identity.state)

    @admin.display(description=_("last sign-in"), ordering="authenticated_at")
    def last_sign_in(self, identity: OryIdentity) -> Any:
        """A link that was made without a session has the year 1970."""
        if _is_made_up(identity.authenticated_at):
            return _("Never")
        return display_for_value(identity.authenticated_at, "–")

    @admin.display(description=_("Last change"), ordering="updated_at")
    def last_change(self, identity: OryIdentity) -> Any:
        """Of the identity at Ory, as far as this site knows."""
        return "–" if _is_made_up(identity.updated_at) else display_for_value(identity.updated_at, "–")

    @admin.display(description=_("at Ory"))
    def panel(self, identity: OryIdentity) -> str:
        """What Ory says: loaded when it is opened."""
        url = panel_url(identity.pk, self.admin_site)
        return render_to_string("admin/ory_auth/oryidentity/_open.html", {"url": url}) if url else "–"
