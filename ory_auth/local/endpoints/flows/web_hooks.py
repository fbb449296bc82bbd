"""The points of a flow at which the application is called: before a flow starts, and after a submission succeeds.

A blocking hook is called before something is saved, and may refuse or change it. Other hooks are called afterwards.
https://www.ory.com/docs/guides/integrate-with-ory-cloud-through-webhooks
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

from ...http import outgoing
from ...http.exchange import Exchange
from ...model.clock import NEVER
from ...model.errors import OryError
from ...model.flow import Flow
from ...model.identity import Address, Identity
from ...model.identity_changes import apply_hook_answer
from ...model.identity_schema import trait_errors
from ...model.session import Session
from ...model.trait_forms import fill_form
from ...model.web_hooks import (
    HookRequest,
    Refusal,
    WebHook,
    configured_hooks,
    make_request,
    read_answer,
)
from .hook_context import NO_ID, identity_without_ids, make_context, session_json_of
from .submission import InvalidSubmission

REFUSED_AT_START = "a web hook has refused the flow"


# ---- the points


def before(exchange: Exchange, flow: Flow, session: Session | None = None) -> None:
    """When a flow starts, and in the settings also with each submission. Raises `OryError` if a hook refuses or fails.

    As in Kratos, a refusal is an error of the server.
    """
    hooks = _configured(exchange, flow.kind, "before")
    context = make_context(exchange, flow, None, session_json_of(exchange, session) if session else None)
    for answer in _call_all(exchange, hooks, context):
        if isinstance(answer, Refusal):
            raise OryError(404 if flow.kind == "login" else 500, message=REFUSED_AT_START)


def after_login(
    exchange: Exchange, flow: Flow, method: str, session: Session, *, is_new: bool
) -> dict[str, Any] | None:
    """Before the session is saved. Returns how the response shows the identity, if a hook has changed that.

    As in Kratos, such a change is not saved, and a hook sees no ID of a new session, unless it ignores the response.
    Raises `InvalidSubmission` if a hook refuses, and `OryError` if it fails.
    """
    shown = deepcopy(session.identity)
    for hook in _configured(exchange, "login", "after", method):
        if hook.ignore:
            content = make_context(exchange, flow, session.identity, session_json_of(exchange, session))
            _call_later(exchange, hook, content)
            continue
        session_json = session_json_of(exchange, session, identity=shown, has_id=not is_new)
        answer = _call(exchange, flow, hook, make_context(exchange, flow, shown, session_json))
        if answer:
            apply_hook_answer(exchange.state, shown, answer)
            if addresses := answer.get("verifiable_addresses"):
                shown.verifiable_addresses = [_shown_address(address) for address in addresses]
    return shown.to_json(exchange.state.public_url) if shown != session.identity else None


def _shown_address(address: dict[str, Any]) -> Address:
    return Address(
        address.get("value", ""),
        NEVER,
        address.get("via", ""),
        address.get("status", ""),
        bool(address.get("verified")),
        id=NO_ID,
    )


def before_saving(
    exchange: Exchange, flow: Flow, method: str, identity: Identity, session: Session | None = None
) -> None:
    """Before a registration or a change of the settings is saved. Changes the identity as the hooks say.

    Raises `InvalidSubmission` if a hook refuses, and `OryError` if it fails.
    """
    for hook in blocking_hooks(exchange, flow.kind, method):
        identity_json = identity_without_ids(identity) if flow.kind == "registration" else None
        session_json = session_json_of(exchange, session, identity=identity) if session else None
        is_settings = flow.kind == "settings"
        context = make_context(
            exchange, flow, identity, session_json, method=method if is_settings else "", identity_json=identity_json
        )
        try:
            answer = _call(exchange, flow, hook, context)
        except InvalidSubmission:
            fill_form(flow.nodes, "profile" if is_settings else None, identity.traits)
            raise
        if answer:
            apply_hook_answer(exchange.state, identity, answer)
            if errors := trait_errors(exchange.state.config.schema, identity.traits):
                raise InvalidSubmission(**errors)


def blocking_hooks(exchange: Exchange, kind: str, method: str) -> list[WebHook]:
    hooks = _configured(exchange, kind, "after", method)
    return [hook for hook in hooks if hook.is_blocking]


def after_saving(
    exchange: Exchange,
    flow: Flow,
    method: str,
    identity: Identity,
    session: Session | None = None,
) -> None:
    """After a registration, or a change of the settings. Raises `OryError` if a hook fails."""
    for hook in _configured(exchange, flow.kind, "after", method):
        if not hook.is_blocking:
            session_json = session_json_of(exchange, session) if session else None
            name = method if flow.kind == "settings" else ""
            context = make_context(exchange, flow, identity, session_json, method=name)
            _call(exchange, flow, hook, context)


def after_proof(exchange: Exchange, flow: Flow, identity: Identity) -> Refusal | None:
    """After a recovery or a verification. Returns a refusal, which comes too late.

    Raises `OryError` if a hook fails.
    """
    hooks = _configured(exchange, flow.kind, "after")
    answers = _call_all(exchange, hooks, make_context(exchange, flow, identity), flow)
    return next((answer for answer in answers if isinstance(answer, Refusal)), None)


def _configured(exchange: Exchange, kind: str, when: str, method: str = "") -> list[WebHook]:
    """The hooks of a point. The switches for the hooks of a registration count as a list of each method."""
    config = exchange.state.config
    hooks = configured_hooks(config.flow_hooks, kind, when, method)
    has_own_list = bool(config.flow_hooks.get(kind, {}).get(when, {}).get(method, {}).get("hooks"))
    if (kind, when) == ("registration", "after") and config.registration_session_hook and not has_own_list:
        return []
    return hooks


# ---- calls


def _call_all(
    exchange: Exchange, hooks: Iterable[WebHook], context: dict[str, Any], flow: Flow | None = None
) -> Iterator[dict[str, Any] | Refusal | None]:
    for hook in hooks:
        if hook.ignore:
            _call_later(exchange, hook, context)
        else:
            yield _send(exchange, flow, hook, context)


def _call(exchange: Exchange, flow: Flow, hook: WebHook, context: dict[str, Any]) -> dict[str, Any] | None:
    """Call the application. Returns what it changes. Raises `InvalidSubmission` if it refuses."""
    if hook.ignore:
        _call_later(exchange, hook, context)
        return None
    answer = _send(exchange, flow, hook, context)
    if isinstance(answer, Refusal):
        root = answer.messages.pop("", [])
        raise InvalidSubmission(*root, **answer.messages)
    return answer


def _send(
    exchange: Exchange, flow: Flow | None, hook: WebHook, context: dict[str, Any]
) -> dict[str, Any] | Refusal | None:
    try:
        request = make_request(hook, context)
        if request is None:
            return None
        with exchange.without_lock():
            status, body = outgoing.send(request, **_limits(exchange))
        return read_answer(hook, status, body)
    except OryError as error:
        if flow is None or (flow.type == "browser" and flow.kind in ("login", "registration")):
            error.status = error.code
        raise


def _call_later(exchange: Exchange, hook: WebHook, context: dict[str, Any]) -> None:
    """Call the application when the response is on its way. Nothing happens if that fails."""
    exchange.afterwards.append(_make_delivery(make_request(hook, context), _limits(exchange)))


def _make_delivery(request: HookRequest | None, limits: dict[str, float]) -> Callable[[], None]:
    def deliver() -> None:
        with suppress(OryError):  # as in Kratos, which only logs it
            if request is not None:
                outgoing.send(request, timeout=limits["timeout"], retry_seconds=limits["retry_seconds"])

    return deliver


def _limits(exchange: Exchange) -> dict[str, float]:
    config = exchange.state.config
    return {"timeout": config.hook_timeout, "retry_seconds": config.hook_retry_seconds}
