"""The buttons of the panel: actions, Ory Console, and seeing the site as the person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from ..conf import Conf, conf
from ..impersonation import may_impersonate
from ..models import OryIdentity
from ..ory.addresses import host_of, is_ory_network
from ..ory.admin_client import uses_ory_network
from ..request.state import state_of
from ..responses.refusals import IMPERSONATING
from .actions import ACTIONS, REVOKE_SESSION, StaffAction
from .page_urls import action_url, panel_url, user_url
from .panel import Panel
from .targets import find_refusal, find_refusal_at_ory

CONSOLE_URL = "https://console.ory.com/projects/current/identities"  # "current": the project that is open there


@dataclass(frozen=True, slots=True)
class Button:
    """A link that looks like a button. ``is_external`` opens another site."""

    label: str
    url: str
    takes_away: bool = False
    is_external: bool = False


def make_buttons(
    model_admin: ModelAdmin[Any], request: HttpRequest, identity: OryIdentity, panel: Panel | None
) -> list[Button]:
    """What this staff member may do with this person."""
    buttons = []
    if panel is not None and not find_panel_refusal(request, identity, panel):
        buttons = [
            Button(str(action.label), _action_url(model_admin, identity, action), action.takes_away)
            for action in ACTIONS.values()
            if action not in panel.unsuitable and action.is_permitted(request)
        ]
    return [*buttons, *_impersonation(request, identity), *_console(request, identity, conf())]


def find_session_url(
    model_admin: ModelAdmin[Any], request: HttpRequest, identity: OryIdentity, panel: Panel | None
) -> str:
    """The page that ends one session, for the ID of the session at its end; empty if the staff member may not."""
    if panel is None or find_panel_refusal(request, identity, panel) or not REVOKE_SESSION.is_permitted(request):
        return ""
    return f"{_action_url(model_admin, identity, REVOKE_SESSION)}&session="


def _action_url(model_admin: ModelAdmin[Any], identity: OryIdentity, action: StaffAction) -> str:
    """The page that asks for confirmation, which leads back to the user, or to the panel if there is no user."""
    site = model_admin.admin_site
    back = (user_url(identity.user, site) if identity.user is not None else "") or panel_url(identity.pk, site)
    return action_url(action, site, identity=str(identity.pk), next=back)


def find_panel_refusal(request: HttpRequest, identity: OryIdentity, panel: Panel | None) -> str:
    """Why this staff member may not act on this person now; empty if they may."""
    if state_of(request).find_actor() is not None:
        return str(IMPERSONATING)
    at_ory = find_refusal_at_ory(request.user, panel.identity) if panel is not None else ""
    return find_refusal(request.user, identity) or at_ory


def _impersonation(request: HttpRequest, identity: OryIdentity) -> list[Button]:
    """The page asks for the reason, and says so if it refuses."""
    if identity.user is None or not may_impersonate(request, identity.user):
        return []
    try:
        url = reverse("ory_auth:impersonate")
    except NoReverseMatch:  # the project does not include ory_auth.urls
        return []
    return [Button(_("See the site as this person"), f"{url}?{urlencode({'user': identity.user.pk})}")]


def _console(request: HttpRequest, identity: OryIdentity, conf: Conf) -> list[Button]:
    """Only Ory Network has a console. It changes nothing here, so it needs no confirmation and no history."""
    is_network = is_ory_network(host_of(conf.sdk_url)) or uses_ory_network(conf)
    if not is_network or not request.user.has_perm("ory_auth.open_in_console"):
        return []
    return [Button(_("Open in Ory Console"), f"{CONSOLE_URL}/{identity.pk}", is_external=True)]
