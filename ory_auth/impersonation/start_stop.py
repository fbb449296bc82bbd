"""Start and stop an impersonation. Follows https://www.ory.com/docs/guides/user-impersonation.

No session at Ory is created for the user: the staff member stays signed in as themselves, and this site shows the user.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NoReturn

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from ..events import Event, log
from ..exceptions import ImpersonationRefused
from ..models import EndReason, Impersonation
from ..ory.credentials import Credential
from ..request.client_address import client_ip
from ..request.django_session import session_guard
from ..request.impersonation import end_impersonations, facts_of
from ..request.impersonation_cookie import Reference
from ..request.state import RequestState, django_request, state_of
from ..sessions.outcomes import SignedIn, Unavailable
from ..signals import impersonation_started
from ..types import OrySession
from ..users.database import stored_time, writing_alias
from ..users.fields import email_field, has_field, user_model
from ..users.impersonation_rule import Refusal, find_refusal, may_impersonate_anyone

MAX_REASON = 1000  # characters


def start(request: HttpRequest, user: Any, reason: str, *, seconds: float | None = None) -> Impersonation:
    """Let the staff member who sent this request see the site as ``user``, from now on and in this browser.

    ``reason`` is stored for audits. ``seconds`` may shorten ``ORY_AUTH["IMPERSONATION_SECONDS"]``. The impersonation
    never outlives the staff member's session. Django's session is emptied, and the CSRF token renewed, so that neither
    person gets data of the other. Raises :class:`~ory_auth.exceptions.ImpersonationRefused`,
    :class:`~ory_auth.exceptions.OryUnavailable`, and ``ValueError`` if ``seconds`` is not more than 0.
    """
    if seconds is not None and not seconds > 0:  # as NaN is not
        raise ValueError(f"seconds={seconds!r} is not a time. Use more than 0 seconds.")
    request = django_request(request)
    state, reason = state_of(request), reason.replace("\0", "").strip()  # no database stores a null character
    outcome, own_user = _require_staff_member(state)
    session, using = outcome.session, writing_alias()
    users: Any = user_model()._default_manager.using(using)
    with transaction.atomic(using=using):
        actor = users.select_for_update().get(pk=own_user.pk)  # one start at a time; and own_user may be a cached row
        person = users.select_related("ory_identity").get(pk=user.pk)
        refusal = find_refusal(actor, person, state.conf)
        if refusal is None and not reason:
            refusal = Refusal.NO_REASON, ""
        if refusal is not None:
            _refuse(session, refusal[0], refusal[1], user=str(person.pk))
        row = _make_row(request, state, session, actor, person, reason)
        _set_times(row, outcome, min(state.conf.impersonation_seconds, math.inf if seconds is None else seconds))
        end_impersonations(EndReason.REPLACED, request, session_id=session.id)
        row.save(using=using, force_insert=True)
        transaction.on_commit(partial(_announce_start, row, request), using=using)
    _separate_data(request)
    state.begin_impersonation(person, Reference(row.pk, session.id))
    return row


async def astart(request: HttpRequest, user: Any, reason: str, *, seconds: float | None = None) -> Impersonation:
    """:func:`start` for coroutines."""
    return await sync_to_async(start)(request, user, reason, seconds=seconds)


def stop(request: HttpRequest) -> Impersonation | None:
    """End the impersonation of this browser. Returns it, or ``None`` if there was none.

    From now on, the user of the request is the staff member. Works also while Ory is down.
    """
    request = django_request(request)
    state = state_of(request)
    reference = state.impersonation_reference
    impersonation_id = state.impersonation_id or (reference and reference.impersonation_id)
    if impersonation_id is None:
        state.leave_impersonation()  # a forged cookie is deleted
        return None
    ended = end_impersonations(EndReason.STOPPED, request, pk=impersonation_id)
    state.ended_impersonation = impersonation_id, EndReason.STOPPED
    _separate_data(request)
    state.leave_impersonation()
    return ended[0] if ended else None


async def astop(request: HttpRequest) -> Impersonation | None:
    """:func:`stop` for coroutines."""
    return await sync_to_async(stop)(request)


def may_impersonate(request: HttpRequest, user: Any) -> bool:
    """Whether the person who sent this request may impersonate ``user``: to decide whether to show a button."""
    state = state_of(request)
    actor = state.user()
    if state.actor is not None or not may_impersonate_anyone(actor):
        return False
    is_signed_in = isinstance(state.outcome(), SignedIn) and not _is_by_header(state.credential)
    return is_signed_in and find_refusal(actor, user, state.conf) is None


def _require_staff_member(state: RequestState) -> tuple[SignedIn, Any]:
    """The outcome, for which Ory is asked past all caches, and the user of the session."""
    outcome = state.outcome(fresh=True)
    if isinstance(outcome, Unavailable):
        raise state.outage_error(outcome)
    if not isinstance(outcome, SignedIn):
        raise ImpersonationRefused(Refusal.NOT_SIGNED_IN)
    session, actor = outcome.session, state.user()
    if _is_by_header(state.credential):
        _refuse(session, Refusal.TOKEN)
    if state.actor is not None:
        _refuse(session, Refusal.ACTIVE)
    if state.not_admitted or not actor.is_authenticated:
        _refuse(session, Refusal.NO_PERMISSION)
    return outcome, actor


def _is_by_header(credential: Credential | None) -> bool:
    return credential is not None and credential.kind.by_header


def _refuse(session: OrySession, reason: Refusal, explanation: str = "", **facts: str) -> NoReturn:
    log(Event.IMPERSONATION_REFUSED, actor=str(session.identity.id), reason=reason.value, **facts)
    raise ImpersonationRefused(reason.value, explanation)


def _make_row(
    request: HttpRequest, state: RequestState, session: OrySession, actor: Any, person: Any, reason: str
) -> Impersonation:
    identity = getattr(person, "ory_identity", None)
    return Impersonation(
        actor=actor,
        actor_name=_describe(actor),
        user=person,
        user_name=_describe(person),
        actor_identity_id=session.identity.id,
        identity_id=identity.pk if identity is not None else None,
        session_id=session.id,
        reason=reason[:MAX_REASON],
        address=client_ip(request.META, state.conf.trusted_proxies) or None,
        user_agent=request.headers.get("User-Agent", "")[:400],
    )


def _set_times(row: Impersonation, outcome: SignedIn, seconds: float) -> None:
    """From now on, for this long, but not longer than the session. Ory's clock may differ from this one."""
    now, using = datetime.now(UTC), writing_alias()
    end_of_session = outcome.session.expires_at - timedelta(seconds=outcome.offset)
    row.started_at = stored_time(now, using)
    row.expires_at = stored_time(min(now + timedelta(seconds=seconds), end_of_session), using)


def _describe(user: Any) -> str:
    """The e-mail address, or else the username: what remains in the audit if the user is deleted."""
    address = getattr(user, email_field(), "") if has_field(email_field()) else ""
    return str(address or user.get_username())[:254]


def _separate_data(request: HttpRequest) -> None:
    """Neither the staff member nor the user gets the other's data in Django's session, or the other's messages."""
    if hasattr(request, "session"):
        with session_guard.unguarded():
            request.session.flush()
        session_guard.release(request.session)
    for _ in getattr(request, "_messages", ()):
        pass  # read messages are dropped, also from the cookie that Django's default storage has
    rotate_token(request)  # a form on a page of the one person must not be sent as the other


def _announce_start(impersonation: Impersonation, request: HttpRequest) -> None:
    log(Event.IMPERSONATION_STARTED, **facts_of(impersonation))
    impersonation_started.send_robust(sender=Impersonation, impersonation=impersonation, request=request)
