"""``{% load ory_auth %}``: links to sign in, a sign-out form and a user menu for a project's own templates."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.template import Context
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from ..conf import conf
from ..ory.ascii_hosts import with_ascii_host
from ..ory.flows import FlowKind
from ..request.state import find_state
from ..responses.client_kind import kind_from_headers
from ..responses.return_url import find_current_page, is_allowed, read_requested_url
from ..sessions.outcomes import Unavailable
from ..users.display_name import display_name, name_or_username

register = template.Library()

# Pages of this package that lead away as soon as the person has signed in, so nobody should come back to them.
PASSING_PAGES = frozenset({"error", "logout", "ready", *(kind.value for kind in FlowKind)})


@register.simple_tag(takes_context=True)
def ory_login_url(context: Context, next: str | None = None, **parameters: Any) -> str:
    """The URL of the sign-in page, from which people come back to the current page, or to ``next``.

    ``next=""`` leads to ``LOGIN_REDIRECT_URL``. ``parameters`` are start parameters of Ory, such as ``login_hint``.
    """
    return _start_url(context, FlowKind.LOGIN, next, parameters)


@register.simple_tag(takes_context=True)
def ory_registration_url(context: Context, next: str | None = None, **parameters: Any) -> str:
    """As :func:`ory_login_url`, for the page to create an account."""
    return _start_url(context, FlowKind.REGISTRATION, next, parameters)


@register.inclusion_tag("ory_auth/tags/logout_form.html", takes_context=True)
def ory_logout_form(context: Context, text: str = "", css_class: str = "", next: str = "") -> dict[str, Any]:
    """A form with one button that signs out, here and at Ory. Afterwards the browser goes to ``next``."""
    return {"text": text, "css_class": css_class, "next": next, "csrf_token": context.get("csrf_token")}


@register.inclusion_tag("ory_auth/tags/flow.html", takes_context=True)
def ory_flow(context: Context, kind: str, next: str | None = None, text: str = "", **parameters: Any) -> dict[str, Any]:
    """A flow inside a page of the project, such as ``{% ory_flow "login" %}`` in a dialog.

    It is a link until the browser shows it. Then a script asks this site for the flow, so a visitor who does not see it
    costs nothing. ``text`` is that of the link; ``next`` and ``parameters`` are as for :func:`ory_login_url`.
    A ``next`` on another site leads to ``LOGIN_REDIRECT_URL`` instead, unless ``LOGIN_REDIRECT_HOSTS`` names its host.
    """
    try:
        flow = FlowKind(kind)
    except ValueError:
        known = ", ".join(FlowKind)
        raise template.TemplateSyntaxError(
            f"{{% ory_flow %}}: {kind!r} is not a flow. The flows are: {known}."
        ) from None
    request = context.get("request")
    target = _current_page(request) if next is None else _only_allowed(request, next)
    target = target or resolve_url(settings.LOGIN_REDIRECT_URL)
    return {"kind": flow.value, "url": _start_url(context, flow, target, parameters), "text": text, "next": target}


@register.inclusion_tag("ory_auth/tags/user_menu.html", takes_context=True)
def ory_user_menu(context: Context, next: str | None = None) -> dict[str, Any]:
    """The name of the person with a menu for their account; without a session, links to sign in and to register.

    It reads ``request.user``, so it costs a lookup on pages that do not ask for the user otherwise.
    """
    request = context["request"]
    user = request.user
    signed_in = user.is_authenticated  # read first: this sets ory_unavailable
    name = display_name(user) if signed_in else ""
    return {
        "user": user,
        "signed_in": signed_in,
        "impersonating": signed_in and find_state(request) is not None and request.actor is not None,
        "unavailable": not signed_in and _is_user_unknown(request),
        "name": name,
        "initials": _initials(name),
        "login_url": _start_url(context, FlowKind.LOGIN, next, {}),
        "registration_url": _start_url(context, FlowKind.REGISTRATION, next, {}) if conf().registration else "",
        "request": request,
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("ory_auth/tags/impersonation_banner.html", takes_context=True)
def ory_impersonation_banner(context: Context, next: str = "") -> dict[str, Any]:
    """While a staff member impersonates the user: who sees what, and a button that ends it. Otherwise nothing.

    Afterwards the browser goes to ``next``, or to the user's page in the admin. On other pages it costs nothing.
    """
    request = context.get("request")
    state = find_state(request) if request is not None else None
    actor = None if state is None or state.is_outage_known else state.find_actor()
    if state is None or actor is None:
        return {"is_shown": False}
    user = state.user()
    return {
        "is_shown": True,
        "name": name_or_username(user),
        "actor_name": name_or_username(actor),
        "minutes": _minutes_until(getattr(user, "ory_impersonated_until", None)),
        "next": next,
        "csrf_token": context.get("csrf_token"),
    }


def _start_url(context: Context, kind: FlowKind, next: str | None, parameters: dict[str, Any]) -> str:
    """The URL of the page of this package that starts a flow; empty if the project does not include these URLs."""
    try:
        url = reverse(kind.url_name)
    except NoReverseMatch:
        return ""
    target = _current_page(context.get("request")) if next is None else next
    query = {"next": target, **parameters}
    query = {name: value for name, value in query.items() if value not in {"", None}}
    return f"{url}?{urlencode(query)}" if query else url


def _current_page(request: HttpRequest | None) -> str:
    """The URL to come back to. On a page of a flow, the one that the flow itself leads to."""
    state = find_state(request) if request is not None else None
    if request is None or state is None:
        return ""
    hosts = state.conf.login_redirect_hosts
    match = request.resolver_match
    if match is not None and match.app_name == "ory_auth" and match.url_name in PASSING_PAGES:
        requested = read_requested_url(request) or ""
        return requested if is_allowed(request, requested, hosts) else ""
    return find_current_page(request, kind_from_headers(request), hosts)


def _minutes_until(end: datetime | None) -> int | None:
    """Rounded up. ``None`` if there is no time, or one without a zone (``USE_TZ = False``)."""
    if end is None or end.tzinfo is None:
        return None
    return max(0, math.ceil((end - datetime.now(UTC)).total_seconds() / 60))


def _only_allowed(request: HttpRequest | None, url: str) -> str:
    """The URL if this site may send a browser to it, else an empty string. A script of the page goes to it."""
    state = find_state(request) if request is not None else None
    if request is None or state is None:
        return url if url_has_allowed_host_and_scheme(url, allowed_hosts=None) else ""
    ascii_url = with_ascii_host(url)
    return ascii_url if ascii_url and is_allowed(request, ascii_url, state.conf.login_redirect_hosts) else ""


def _is_user_unknown(request: Any) -> bool:
    """Whether an outage made the user anonymous, in a view with ``ory_optional`` or on an error page."""
    state = find_state(request)
    if state is None:
        return False
    outcome = state.current_outcome
    on_error_page = state.hides_outages and (outcome is None or isinstance(outcome, Unavailable))
    return bool(request.ory_unavailable) or on_error_page


def _initials(name: str) -> str:
    words = name.partition("@")[0].split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
