"""A person deletes their account: at Ory, and here as the project's handler says.

The order: the handler's changes, in a transaction; then the identity at Ory; then the transaction is committed. So if
Ory fails, nothing has changed here, and the person can try again. If Ory's answer is lost, whoami and the admin API
tell whether the identity still exists. Only if the database fails in the last step is Ory done and this site not: that
is logged as ``deletion_incomplete``, and the page says so.
"""

from __future__ import annotations

from datetime import timedelta

from django.contrib import auth
from django.db import Error, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from ...events import Event, log
from ...exceptions import OryUnavailable
from ...ory.admin_api import delete_identity, has_identity
from ...request.outcome import start_lookup
from ...request.state import state_of
from ...responses import refusals
from ...responses.client_kind import ClientKind
from ...sessions.driver import run_sync
from ...sessions.outcomes import SignedOut, Unavailable
from ...sessions.services import services_of
from ...types import OrySession
from ...users.database import writing_alias
from ...users.fields import user_model
from ...users.handler import UserHandler, import_handler_class
from .access import Visit, account_page
from .other_sessions import fetch_other_sessions
from .security_page import fetch_credentials

MAX_AGE = timedelta(minutes=10)  # since the person signed in
MAX_TYPED = 100  # characters
NOT_DELETED = gettext_lazy("The account has not been deleted, because the sign-in service did not confirm it.")


def delete_account(request: HttpRequest) -> HttpResponse:
    """Ask the person to confirm, by typing a word; by POST, delete the account. 404 unless ``ACCOUNT_DELETION``."""
    if not state_of(request).conf.account_deletion:
        raise Http404
    return _delete_account(request)


@account_page(["GET", "HEAD", "POST"], max_age=MAX_AGE, fresh=True)
def _delete_account(visit: Visit) -> HttpResponse:
    fetch_credentials(visit)  # requires the second step if Ory requires it to change the settings
    handler = import_handler_class(visit.state.conf.user_handler)(visit.state.conf)
    refusal = handler.refuse_deletion(visit.state.user(), visit.session.identity)
    word = pgettext("the word to type", "delete")
    if refusal or visit.request.method != "POST":
        status = 403 if refusal and visit.request.method == "POST" else 200
        return _render_form(visit, status, word, refusal=refusal)
    typed = visit.request.POST.get("confirmation", "")[:MAX_TYPED].strip()
    if typed.casefold() != word.casefold():
        return _render_form(visit, 400, word, error=_("Please type “%(word)s” to confirm.") % {"word": word})
    return _delete(visit, handler)


def _render_form(visit: Visit, status: int, word: str, *, refusal: str = "", error: str = "") -> HttpResponse:
    return refusals.render_page(visit.request, status, "delete_account", word=word, refusal=refusal, error=error)


def _delete(visit: Visit, handler: UserHandler) -> HttpResponse:
    others = fetch_other_sessions(visit.request, visit.state, visit.credential, visit.session)
    try:
        _delete_here_and_at_ory(visit, handler)
    except OryUnavailable as error:
        log(error.event, status=error.status, error=error.cause, at="deletion")
        explanation = "account_not_deleted", str(NOT_DELETED)
        return refusals.unavailable(visit.request, Unavailable.of(error), explanation)
    except _CommitFailed as error:
        _end_sessions(visit, others)
        log(Event.DELETION_INCOMPLETE, identity=str(visit.session.identity.id), error=error.cause)
        return refusals.render_page(visit.request, 500, "account_deleted", is_complete=False)
    _end_sessions(visit, others)
    log(Event.ACCOUNT_DELETED, identity=str(visit.session.identity.id))
    if refusals.response_kind(visit.request) is ClientKind.SCRIPT:
        return HttpResponse(status=204)
    return refusals.render_page(visit.request, 200, "account_deleted", is_complete=True)


class _CommitFailed(Exception):
    """The identity is deleted at Ory, and the database has refused the changes here. ``cause`` is the error's type."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


def _delete_here_and_at_ory(visit: Visit, handler: UserHandler) -> None:
    using = writing_alias()
    deleted_at_ory, failure = False, ""
    try:
        with transaction.atomic(using=using, durable=True):
            rows = user_model()._base_manager.using(using).select_for_update()
            user = rows.filter(pk=visit.state.user().pk).first()
            if user is not None:  # else another request has deleted it
                handler.delete(user, visit.session.identity)
            _delete_at_ory(visit)
            deleted_at_ory = True
    except Error as error:
        if not deleted_at_ory:
            raise
        failure = type(error).__name__
    if failure:
        raise _CommitFailed(failure)  # outside the except block: the database's error quotes values


def _delete_at_ory(visit: Visit) -> None:
    """Delete the identity. Raises :class:`OryUnavailable` if it exists, or may still exist."""
    failure: OryUnavailable | None = None
    try:
        if delete_identity(visit.session.identity.id, visit.state.conf):
            return
    except OryUnavailable as error:
        failure = error
    # No answer, or 404: an earlier attempt may have deleted it, or ADMIN_URL may be that of another server.
    outcome = run_sync(start_lookup(visit.state, visit.credential, fresh=True), visit.state.conf.timeout)
    # The session may also have ended by a sign-out at the same time.
    if not isinstance(outcome, SignedOut) or has_identity(visit.session.identity.id, visit.state.conf):
        raise failure or OryUnavailable("Ory's admin API does not know the identity: see ADMIN_URL.", status=404)


def _end_sessions(visit: Visit, others: list[OrySession]) -> None:
    """Ory has ended all sessions with the identity. Refuse what the cache still has, and end Django's session."""
    cache = services_of(visit.state.conf).cache
    for other in others:
        cache.sign_out_session(other)
    with visit.state.hide_outages():
        visit.state.begin_sign_out()
        if hasattr(visit.request, "session"):
            auth.logout(visit.request)
        visit.state.sign_out()
