"""The impersonation that a request belongs to, and how impersonations end.

The state is a row of :class:`~ory_auth.models.Impersonation`. The browser's cookie only refers to it. At each request
that reads the user, the row must be open, belong to the session of the request, and the rule must still allow it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import Error, transaction
from django.db.models import F, Subquery
from django.http import HttpRequest

from ..events import Event, log
from ..exceptions import OryUnavailable
from ..models import EndReason, Impersonation
from ..process.event_loop import in_event_loop
from ..signals import impersonation_ended
from ..types import OrySession
from ..users.database import stored_time, writing_alias
from ..users.database_errors import log_database_error
from ..users.fields import user_model
from ..users.impersonation_rule import find_refusal
from .django_session import session_guard
from .impersonation_cookie import Reference
from .middleware_order import ORY_BACKEND
from .user_signals import renew_csrf_token
from .values import RequestValues


def find_impersonated_user(values: RequestValues, session: OrySession, actor: Any) -> Any:
    """The user whom ``actor`` impersonates in this request, or ``None``. Ends an impersonation that no longer counts.

    Raises :class:`OryUnavailable` if the database does not answer.
    """
    reference = values.impersonation_reference
    if reference is None:
        values.impersonation_cookie = ""
        return None
    try:
        person, reason = _check(values, reference, session, actor)
    except Error as error:
        event = log_database_error(error, at="impersonation")
        text = "The database of impersonations does not answer."
        raise OryUnavailable(text, event=event, cause=type(error).__name__) from None
    if reason is None:
        person.backend = ORY_BACKEND
        return person
    _end_referenced(values, reference, reason)
    return None


def _check(
    values: RequestValues, reference: Reference, session: OrySession, actor: Any
) -> tuple[Any, EndReason | None]:
    """The user, or the reason why the impersonation does not count any more."""
    if reference.session_id != session.id:
        return None, EndReason.SESSION_ENDED
    person = _read_user(reference, actor, writing_alias())
    if person is None:
        return None, EndReason.USER_GONE
    if find_refusal(actor, person, values.conf):
        return None, EndReason.RIGHTS_CHANGED
    return person, None


def _read_user(reference: Reference, actor: Any, using: str) -> Any:
    """The user of this row, if the row is open and is that of this session and staff member. One query."""
    rows = Impersonation.objects.using(using).filter(
        pk=reference.impersonation_id,
        session_id=reference.session_id,
        actor=actor.pk,
        ended_at=None,
        expires_at__gt=stored_time(datetime.now(UTC), using),
    )
    users: Any = user_model()._default_manager.using(using).select_related("ory_identity")
    users = users.filter(pk=Subquery(rows.order_by().values("user")[:1]))
    ends = Subquery(rows.order_by().values("expires_at")[:1])
    return users.annotate(ory_impersonated_until=ends).order_by().first()


def end_without_session(values: RequestValues) -> None:
    """The browser has a cookie of an impersonation, but is signed out: the impersonation has ended."""
    if in_event_loop():
        return  # the next request ends it
    reference = values.impersonation_reference
    if reference is None:
        values.impersonation_cookie = ""
    else:
        _end_referenced(values, reference, EndReason.SESSION_ENDED)


def end_with_sign_out(values: RequestValues) -> None:
    """The staff member signs out, which ends the impersonation of this browser."""
    reference = values.impersonation_reference
    if reference is not None:
        _end_referenced(values, reference, EndReason.SIGNED_OUT)
    values.forget_impersonation()


def _end_referenced(values: RequestValues, reference: Reference, reason: EndReason) -> None:
    """End the impersonation of the cookie. It no longer counts, even if the database cannot store that."""
    values.impersonation_cookie, values.impersonation_has_ended = "", True
    values.ended_impersonation = reference.impersonation_id, reason
    with session_guard.unguarded():  # the token may be in Django's session
        renew_csrf_token(values, values.request)  # a form on a page of the user must not be sent as the staff member
    store_end(values)


def store_end(values: RequestValues) -> None:
    """Store that this request has ended an impersonation.

    Call it again after the view, because ``ATOMIC_REQUESTS`` may have rolled it back.
    """
    if values.ended_impersonation is None:
        return
    impersonation_id, reason = values.ended_impersonation
    try:
        end_impersonations(reason, values.request, pk=impersonation_id)
    except Error as error:
        log_database_error(error, at="impersonation")


def end_impersonations(reason: EndReason, request: HttpRequest | None = None, **filters: Any) -> list[Impersonation]:
    """End the open impersonations that match these ``filters`` of the ORM, and return those that were open.

    Those whose time was over have ended then, and count as expired.
    """
    using, ended = writing_alias(), list[Impersonation]()
    rows = Impersonation.objects.using(using).filter(ended_at=None)
    now = stored_time(datetime.now(UTC), using)
    with transaction.atomic(using=using):
        for pk in list(rows.filter(**filters).values_list("pk", flat=True)):
            is_open = rows.filter(pk=pk)
            changed = is_open.filter(expires_at__lte=now).update(
                ended_at=F("expires_at"), end_reason=EndReason.EXPIRED
            ) or is_open.update(ended_at=now, end_reason=reason)
            if changed:  # otherwise another request has ended it meanwhile
                ended.append(Impersonation.objects.using(using).get(pk=pk))
        for row in ended:
            transaction.on_commit(partial(_announce_end, row, request), using=using)
    return ended


def _announce_end(impersonation: Impersonation, request: HttpRequest | None) -> None:
    log(Event.IMPERSONATION_ENDED, **facts_of(impersonation), reason=impersonation.end_reason)
    impersonation_ended.send_robust(sender=Impersonation, impersonation=impersonation, request=request)


def facts_of(impersonation: Impersonation) -> dict[str, str]:
    """The facts of an impersonation for the log: IDs only."""
    return {
        "impersonation": str(impersonation.pk),
        "actor": str(impersonation.actor_identity_id),
        "user": str(impersonation.user_id),
    }
