"""The calls to Ory behind the actions and the panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from .. import identities
from ..conf import conf
from ..exceptions import InvitationNotSent, NotFound
from ..ory.admin_client import admin_client_of, require_admin_access
from ..ory.json_types import read_identity
from ..pages.account.session_list import SessionRow, make_row
from ..types import Identity
from . import actions
from .panel import Panel, make_panel
from .run import CarryOut, NotApplicable
from .targets import Target, find_refusal_at_ory


@dataclass(frozen=True, slots=True)
class Recovery:
    """A recovery code or link that the staff member sees once. ``code`` is empty if there is only a link."""

    target: Target
    code: str = field(repr=False)
    url: str = field(repr=False)
    expires_at: datetime | None


def load_identities(identity_ids: Sequence[UUID]) -> Mapping[UUID, Identity]:
    """Those of these identities that Ory has, in one call."""
    require_admin_access(conf())
    found = admin_client_of(conf()).get_identities(identity_ids)
    return {identity.id: identity for identity in map(read_identity, found)}


def load_panel(identity_id: UUID) -> Panel:
    """What Ory says about one person, in two calls."""
    return make_panel(identities.get(identity_id), identities.sessions(identity_id))


def load_session(identity_id: UUID, session_id: UUID) -> SessionRow:
    """An active session of this person. Raises :class:`NotApplicable` if it has ended, or is another person's."""
    for session in identities.sessions(identity_id, active=True):
        if session.id == session_id:
            return make_row(session)
    raise NotApplicable(_("This is not an active session of this person."))


def function_of(
    action: actions.StaffAction, choices: Mapping[str, Any], recoveries: list[Recovery], actor: Any
) -> CarryOut:
    """The function with which ``actor`` carries out this action for one person. It appends to ``recoveries``."""
    functions: dict[actions.StaffAction, CarryOut] = {
        actions.REVOKE_SESSIONS: _revoke_sessions,
        actions.REVOKE_SESSION: partial(_revoke_session, choices.get("session")),
        actions.DEACTIVATE: _deactivate,
        actions.ACTIVATE: _activate,
        actions.RESEND_VERIFICATION: _resend_verification,
        actions.REMOVE_SECOND_FACTOR: _remove_second_factor,
        actions.RECOVERY: _Recover(choices.get("delivery"), recoveries),
    }

    def check_and_do(target: Target, identity: Identity) -> None:
        if refusal := find_refusal_at_ory(actor, identity):
            raise NotApplicable(refusal)
        functions[action](target, identity)

    return check_and_do


def _revoke_sessions(target: Target, identity: Identity) -> None:
    identities.revoke_sessions(target.id)


def _revoke_session(session_id: Any, target: Target, identity: Identity) -> None:
    session = load_session(target.id, session_id)
    with suppress(NotFound):  # it has ended in the meantime
        identities.revoke_session(session.id)


def _deactivate(target: Target, identity: Identity) -> None:
    identities.deactivate(target.id)


def _activate(target: Target, identity: Identity) -> None:
    identities.activate(target.id)


def _resend_verification(target: Target, identity: Identity) -> None:
    if not identities.resend_verification(target.id):
        raise NotApplicable(_("No address is waiting to be verified."))


def _remove_second_factor(target: Target, identity: Identity) -> None:
    if not identities.remove_second_factor(target.id):
        raise NotApplicable(_("There is no second factor."))


class _Recover:
    def __init__(self, delivery: object, recoveries: list[Recovery]) -> None:
        self._delivery, self._recoveries = delivery, recoveries

    @sensitive_variables()
    def __call__(self, target: Target, identity: Identity) -> None:
        if self._delivery == "mail":
            _mail_recovery(target)
        elif self._delivery == "code":
            code = identities.recovery_code(target.id)
            self._recoveries.append(Recovery(target, code.code, code.url, code.expires_at))
        else:
            link = identities.recovery_link(target.id)
            self._recoveries.append(Recovery(target, "", link.url, link.expires_at))


@sensitive_variables()
def _mail_recovery(target: Target) -> None:
    try:
        identities.send_recovery(target.id, language=settings.LANGUAGE_CODE)  # the staff member may have another
    except InvitationNotSent:
        raise NotApplicable(_("The e-mail could not be sent.")) from None
