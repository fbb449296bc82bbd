"""Django's own ``login()`` beside an Ory session: the latest sign-in counts."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import SESSION_KEY

from ..events import Event, log
from ..sessions.driver import run_sync
from ..sessions.outcomes import SignedIn, SignedOut
from .django_session import session_data
from .outcome import start_lookup
from .user import find_user, is_user_of
from .values import RequestValues, Resolving


def handle_login(values: RequestValues, user: Any) -> None:
    """Django's ``login()`` was called: that user counts for this request and this credential.

    If it is the user of the Ory session, the login is undone, because it would outlive a revocation at Ory. So is any
    login during an impersonation.
    """
    request, credential = values.request, values.credential
    if credential is None or not hasattr(request, "session") or SESSION_KEY not in request.session:
        return
    values.asked = True
    if values.may_impersonate:
        find_user(values)
    if values.actor is not None:  # it would outlive the impersonation
        session_data.undo_sign_in(request)
        log(Event.DJANGO_LOGIN_IGNORED, impersonation=str(values.impersonation_id))
        return
    outcome = values.current_outcome
    if not isinstance(outcome, SignedIn):
        with Resolving(values):
            outcome = run_sync(start_lookup(values, credential), values.conf.timeout)
    session = outcome.session if isinstance(outcome, SignedIn) else None
    if session is not None and is_user_of(session, user):
        session_data.undo_sign_in(request)
        if outcome is not values.current_outcome:
            values.current_outcome, values.current_user = outcome, None
        log(Event.DJANGO_LOGIN_IGNORED, identity=str(session.identity.id))
        return
    session_data.remember_sign_in(request, values.credential_key, str(session.id) if session else None)
    values.current_outcome, values.current_user = SignedOut(), request.user
