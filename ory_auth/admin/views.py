"""The page on which staff confirm an action, the page with the result, and the panel with what Ory says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from ..exceptions import OryAuthError
from ..models import OryIdentity
from ..pages.account.session_list import SessionRow
from ..request.state import state_of
from ..responses.refusals import impersonating
from .actions import ALL_ACTIONS, MAX_PEOPLE, REVOKE_SESSION, StaffAction
from .buttons import find_panel_refusal, find_session_url, make_buttons
from .carry_out import Recovery, function_of, load_identities, load_panel, load_session
from .forms import ConfirmationForm, form_of
from .history import History
from .names import name_of, name_user
from .page_urls import action_url, list_url
from .run import NotApplicable, Report, explain, run
from .targets import find_targets

FOLDER = "admin/ory_auth/oryidentity"


def ask_about_selection(
    model_admin: ModelAdmin[Any], request: HttpRequest, selection: QuerySet[Any], action: StaffAction
) -> HttpResponse | None:
    """The page that asks for confirmation, for the selected rows of a list: identities or users."""
    number = selection.count()
    if number > MAX_PEOPLE:
        text = _("You selected %(number)d people. Select at most %(most)d.") % {"number": number, "most": MAX_PEOPLE}
        model_admin.message_user(request, text, messages.ERROR)
        return None
    identity_admin = model_admin.admin_site.get_model_admin(OryIdentity)
    identities = identity_admin.get_queryset(request).select_related("user")
    if selection.model is get_user_model():
        found = list(identities.filter(user__in=selection.order_by().values("pk")))
        linked = {identity.user_id for identity in found}
        without = [name_user(user) for user in selection if user.pk not in linked]
    else:
        found, without = list(identities.filter(pk__in=selection.order_by().values("pk"))), []
    return _ask(identity_admin, request, action, found, without, back=request.get_full_path())


@sensitive_variables()
def confirm(model_admin: ModelAdmin[Any], request: HttpRequest, name: str) -> HttpResponse:
    """Ask for confirmation (``GET``), or carry out what was confirmed (``POST``).

    Not while impersonating: the history would name the impersonated staff member.
    """
    if state_of(request).find_actor() is not None:
        return impersonating(request)
    action = ALL_ACTIONS.get(name.replace("-", "_"))
    if action is None:
        raise Http404
    if not action.is_permitted(request):
        raise PermissionDenied
    values = request.POST if request.method == "POST" else request.GET
    identities = _find_identities(model_admin, request, values.getlist("identity"))
    back = _return_url(model_admin, request, values.get("next", ""))
    form = form_of(action)(request, request.POST if request.method == "POST" else None)
    if action is REVOKE_SESSION:
        if not form.is_valid() or len(identities) > 1:
            raise Http404
        if request.method != "POST":
            return _ask_about_session(model_admin, request, identities, form, back)
    if request.method != "POST" or not form.is_valid():
        return _ask(model_admin, request, action, identities, [], back=back, form=form)
    targets = find_targets(request.user, identities)
    allowed = [target for target in targets if not target.refusal]
    recoveries: list[Recovery] = []
    history = History(model_admin, request, action, form.cleaned_data)
    do = function_of(action, form.cleaned_data, recoveries, request.user)
    report = run(allowed, load_identities, do, history.record, in_one_call=action.in_one_call)
    report.failed += [(target, target.refusal) for target in targets if target.refusal]
    if report.is_complete and not recoveries:
        model_admin.message_user(request, action.done(len(report.done)), messages.SUCCESS)
        return HttpResponseRedirect(back)
    return _show_result(model_admin, request, action, form, report, recoveries, back)


def _ask_about_session(
    model_admin: ModelAdmin[Any],
    request: HttpRequest,
    identities: Sequence[OryIdentity],
    form: ConfirmationForm,
    back: str,
) -> HttpResponse:
    """Name the device, so that the staff member sees which session ends. Only who may see the panel may see that."""
    session = None
    if model_admin.has_view_permission(request):
        try:
            session = load_session(identities[0].pk, form.cleaned_data["session"])
        except (NotApplicable, OryAuthError, ImproperlyConfigured) as error:
            model_admin.message_user(request, explain(error), messages.ERROR)
            return HttpResponseRedirect(back)
    return _ask(model_admin, request, REVOKE_SESSION, identities, [], back=back, form=form, session=session)


def _find_identities(model_admin: ModelAdmin[Any], request: HttpRequest, texts: Sequence[str]) -> list[OryIdentity]:
    try:
        ids = {UUID(text) for text in texts}
    except ValueError:
        raise Http404 from None
    if len(ids) > MAX_PEOPLE:
        raise Http404
    found = list(model_admin.get_queryset(request).select_related("user").filter(pk__in=ids))
    if not found:
        raise Http404
    return found


def _return_url(model_admin: ModelAdmin[Any], request: HttpRequest, url: str) -> str:
    """The page from which the staff member came; the list of identities if that is not known."""
    if url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure()):
        return url
    return list_url(model_admin.admin_site)


def _ask(
    model_admin: ModelAdmin[Any],
    request: HttpRequest,
    action: StaffAction,
    identities: Sequence[OryIdentity],
    without_identity: Sequence[str],
    *,
    back: str,
    form: ConfirmationForm | None = None,
    session: SessionRow | None = None,
) -> HttpResponse:
    targets = find_targets(request.user, identities)
    context = {
        "title": action.label,
        "action": action,
        "action_url": action_url(action, model_admin.admin_site),
        "allowed": [target for target in targets if not target.refusal],
        "refused": [target for target in targets if target.refusal],
        "without_identity": without_identity,
        "form": form or form_of(action)(request),
        "session": session,
        "back": back,
    }
    return _page(model_admin, request, "confirm", context)


@sensitive_variables()
def _show_result(
    model_admin: ModelAdmin[Any],
    request: HttpRequest,
    action: StaffAction,
    form: ConfirmationForm,
    report: Report,
    recoveries: list[Recovery],
    back: str,
) -> HttpResponse:
    context = {
        "title": action.label,
        "action": action,
        "action_url": action_url(action, model_admin.admin_site),
        "report": report,
        "done_text": action.done(len(report.done)) if report.done else "",
        "recoveries": recoveries,
        "choices": form.cleaned_data,
        "back": back,
    }
    return _page(model_admin, request, "result", context, status=503 if report.stopped and not report.done else 200)


def show_panel(model_admin: ModelAdmin[Any], request: HttpRequest, identity_id: UUID) -> HttpResponse:
    """What Ory says about one person: a page, or with ``?fragment`` the part that the page of the user loads."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    identity = model_admin.get_queryset(request).select_related("user").filter(pk=identity_id).first()
    if identity is None:
        raise Http404
    panel, problem = None, ""
    try:
        panel = load_panel(identity_id)
    except (OryAuthError, ImproperlyConfigured) as error:
        problem = explain(error)
    context = {
        "title": name_of(identity),
        "identity": identity,
        "panel": panel,
        "problem": problem,
        "buttons": make_buttons(model_admin, request, identity, panel),
        "session_url": find_session_url(model_admin, request, identity, panel),
        "refusal": find_panel_refusal(request, identity, panel),
    }
    if "fragment" in request.GET:
        return TemplateResponse(request, f"{FOLDER}/_panel.html", context)
    return _page(model_admin, request, "panel", context)


def _page(
    model_admin: ModelAdmin[Any], request: HttpRequest, name: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    request.current_app = model_admin.admin_site.name  # for {% url %}
    return TemplateResponse(
        request,
        f"{FOLDER}/{name}.html",
        {
            **model_admin.admin_site.each_context(request),
            "opts": model_admin.opts,
            "media": model_admin.media,
            **context,
        },
        status=status,
    )
