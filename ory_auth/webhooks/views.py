"""``ory_auth:webhook``: what Ory calls after its flows, before it saves something, and with live events."""

from __future__ import annotations

import json
import threading
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error as DjangoDatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, RawPostDataException, UnreadablePostError
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables

from ..conf import Conf, conf
from ..events import Event, log, log_sampled
from ..exceptions import OryUnavailable
from ..process.per_process import PerProcess
from ..users.database import writing_alias
from ..users.database_errors import log_database_error
from .authentication import is_authentic
from .calls import Call, UnreadableCall, read_call
from .confirmation import NotConfirmed, carry_out
from .decisions import DECIDABLE, BlockingHook, read_hook, refuse, render_answer
from .deliveries import note_decision
from .project_function import DecisionFailed, ask_project

MAX_BODY = 256 * 1024  # bytes
MAX_DIGITS = 12  # of a Content-Length
RETRY_SECONDS = 2
MAX_RETRY_SECONDS = 30
SHARE = 2  # one half of MAX_CONNECTIONS: the other calls to the admin API are made by people
WAIT_SECONDS = 0.2  # for a place among them


class _Refused(Exception):
    def __init__(self, status: int, reason: str, text: str) -> None:
        super().__init__(text)
        self.status, self.reason, self.text = status, reason, text


@never_cache
@sensitive_variables()
def webhook(request: HttpRequest) -> HttpResponse:
    """404 unless ``WEBHOOK_SECRETS``. Ory's actions: ``?after=`` a flow, and ``&decide=1`` for ``BLOCKING_HOOK``."""
    current = conf()
    if not current.webhook_secrets:
        raise Http404
    try:
        call = _read(request, current)
    except _Refused as refusal:
        return _refuse(refusal)
    if request.GET.get("decide") == "1":
        return _decide(call, current)
    return _carry_out(call, current)


@sensitive_variables()
def _read(request: HttpRequest, current: Conf) -> Call:
    if request.method != "POST":
        raise _Refused(405, "method", "Only POST is allowed.")
    if not is_authentic(request.META.get("HTTP_AUTHORIZATION", ""), current.webhook_secrets):
        text = "The Authorization header has none of ORY_AUTH['WEBHOOK_SECRETS'], as a Bearer token or a password."
        raise _Refused(401, "secret", text)
    content = _read_body(request)
    try:
        return read_call(content, request.GET.get("after", ""), request.META.get("HTTP_ORY_WEBHOOK_TRIGGER_ID", ""))
    except UnreadableCall as error:
        raise _Refused(400, "body", str(error)) from None


@sensitive_variables()
def _read_body(request: HttpRequest) -> bytes:
    too_large = _Refused(413, "too_large", f"The body is larger than {MAX_BODY // 1024} KiB.")
    length = request.META.get("CONTENT_LENGTH") or ""
    announced = int(length) if length.isdecimal() and len(length) < MAX_DIGITS else 0
    if announced > MAX_BODY or len(length) >= MAX_DIGITS:
        raise too_large
    try:
        content = request.read(MAX_BODY + 1)
    except (UnreadablePostError, RawPostDataException):
        raise _Refused(400, "body", "The body could not be read.") from None
    if len(content) > MAX_BODY:
        raise too_large
    if len(content) < announced:
        raise _Refused(400, "body", "The body is shorter than its Content-Length.")
    return content


def _refuse(refusal: _Refused) -> HttpResponse:
    log(Event.WEBHOOK_REFUSED, reason=refusal.reason, status=refusal.status)
    response = JsonResponse({"code": "webhook_refused", "detail": refusal.text}, status=refusal.status)
    if refusal.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if refusal.status == 405:
        response["Allow"] = "POST"
    return response


# --- decisions


@sensitive_variables()
def _decide(call: Call, current: Conf) -> HttpResponse:
    """Ory waits for this answer. An error of this site must not become one of Ory's, so there always is an answer."""
    hook = read_hook(call.body, call.kind)
    if hook.flow not in DECIDABLE:
        log(Event.BLOCKING_HOOK_FAILED, why="flow", flow=hook.flow, fix="manage.py_ory_webhooks")
        return JsonResponse({})
    try:
        status, answer = _ask(hook, current)
    except DecisionFailed as failure:
        log(Event.BLOCKING_HOOK_FAILED, flow=hook.flow, default=current.blocking_hook_failure, **failure.facts)
        refusal = refuse(_("This is not possible at the moment. Please try again later."))
        is_refused = current.blocking_hook_failure == "refuse"
        status, answer = render_answer(refusal if is_refused else None, hook)
    note_decision(hook.flow, writing_alias())
    return JsonResponse(answer, status=status)


@sensitive_variables()
def _ask(hook: BlockingHook, current: Conf) -> tuple[int, dict[str, Any]]:
    decision = ask_project(hook, current)
    why = ""
    try:
        status, answer = render_answer(decision, hook)
        json.dumps(answer, cls=DjangoJSONEncoder, allow_nan=False)
    except (TypeError, ValueError) as error:
        why = str(error)
    else:
        return status, answer
    raise DecisionFailed(why="answer", error=why.replace(" ", "_"))


# --- everything else


def _make_semaphore(current: Conf) -> threading.BoundedSemaphore:
    """How many calls of this process may be carried out at the same time."""
    return threading.BoundedSemaphore(max(current.max_connections // SHARE, 1))


_semaphore = PerProcess(_make_semaphore)


def _carry_out(call: Call, current: Conf) -> HttpResponse:
    semaphore = _semaphore.of(current)
    if not semaphore.acquire(timeout=WAIT_SECONDS):
        log_sampled(Event.POOL_FULL, at="webhook", kind=call.kind)
        return _try_again(1)
    try:
        is_new = carry_out(call, current)
    except NotConfirmed:
        log(Event.WEBHOOK_UNCONFIRMED, kind=call.kind, id=str(call.id))
        return _try_again()
    except OryUnavailable as error:
        log_sampled(error.event, status=error.status, error=error.cause, at="webhook")
        return _try_again(error.retry_after)
    except DjangoDatabaseError as error:
        log_database_error(error, at="webhook")
        return _try_again()
    finally:
        semaphore.release()
    if is_new:
        log(Event.WEBHOOK_RECEIVED, kind=call.kind, id=None if call.id is None else str(call.id))
    # With ``response.ignore``, Kratos never reads a body, and the unread body keeps the connection open. A sync worker
    # of gunicorn waits two seconds for its end before it serves the next request.
    return HttpResponse(status=204)


def _try_again(seconds: int | None = None) -> HttpResponse:
    """Ory repeats the call after a 503; at most a few times, so ``ory_sync`` has to find what is lost all the same."""
    response = JsonResponse({"code": "webhook_unavailable"}, status=503)
    response["Retry-After"] = str(min(seconds or RETRY_SECONDS, MAX_RETRY_SECONDS))
    return response


PAGES = {"webhook": webhook}  # by the names of their URLs
