"""Who asks, where that decides whether an outage is told: the few places that ask in passing get an anonymous user."""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import Protocol

from django.contrib import auth
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import Http404

from .exceptions import OryUnavailable


class Progress(Protocol):
    """How far a request has come."""

    @property
    def in_view(self) -> bool:
        """Whether a view was found for the address."""

    view_error: BaseException | None  # what the view raised
    raised: bool  # the outage was told already


def is_error_page(request: Progress) -> bool:
    """Whether Django is answering the view's error, or an unknown address, with a page or mail that asks in passing.

    It does that while the exception is being handled, so the pending one tells.
    """
    pending = sys.exc_info()[1]
    while pending is not None:
        if pending is request.view_error or (isinstance(pending, Http404) and not request.in_view):
            return True
        if isinstance(pending, OryUnavailable):
            return request.raised  # nobody handled it further in, and Django's own page for that greets
        pending = pending.__context__
    return False


def is_login_required_middleware() -> bool:
    """Whether it is Django's ``LoginRequiredMiddleware``, which asks before views that need no sign-in as well."""
    return _is(LoginRequiredMiddleware.process_view.__code__)


def is_signing_out() -> bool:
    """Whether it is Django's ``logout()``, which asks who it was, and signs out whoever it was."""
    return _is(auth.logout.__code__, auth.alogout.__code__)


def _is(*codes: CodeType) -> bool:
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code in codes:
            return True
        frame = frame.f_back
    return False
