"""What staff may do with people's identities: names, permissions and texts. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

MAX_PEOPLE = 100  # in one run: each costs calls to Ory, and the request has to end


@dataclass(frozen=True, slots=True, eq=False)
class StaffAction:
    """One action. ``permissions`` are codenames of this app, one of which is needed.

    ``label`` is on buttons, ``consequence`` on the page that asks for confirmation; ``done(number)`` is the message
    afterwards, and ``entry`` what the history says. If one call to Ory does it (``in_one_call``), a refused call has
    changed nothing.
    """

    name: str
    permissions: tuple[str, ...]
    label: Any
    consequence: Any
    done: Callable[[int], Any]
    entry: Any
    takes_away: bool = False  # a red button
    in_one_call: bool = False

    @property
    def url_name(self) -> str:
        return self.name.replace("_", "-")

    def is_permitted(self, request: HttpRequest) -> bool:
        """Whether the staff member has a permission for this action."""
        return any(request.user.has_perm(f"ory_auth.{name}") for name in self.permissions)


def _n(singular: str, plural: str) -> Callable[[int], Any]:
    text: Any = ngettext_lazy(singular, plural, "count")
    return lambda number: text % {"count": number}


REVOKE_SESSIONS = StaffAction(
    name="revoke_sessions",
    permissions=("revoke_sessions",),
    label=_("Sign out everywhere"),
    consequence=_("All sessions end at once, on all devices. These people can sign in again."),
    done=_n("%(count)d person was signed out everywhere.", "%(count)d people were signed out everywhere."),
    entry=_("Signed out everywhere at Ory."),
    takes_away=True,
)
REVOKE_SESSION = StaffAction(
    name="revoke_session",
    permissions=("revoke_sessions",),
    label=_("End session"),
    consequence=_("The session ends at once. The person can sign in again."),
    done=lambda number: _("The session was ended."),
    entry=_("Ended one session at Ory."),
    takes_away=True,
)
DEACTIVATE = StaffAction(
    name="deactivate",
    permissions=("deactivate_identity",),
    label=_("Deactivate"),
    consequence=_("All sessions end at once. These accounts can't be used to sign in until they are activated again."),
    done=_n("%(count)d person was deactivated.", "%(count)d people were deactivated."),
    entry=_("Deactivated at Ory."),
    takes_away=True,
)
ACTIVATE = StaffAction(
    name="activate",
    permissions=("activate_identity",),
    label=_("Activate"),
    consequence=_("These accounts can be used to sign in again."),
    done=_n("%(count)d person was activated.", "%(count)d people were activated."),
    entry=_("Activated at Ory."),
    in_one_call=True,
)
RECOVERY = StaffAction(
    name="recovery",
    permissions=("send_recovery", "show_recovery"),
    label=_("Recover access"),
    consequence=_("A recovery code or link signs the person in once without a password, and lets them set a new one."),
    done=_n("%(count)d person can now recover access.", "%(count)d people can now recover access."),
    entry="",  # depends on what was chosen
)
RESEND_VERIFICATION = StaffAction(
    name="resend_verification",
    permissions=("resend_verification",),
    label=_("Resend verification"),
    consequence=_("Ory sends a new message to each address that is not verified yet."),
    done=_n(
        "The verification was sent again to %(count)d person.", "The verification was sent again to %(count)d people."
    ),
    entry=_("Sent the verification of an address again."),
)
REMOVE_SECOND_FACTOR = StaffAction(
    name="remove_second_factor",
    permissions=("remove_second_factor",),
    label=_("Remove second factors"),
    consequence=_(
        "Authenticator app, backup codes and security keys for the second step are removed. Make sure that the request "
        "comes from the owner of the account: without a second step, the password alone signs in."
    ),
    done=_n(
        "The second factors of %(count)d person were removed.", "The second factors of %(count)d people were removed."
    ),
    entry=_("Removed the second factors at Ory."),
    takes_away=True,
)

# For one person in the panel, or for many in the lists.
ACTIONS = {
    action.name: action
    for action in (REVOKE_SESSIONS, RECOVERY, RESEND_VERIFICATION, REMOVE_SECOND_FACTOR, ACTIVATE, DEACTIVATE)
}
ALL_ACTIONS = {**ACTIONS, REVOKE_SESSION.name: REVOKE_SESSION}
