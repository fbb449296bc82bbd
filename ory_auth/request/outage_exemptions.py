"""Which callers are exempt from an outage: the few that read the user in passing get an anonymous one.

The stack shows the caller. It is only inspected in an outage, so the cost does not matter.
"""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, FrameType, FunctionType
from typing import Any, Protocol

from asgiref.sync import SyncToAsync
from django.contrib import auth
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response, response_for_exception
from django.http import Http404

from ..exceptions import OryUnavailable

# Middleware that reads the user to write down who it is, and decides nothing by it. Checked in the source of each.
KNOWN_RECORDERS = (
    "auditlog.middleware.AuditlogMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "elasticapm.contrib.django.middleware.TracingMiddleware",
    "pghistory.middleware.HistoryMiddleware",
    "reversion.middleware.RevisionMiddleware",
)
ERROR_COLLECTOR = "sentry_sdk."  # with ``send_default_pii`` it adds the user to its reports
# Modules between the code that reads a lazy user and this one.
BETWEEN = ("ory_auth.", "django.utils.functional", "asgiref.")


class RequestProgress(Protocol):
    """How far a request has come."""

    @property
    def in_view(self) -> bool:
        """Whether a view was found for the address."""

    view_error: BaseException | None  # what the view raised
    outage_raised: bool  # already, in this request


def is_error_page(request: RequestProgress) -> bool:
    """Whether Django is answering the view's error, or an unknown address, with a page or mail that asks in passing.

    It does that while the exception is being handled, so the pending one tells. Middleware may handle an ``Http404`` as
    well, and decide something in doing so.
    """
    pending = sys.exc_info()[1]
    while pending is not None:
        if pending is request.view_error:
            return True
        if isinstance(pending, Http404) and not request.in_view and _is_on_stack(response_for_exception.__code__):
            return True
        if isinstance(pending, OryUnavailable):
            return request.outage_raised  # it was not handled further in, and Django's own error page reads the user
        pending = pending.__context__
    return False


def is_login_required_middleware() -> bool:
    """Whether it is Django's ``LoginRequiredMiddleware``, which asks before views that need no sign-in as well."""
    return _is_on_stack(LoginRequiredMiddleware.process_view.__code__)


def is_signing_out() -> bool:
    """Whether it is Django's ``logout()``, which asks who it was, and signs out whoever it was."""
    return _is_on_stack(auth.logout.__code__, auth.alogout.__code__)


def is_recording(middleware: Sequence[str]) -> bool:
    """Whether the user is only written down: in a log record or report, or by middleware of these paths or a known one.

    ``middleware`` are dotted paths of classes, whose subclasses count as well, or of functions.
    """
    recorders = [recorder for recorder in map(_find_loaded, (*KNOWN_RECORDERS, *middleware)) if recorder is not None]
    classes = tuple(recorder for recorder in recorders if isinstance(recorder, type))
    functions = [function for recorder in recorders for function in _functions_of(recorder)]
    frames = list(_frames_of_caller())
    reader = next((module for module in map(_module, frames) if not module.startswith(BETWEEN)), "")
    return reader.startswith(ERROR_COLLECTOR) or any(
        frame.f_code in _LOGGING
        or issubclass(_class_of_self(frame), classes)
        or any(_runs(frame, function) for function in functions)
        for frame in frames
    )


def is_middleware() -> bool:
    """Whether middleware asks, in which no exception reaches ``process_exception``: Django makes a 500 of it at once.

    ``False`` also where that cannot be seen, such as in a task of its own.
    """
    outermost = None
    for frame in _stack():
        if frame.f_code in _CONVERTERS:
            return True
        if frame.f_code in _CALLERS:
            break
        if not _module(frame).startswith("asgiref."):  # which calls sync code in a thread
            outermost = frame
    return outermost is not None and outermost.f_code.co_name == "process_view"


def _functions_of(recorder: object) -> Iterator[FunctionType]:
    """The function, and the one that it wraps."""
    for function in (recorder, inspect.unwrap(recorder) if callable(recorder) else None):
        if isinstance(function, FunctionType):
            yield function


def _runs(frame: FrameType, function: FunctionType) -> bool:
    """Whether this is a call of the function or of one that it defines.

    Functions that one factory or decorator has made share their code. They differ in the variables that they captured.
    """
    if frame.f_code not in set(_codes_in(function.__code__)):
        return False
    captured, variables = inspect.getclosurevars(function).nonlocals, frame.f_locals
    return all(name in frame.f_code.co_freevars and variables.get(name) is captured[name] for name in captured)


def _codes_in(code: CodeType | None) -> Iterator[CodeType]:
    """The code of a function and of the functions that it defines."""
    if code is not None:
        yield code
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from _codes_in(constant)


# Around every middleware Django puts one of these functions, which turn what it raises into a response.
_CONVERTERS = frozenset(_codes_in(convert_exception_to_response.__code__))
# What calls middleware and views. What is on the stack further out has called the one that asks, and does not ask.
_CALLERS = _CONVERTERS | {
    BaseHandler._get_response.__code__,  # type: ignore[attr-defined]  # unknown to django-stubs
    BaseHandler._get_response_async.__code__,  # type: ignore[attr-defined]
    SyncToAsync.thread_handler.__code__,
}
_LOGGING = frozenset({logging.Logger._log.__code__, logging.Logger.handle.__code__})


def _frames_of_caller() -> Iterator[FrameType]:
    """The frames of the middleware or view that asks, from the inside out."""
    for frame in _stack():
        if frame.f_code in _CALLERS:
            return
        yield frame


def _stack() -> Iterator[FrameType]:
    frame = sys._getframe().f_back
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_on_stack(*codes: CodeType) -> bool:
    return any(frame.f_code in codes for frame in _stack())


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _class_of_self(frame: FrameType) -> type:
    """The class of the object whose method this is; of the first argument, if it is a function."""
    code = frame.f_code
    first: Any = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
    return type(first)  # not isinstance(): that would evaluate a lazy object


def _find_loaded(path: str) -> Callable[..., Any] | None:
    """The middleware of this path. Nothing is imported for it: what is not loaded is not the one that asks."""
    module, _, name = path.rpartition(".")
    found: Callable[..., Any] | None = getattr(sys.modules.get(module), name, None)
    return found
