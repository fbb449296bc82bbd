"""The outcome of a request: who it is at Ory. It stays the same for the rest of the request, failures included."""

from __future__ import annotations

from functools import partial

from django.db import Error as DjangoDatabaseError
from django.http import HttpRequest

from ..events import Event, log
from ..ory.credentials import Credential
from ..sessions.driver import Effects, run_async, run_sync
from ..sessions.lookup import lookup, lookup_locally
from ..sessions.outcomes import Outcome, SignedIn, SignedOut, Unavailable
from ..sessions.services import services_of
from .client_address import client_address
from .django_session import session_data, session_guard
from .sign_in_marker import use_marker
from .values import RequestValues, Resolving, is_resolving


def get_outcome(values: RequestValues, *, fresh: bool = False) -> Outcome:
    """Who this is at Ory. With ``fresh``, an outcome from a cache does not count, and Ory is called."""
    if is_resolving(values):
        return values.current_outcome or SignedOut()
    with Resolving(values):
        set_local_outcome(values, fresh=fresh)
        if _needs_lookup(values.current_outcome, fresh):
            run_sync(set_outcome(values, fresh=fresh), values.conf.timeout)
    return values.current_outcome  # type: ignore[return-value]


async def aget_outcome(values: RequestValues, *, fresh: bool = False) -> Outcome:
    """:func:`get_outcome` for coroutines."""
    if is_resolving(values):
        return values.current_outcome or SignedOut()
    with Resolving(values):
        set_local_outcome(values, fresh=fresh)
        if _needs_lookup(values.current_outcome, fresh):
            async with values.async_lock:
                if _needs_lookup(values.current_outcome, fresh):  # another task may have set it in the meantime
                    await run_async(set_outcome(values, fresh=fresh), values.conf.timeout)
    return values.current_outcome  # type: ignore[return-value]


def _needs_lookup(outcome: Outcome | None, fresh: bool) -> bool:
    """Whether there is no outcome yet, or a fresh one is wanted and this one is from a cache."""
    if outcome is None:
        return True
    if isinstance(outcome, SignedOut):
        return fresh and outcome.remembered
    return fresh and isinstance(outcome, SignedIn) and not outcome.fresh


def set_local_outcome(values: RequestValues, *, fresh: bool = False) -> None:
    """Set the outcome if this process can tell it without I/O."""
    if values.current_outcome is not None:
        return
    values.asked = True
    credential = values.credential_or_malformed
    if not isinstance(credential, Credential):
        values.current_outcome = SignedOut(Event.MALFORMED if credential else None)
    elif not fresh and not session_data.has_cookie(values.request):
        values.current_outcome = lookup_locally(credential, values.conf)


def set_outcome(values: RequestValues, *, fresh: bool = False) -> Effects[None]:
    """Look the credential up, and set the outcome. Django's own session may take precedence."""
    request, credential = values.request, values.credential
    assert credential is not None  # otherwise set_local_outcome() has set the outcome
    flushed, failure = False, None
    try:
        if session_data.has_cookie(request):
            outcome, flushed = yield from _resolve_beside_django_session(values, request, credential, fresh)
        else:
            outcome = yield from start_lookup(values, credential, fresh=fresh, skip_local=True)
    except DjangoDatabaseError as error:
        outcome, failure = Unavailable(Event.DB_UNAVAILABLE), error
    if isinstance(outcome, SignedIn) and outcome.cookies and not credential.kind.by_header:
        values.cookies = outcome.cookies
    if values.current_user is not None:  # found with a former outcome
        values.current_user = values.not_admitted = values.actor = values.impersonation_id = None
    values.current_outcome = outcome
    # Only now: a log handler may read the user.
    if failure:
        log(Event.DB_UNAVAILABLE, error=type(failure).__name__)
    if flushed:
        values.django_user = None  # Django's middleware may have cached the user of the flushed session
        log(Event.IDENTITY_CHANGED, ended="django_session")


def _resolve_beside_django_session(
    values: RequestValues, request: HttpRequest, credential: Credential, fresh: bool
) -> Effects[tuple[Outcome, bool]]:
    """The outcome, and whether the Django session was flushed."""
    sign_in: session_data.SignIn = yield partial(_read_sign_in, values, request, credential)
    if sign_in.is_newer:
        return SignedOut(), False
    known = sign_in.exists and (yield partial(services_of(values.conf).cache.is_known, values.credential_key))
    outcome = yield from start_lookup(values, credential, fresh=fresh)
    if isinstance(outcome, Unavailable):
        return outcome, False
    applied: tuple[Outcome, bool] = yield partial(_apply_outcome, values, request, credential, outcome, known)
    return applied


def start_lookup(
    values: RequestValues,
    credential: Credential,
    *,
    fresh: bool = False,
    skip_local: bool = False,
    signing_out: bool = False,
) -> Effects[Outcome]:
    """Look the credential of this request up."""
    return lookup(
        credential,
        values.conf,
        client_address=client_address(values.request.META, values.conf.trusted_proxies),
        use_marker=partial(use_marker, values.request),
        signing_out=signing_out or values.signing_out,
        fresh=fresh,
        skip_local=skip_local,
    )


def _read_sign_in(values: RequestValues, request: HttpRequest, credential: Credential) -> session_data.SignIn:
    with session_guard.unguarded():
        return session_data.read_sign_in(request, credential, values.conf)


def _apply_outcome(
    values: RequestValues, request: HttpRequest, credential: Credential, outcome: Outcome, known: bool
) -> tuple[Outcome, bool]:
    with session_guard.unguarded():
        applied = session_data.apply_outcome(request, outcome, credential, values.conf, known=known)
        may_be_of_another_user = session_data.belongs_to_impersonation(request.session)
    if not (values.may_impersonate or may_be_of_another_user):
        session_guard.release(request.session)
    return applied
