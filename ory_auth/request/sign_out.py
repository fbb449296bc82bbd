"""Signing out ends the Ory session: here at once, and at Ory."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..events import Event, log, log_sampled
from ..ory.client import Client
from ..ory.credentials import Credential
from ..sessions.driver import Effects, run_sync
from ..sessions.ory_caller import Priority
from ..sessions.outcomes import ORY_IS_DOWN, Outcome, SignedIn, SignedOut, Unavailable
from ..sessions.services import services_of
from .impersonation import end_with_sign_out
from .outcome import get_outcome, start_lookup
from .user import get_user, show_user
from .values import RequestValues


def begin_sign_out(values: RequestValues) -> Any:
    """The user for ``user_logged_out``, or ``None``. Call it within :meth:`RequestValues.hide_outages`."""
    values.signing_out = True
    get_outcome(values)
    user = get_user(values)
    if values.actor is not None:  # the staff member signs out, not the user whom they impersonate
        user = values.actor
        end_with_sign_out(values)
        values.current_user = user
        show_user(values, user)
    return user if user.is_authenticated else None


def end_session(values: RequestValues) -> Unavailable | None:
    """End the Ory session. Returns ``Unavailable`` if Ory could not end it."""
    return run_sync(_end_session(values), values.conf.timeout)


def _end_session(values: RequestValues) -> Effects[Unavailable | None]:
    values.asked = True
    credential = values.credential
    if credential is None or values.signed_out:
        return values.sign_out_failure
    outcome = values.current_outcome
    if outcome is None or outcome == SignedOut():  # Ory was not called yet, or a newer Django sign-in counts
        outcome = yield from start_lookup(values, credential, signing_out=True)
    if isinstance(outcome, Unavailable) and outcome.event == Event.FLOOD:
        return outcome
    if values.may_impersonate or values.actor is not None:
        yield partial(end_with_sign_out, values)
    has_ended_at_ory = isinstance(outcome, SignedOut) and outcome.reason != Event.LOGOUT
    if not has_ended_at_ory:
        session = outcome.session if isinstance(outcome, SignedIn) else None
        yield partial(services_of(values.conf).cache.sign_out, values.credential_key, session)
        write = log if session else log_sampled
        write(Event.LOGOUT, kind=credential.kind.value, credential=credential.fingerprint)
    values.current_outcome, values.current_user, values.not_admitted = SignedOut(Event.LOGOUT), None, None
    values.signed_out = True
    if has_ended_at_ory:
        return None
    values.sign_out_failure = yield from _end_at_ory(values, credential, outcome)
    return values.sign_out_failure


def _end_at_ory(values: RequestValues, credential: Credential, outcome: Outcome) -> Effects[Unavailable | None]:
    if isinstance(outcome, Unavailable) and outcome.event in ORY_IS_DOWN:
        response: Any = outcome  # do not wait for Ory twice
    else:
        response = yield services_of(values.conf).ory_call(Priority.KNOWN, Client.end_session, credential)
    if isinstance(response, Unavailable):
        log(response.event, status=response.status, error=response.cause, at="logout")
        return response
    values.cookies = () if response is None or credential.kind.by_header else response.cookies
    return None
