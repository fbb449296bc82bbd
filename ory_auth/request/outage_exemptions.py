"""Callers that get an anonymous user instead of an error in an outage: those that only read the user in passing.

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

# Middleware that reads the user to record who it is, and decides nothing by it. Checked in the source of each.
KNOWN_RECORDERS = (
    "auditlog.middleware.AuditlogMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "elasticapm.contrib.django.middleware.TracingMiddleware",
    "pghistory.middleware.HistoryMiddleware",
    "reversion.middleware.RevisionMiddleware",
)
ERROR_COLLECTOR = "sentry_sdk."  # with ``send_default_pii`` it adds the user to its reports
# Modules on the stack between the code that reads a lazy user and this one.
INTERMEDIATE_MODULES = ("ory_auth.", "django.utils.functional", "asgiref.")


class RequestProgress(Protocol):
    """How far a request has come."""

    @property
    def in_view(self) -> bool:
        """Whether a view was found for the address."""

    view_error: BaseException | None  # what the view raised
    outage_raised: bool  # already, in this request


def caller_is_error_page(request: RequestProgress) -> bool:
    """Whether Django renders a page or a mail about the view's error, or about an unknown address.

    Django does that while it handles the exception, so the exception is still pending. Middleware may handle an
    ``Http404`` as well, and may then decide something by the user, so it is not exempt.
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


def caller_is_login_required_middleware() -> bool:
    """Whether Django's ``LoginRequiredMiddleware`` reads the user. It also does before views that need no sign-in."""
    return _is_on_stack(LoginRequiredMiddleware.process_view.__code__)


def caller_is_signing_out() -> bool:
    """Whether Django's ``logout()`` reads the user. It signs out any user, also an anonymous one."""
    return _is_on_stack(auth.logout.__code__, auth.alogout.__code__)


def caller_is_recording(middleware: Sequence[str]) -> bool:
    """Whether the user is only recorded: in a log record or report, by middleware of these paths, or by a known one.

    ``middleware`` are dotted paths of functions, or of classes, whose subclasses also count.
    """
    recorders = [recorder for recorder in map(_find_loaded, (*KNOWN_RECORDERS, *middleware)) if recorder is not None]
    classes = tuple(recorder for recorder in recorders if isinstance(recorder, type))
    functions = [function for recorder in recorders for function in _functions_of(recorder)]
    frames = list(_frames_of_caller())
    reader = next((module for module in map(_module, frames) if not module.startswith(INTERMEDIATE_MODULES)), "")
    return reader.startswith(ERROR_COLLECTOR) or any(
        frame.f_code in _LOGGING
        or issubclass(_class_of_self(frame), classes)
        or any(_runs(frame, function) for function in functions)
        for frame in frames
    )


def caller_is_middleware() -> bool:
    """Whether middleware reads the user. Its exceptions do not reach ``process_exception``: Django makes a 500 of them.

    ``False`` also if the stack does not show it, such as in a separate task.
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
# These call middleware and views. Frames further out did not read the user: they called the code that does.
_CALLERS = _CONVERTERS | {
    BaseHandler._get_response.__code__,  # type: ignore[attr-defined]  # unknown to django-stubs
    BaseHandler._get_response_async.__code__,  # type: ignore[attr-defined]
    SyncToAsync.thread_handler.__code__,
}
_LOGGING = frozenset({logging.Logger._log.__code__, logging.Logger.handle.__code__})


def _frames_of_caller() -> Iterator[FrameType]:
    """The frames of the middleware or view that reads the user, from the inside out."""
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
    """The middleware of this path, if it is imported already. Otherwise it is not the caller."""
    module, _, name = path.rpartition(".")
    found: Callable[..., Any] | None = getattr(sys.modules.get(module), name, None)
    return found
