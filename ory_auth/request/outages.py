"""What a caller gets in an outage: an error, or an anonymous user if it only reads the user in passing."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.urls import Resolver404, resolve

from ..exceptions import OryUnavailable
from ..sessions.outcomes import Unavailable
from . import outage_exemptions
from .values import RequestValues


class _UnavailableInMiddleware(OryUnavailable, Http404):
    """Raised in middleware, where Django makes an error page of it at once, which the 503 then replaces.

    Django answers an ``Http404`` without a traceback in the log, a mail to ``ADMINS`` or ``got_request_exception``.
    """


def raise_unless_exempt(values: RequestValues, outcome: Unavailable) -> bool:
    """Raise the outage, unless this caller gets an anonymous user instead.

    ``True``: only this caller gets it, later ones get the outage. ``False``: so do all later callers.
    """
    if values.view_is_optional:
        values.request.ory_unavailable = True
        return False
    if outage_exemptions.caller_is_login_required_middleware():
        return True  # it also reads the user before views that need no sign-in
    if outage_exemptions.caller_is_recording(values.conf.recording_middleware):
        return True
    if _is_for_optional_view(values):
        values.assumes_optional_view = values.request.ory_unavailable = True
        return True
    if (
        values.hides_outages
        or outage_exemptions.caller_is_signing_out()
        or outage_exemptions.caller_is_error_page(values)
    ):
        return False
    raise outage_error(values, outcome)


def outage_error(values: RequestValues, outcome: Unavailable) -> OryUnavailable:
    """The outage as an error to raise. From now on the response must not hide it."""
    values.outage_raised = True
    if values.in_middleware and (not values.in_view or outage_exemptions.caller_is_middleware()):
        values.outage_raised_in_middleware = True
        return outcome.error(_UnavailableInMiddleware)
    return outcome.error()


def _is_for_optional_view(values: RequestValues) -> bool:
    """Whether middleware reads the user, and the request is for a view with ``@ory_optional``."""
    request = values.request
    if values.in_view and not outage_exemptions.caller_is_middleware():
        return False  # such as a decorator of the same view that requires a sign-in
    try:
        match = request.resolver_match or resolve(request.path_info, getattr(request, "urlconf", None))
    except Resolver404:
        return False
    return is_optional(match.func)


def is_optional(view: Any) -> bool:
    """Whether the view has ``@ory_optional``, below other decorators if these keep its attributes."""
    return getattr(view, "ory_optional", False) is True
