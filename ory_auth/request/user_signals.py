"""Signals about the user of a request, after the change is committed and when all middleware has begun."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.db import router, transaction
from django.http import HttpRequest

from ..events import Event, log
from ..ory.credentials import Kind
from ..sessions.outcomes import Unavailable
from ..signals import user_created, user_linked, user_updated
from ..types import OrySession
from ..users.result import UserResult
from .django_session import session_data
from .values import RequestValues


def send_signals(values: RequestValues, result: UserResult, request: HttpRequest, session: OrySession) -> None:
    """Send the signals for the user of this result, after the transaction that changed the user is committed."""
    signals = _list_signals(values, result, request, session)
    if result.new_sign_in and values.credential_kind == Kind.COOKIE:
        renew_csrf_token(values, request)
    transaction.on_commit(partial(_send_or_hold_back, values, signals), using=router.db_for_write(get_user_model()))


def _list_signals(
    values: RequestValues, result: UserResult, request: HttpRequest, session: OrySession
) -> tuple[Callable[[], object], ...]:
    user = result.user
    facts = {"sender": type(user), "user": user, "identity": session.identity, "request": request}
    signals: list[Callable[[], object]] = []
    if result.created:
        signals.append(partial(user_created.send_robust, **facts))
    if result.linked:
        signals.append(partial(user_linked.send_robust, **facts))
    if result.updated:
        signals.append(partial(user_updated.send_robust, **facts))
    if result.new_sign_in:
        identity, kind = str(session.identity.id), values.credential_kind
        signals.append(partial(log, Event.SIGNED_IN, identity=identity, kind=kind))
        signals.append(partial(user_logged_in.send_robust, sender=type(user), request=request, user=user))
    return tuple(signals)


def _send_or_hold_back(values: RequestValues, signals: tuple[Callable[[], object], ...]) -> None:
    """Send signals now, or when all middleware has begun: receivers may use what it adds to the request."""
    values.waiting_signals += signals
    if values.in_view or not values.in_middleware:
        send_waiting_signals(values)


def send_waiting_signals(values: RequestValues) -> None:
    """Send the signals that were held back. Django logs the error of a receiver, and goes on with the next one."""
    signals, values.waiting_signals = values.waiting_signals, ()
    with _showing_own_user(values):
        for send in signals:
            send()


@contextmanager
def _showing_own_user(values: RequestValues) -> Iterator[None]:
    """While signals are sent, ``request.user`` is the user they are about, even if code has assigned another one."""
    request, user = values.request, values.session_user
    assigned = request.user
    is_shown = assigned is values.request_user and values.actor is None
    if is_shown or user is None or isinstance(user, Unavailable):
        yield
        return
    request.user = user
    try:
        yield
    finally:
        if request.user is user:
            request.user = assigned


def renew_csrf_token(values: RequestValues, request: HttpRequest) -> None:
    """Rotate the CSRF token as ``login()`` does: now, or with the response if this request is not checked yet."""
    if session_data.has_csrf_token(request):
        if request.method in session_data.SAFE_METHODS or getattr(request, "csrf_processing_done", False):
            session_data.renew_csrf_token(request)
        else:
            values.renews_csrf_token = True
