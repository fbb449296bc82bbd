"""What all account pages require: a session, and for changes Django's CSRF token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from ...exceptions import AALRequired
from ...impersonation.guard import no_impersonation
from ...ory.credentials import Credential
from ...request.state import RequestState, state_of
from ...responses import refusals
from ...responses.guard import Guard
from ...types import OrySession
from .other_sessions import OwnSessionEnded


@dataclass(frozen=True, slots=True)
class Visit:
    """A request to an account page by a person who is signed in."""

    request: HttpRequest
    state: RequestState
    credential: Credential
    session: OrySession


Page = Callable[[Visit], HttpResponse]


def account_page(
    methods: list[str], *, max_age: timedelta | None = None, fresh: bool = False
) -> Callable[[Page], Callable[..., HttpResponse]]:
    """Make a view of a function that shows a page to a person who is signed in.

    ``max_age`` and ``fresh`` are those of ``ory_required``. A browser needs Django's CSRF token to change something; a
    program that sends its credential by header does not.
    """
    guard = Guard(max_age=max_age, fresh=fresh)

    def decorate(page: Page) -> Callable[..., HttpResponse]:
        def show(request: HttpRequest, visit: Visit) -> HttpResponse:
            return page(visit)

        @never_cache
        @require_http_methods(methods)
        @no_impersonation  # they are about the person of the Ory session, so staff would change their own account
        @wraps(page)
        def view(request: HttpRequest) -> HttpResponse:
            refusal = guard.check(request)
            if refusal is not None:
                return refusal
            state = state_of(request)
            session, credential = state.session(), state.credential
            if session is None or credential is None:
                return refusals.sign_in(request)
            checked = show if credential.kind.by_header else csrf_protect(show)
            try:
                return checked(request, Visit(request, state, credential, session))
            except OwnSessionEnded:
                return refusals.sign_in(request)
            except AALRequired as error:
                return refusals.require_step_up(request, error)

        return view

    return decorate
