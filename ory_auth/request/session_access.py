"""Who may see the data in Django's session, and whose data a request stores there.

Data in a Django session belongs to one identity. So before a request first uses the session, and before it is saved,
Ory may have to be called.
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY

from ..sessions.outcomes import Outcome, SignedIn, Unavailable
from .django_session import session_data, session_guard
from .django_session.session_data import Access
from .outages import raise_unless_exempt
from .outcome import aget_outcome, get_outcome
from .user import afind_user, find_user
from .values import RequestValues, is_resolving


def open_session(values: RequestValues, session: Any) -> bool:
    """Before Django's session is first read or written: hide its data if this request may not see it.

    ``False`` if that is not known yet, because a lookup is running. Raises :class:`OryUnavailable` if Ory does not say
    whose session it is.
    """
    if _is_lookup_running(values):
        return False
    if _check_access(values, session) is Access.UNKNOWN:
        _hide_unless_allowed(values, session, get_outcome(values))
    if _may_be_of_another_user(values, session):
        _separate(values, session, find_user(values))
    return True


async def aopen_session(values: RequestValues, session: Any) -> bool:
    """:func:`open_session` for coroutines; the session is loaded already."""
    if _is_lookup_running(values):
        return False
    if _check_access(values, session) is Access.UNKNOWN:
        _hide_unless_allowed(values, session, await aget_outcome(values))
    if _may_be_of_another_user(values, session):
        user = await afind_user(values)
        await sync_to_async(_separate)(values, session, user)
    return True


def _is_lookup_running(values: RequestValues) -> bool:
    return values.current_outcome is None and is_resolving(values)


def _check_access(values: RequestValues, session: Any) -> Access:
    """What is known without calling Ory. Hides the data from a request without a credential."""
    with session_guard.unguarded():
        access = session_data.check_access(session, values.credential, values.conf)
        if access is not Access.ALLOWED or session_data.OWN_KEYS & session.keys():
            values.asked = True  # what the view sees depends on the credential
    if access is Access.HIDDEN:
        session_data.hide(session)
    return access


def _hide_unless_allowed(values: RequestValues, session: Any, outcome: Outcome) -> None:
    """Now that Ory was called: hide the data if it belongs to another identity, or if Ory does not say who this is."""
    if isinstance(outcome, Unavailable):
        if session_guard.can_answer_503(session):
            raise_unless_exempt(values, outcome)
        session_data.hide(session)  # an error page, or another page that only reads the user in passing
        return
    with session_guard.unguarded():
        access = session_data.check_access(session, values.credential, values.conf)
        if access is Access.UNKNOWN and SESSION_KEY not in session:
            session_data.hide(session)


def _may_be_of_another_user(values: RequestValues, session: Any) -> bool:
    """Whether this request, or the one that stored the data, may belong to an impersonation."""
    if values.may_impersonate or values.actor is not None:
        return True
    with session_guard.unguarded():
        return session_data.belongs_to_impersonation(session)


def _separate(values: RequestValues, session: Any, user: Any) -> None:
    """Flush data that was stored as another person: the staff member's and the user's data stay apart."""
    if user is None or isinstance(user, Unavailable):
        if isinstance(user, Unavailable) and session_guard.can_answer_503(session):
            raise_unless_exempt(values, user)
        session_data.hide(session)
        return
    with session_guard.unguarded():
        session_data.separate(values.request, values.impersonation_id)


def record_owner(values: RequestValues) -> None:
    """After the view, and before Django's session is saved: record whose data this request has put into it."""
    if _may_need_owner(values):
        outcome = get_outcome(values)
        if values.may_impersonate:
            find_user(values)
        _record_owner(values, outcome)


async def arecord_owner(values: RequestValues) -> None:
    """:func:`record_owner` for coroutines."""
    if _may_need_owner(values):
        outcome = await aget_outcome(values)
        if values.may_impersonate:
            await afind_user(values)
        _record_owner(values, outcome)


def _may_need_owner(values: RequestValues) -> bool:
    """``False`` also while a lookup is running: the owner is recorded after the view."""
    credential = values.credential
    if credential is None or values.signed_out or _is_lookup_running(values):
        return False
    may_be_impersonated = values.may_impersonate or values.actor is not None
    return session_data.needs_owner(values.request, credential, values.conf, is_new=may_be_impersonated)


def _record_owner(values: RequestValues, outcome: Outcome) -> None:
    match outcome:
        case SignedIn(session):
            owner = str(session.identity.id)
            session_data.record_owner(values.request, owner, values.credential_key, values.impersonation_id)
        case Unavailable():
            session_data.record_owner(values.request, None, values.credential_key)
