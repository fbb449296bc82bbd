"""The pages with which staff impersonate a user, and end that."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from ..events import Event, log
from ..exceptions import ImpersonationRefused
from ..impersonation.guard import no_impersonation
from ..impersonation.start_stop import MAX_REASON, start, stop
from ..request.state import state_of
from ..responses import refusals
from ..responses.client_kind import ClientKind
from ..responses.guard import Guard
from ..responses.return_url import find_return_url
from ..users.display_name import name_or_username
from ..users.fields import user_model
from ..users.impersonation_rule import Refusal, find_refusal, may_impersonate_anyone

REFUSED = gettext_lazy("You may not impersonate this user.")
TEXTS = {
    Refusal.SELF: gettext_lazy("This is your own account."),
    Refusal.SUPERUSER: gettext_lazy("Superusers can't be impersonated."),
    Refusal.INACTIVE: gettext_lazy("This user is inactive, so they can't sign in either."),
    Refusal.MORE_RIGHTS: gettext_lazy("You may only impersonate people who have fewer rights than you."),
    Refusal.TOKEN: gettext_lazy("This works only in a browser."),
}
_guard = Guard()


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@csrf_protect
@no_impersonation
def impersonate(request: HttpRequest) -> HttpResponse:
    """Ask for the reason; by POST, start. ``user`` is the primary key, ``next`` the page to open as that user."""
    if refusal := _guard.check(request):
        return refusal
    state = state_of(request)
    actor, session = state.user(), state.session()
    if not may_impersonate_anyone(actor):
        log(Event.IMPERSONATION_REFUSED, actor=str(session and session.identity.id), reason=Refusal.NO_PERMISSION.value)
        return refusals.permission_denied(request)
    person = _find_user(request.POST.get("user") or request.GET.get("user", ""))
    if request.method != "POST":
        found = find_refusal(actor, person, state.conf)
        return _refuse(request, person, found) if found else _render_form(request, person)
    reason = request.POST.get("reason", "")
    try:
        start(request, person, reason)
    except ImpersonationRefused as error:
        if error.reason == Refusal.NO_REASON:
            return _render_form(request, person, 400, error=_("Please enter a reason."))
        return _refuse(request, person, (Refusal(error.reason), error.explanation))
    return _go_on(request, resolve_url(settings.LOGIN_REDIRECT_URL))


@never_cache
@require_POST
@csrf_protect
def stop_impersonating(request: HttpRequest) -> HttpResponse:
    """End the impersonation, and open ``next``: by default the user's page in the admin."""
    ended = stop(request)
    return _go_on(request, find_page_of_user(ended.user_id if ended is not None else None))


def find_page_of_user(pk: Any) -> str:
    """The page of a user in Django's admin; without one, ``LOGIN_REDIRECT_URL``."""
    meta = user_model()._meta
    try:
        if pk is not None:
            return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        pass
    return resolve_url(settings.LOGIN_REDIRECT_URL)


def _find_user(key: str) -> Any:
    users: Any = user_model()._default_manager.select_related("ory_identity")
    try:
        return users.get(pk=key)
    except (ObjectDoesNotExist, ValidationError, ValueError, OverflowError):
        raise Http404 from None


def _render_form(request: HttpRequest, person: Any, status: int = 200, error: str = "") -> HttpResponse:
    minutes = max(1, int(state_of(request).conf.impersonation_seconds / 60))
    return refusals.render_page(
        request,
        status,
        "impersonate",
        user_id=person.pk,
        user_name=name_or_username(person),
        minutes=minutes,
        max_reason=MAX_REASON,
        error=error,
        next=request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, ""),
        back=find_page_of_user(person.pk),
    )


def _refuse(request: HttpRequest, person: Any, refusal: tuple[Refusal, str]) -> HttpResponse:
    reason, explanation = refusal
    detail = explanation or str(TEXTS.get(reason, REFUSED))
    return refusals.impersonation_refused(request, reason.value, detail, find_page_of_user(person.pk))


def _go_on(request: HttpRequest, default: str) -> HttpResponse:
    if refusals.response_kind(request) is ClientKind.SCRIPT:
        return HttpResponse(status=204)
    target = find_return_url(request, state_of(request).conf.login_redirect_hosts, default=default)
    return refusals.open_in_browser(request, target)
