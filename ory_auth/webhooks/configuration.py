"""The hooks that Ory's configuration needs to call ``ory_auth:webhook``. Free of I/O.

Kratos never calls a hook with ``response.parse`` that stands in the list for a whole registration or settings flow, and
a list for one method switches the list for the whole flow off. So each method gets its own list, with the hooks that it
had: its own, or those of the flow. https://www.ory.com/docs/kratos/hooks/configure-hooks
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .jsonnet import BLOCKING, NOTICE, as_uri

Hook = dict[str, Any]

HOOK_ID = "django-ory"
PLACEHOLDER = "${ORY_WEBHOOK_SECRET}"
METHODS: Mapping[str, tuple[str, ...]] = {
    "login": ("password", "oidc", "code", "webauthn", "passkey", "totp", "lookup_secret"),
    "registration": ("password", "oidc", "code", "webauthn", "passkey"),
    "settings": ("profile", "password", "oidc", "totp", "lookup_secret", "webauthn", "passkey"),
}
WHOLE_FLOWS = ("recovery", "verification")  # they have no lists for methods, and cannot be blocked
NOT_PARSED_FOR_FLOW = frozenset({"registration", "settings"})  # in which Kratos ignores response.parse of the flow
ISSUES_SESSION: Hook = {"hook": "session"}


def build_hooks(
    view_url: str, secret: str, *, blocking: frozenset[str] = frozenset(), config: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The part of Ory's configuration that calls this site after every flow.

    ``view_url`` is that of ``ory_auth:webhook``. In the flows that ``blocking`` names, Ory also asks before it saves.
    ``config`` is the present configuration, whose other hooks stay. Without it, registrations get the hook
    ``session``, which signs people in after they have registered.
    """
    flows: dict[str, Any] = {}
    for flow, methods in METHODS.items():
        own = _own_hooks(view_url, flow, secret, blocking=flow in blocking)
        flows[flow] = {"after": {method: {"hooks": own + _other_hooks(flow, method, config)} for method in methods}}
    for flow in WHOLE_FLOWS:
        own = _own_hooks(view_url, flow, secret, blocking=False)
        flows[flow] = {"after": {"hooks": own + _without_own(read_hooks(config, flow))}}
    return {"selfservice": {"flows": flows}}


def iterate_lists(hooks: Mapping[str, Any]) -> Iterator[tuple[str, list[Hook]]]:
    """The path of each list of hooks in what :func:`build_hooks` returns, and the list."""
    for flow, parts in hooks["selfservice"]["flows"].items():
        for name, part in parts["after"].items():
            if name == "hooks":
                yield f"/selfservice/flows/{flow}/after/hooks", part
            else:
                yield f"/selfservice/flows/{flow}/after/{name}/hooks", part["hooks"]


def read_hooks(config: Mapping[str, Any] | None, flow: str, method: str = "") -> list[Hook]:
    """The hooks in a configuration after this flow; with ``method``, those in the list of the method."""
    value: Any = config or {}
    path = ("selfservice", "flows", flow, "after", *([method] if method else []), "hooks")
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return [hook for hook in value if isinstance(hook, dict)] if isinstance(value, list) else []


def effective_hooks(config: Mapping[str, Any], flow: str, method: str) -> list[Hook]:
    """The hooks that Kratos calls after this method: those of the method, or else those of the whole flow."""
    hooks = read_hooks(config, flow, method)
    if hooks:
        return hooks
    return [hook for hook in read_hooks(config, flow) if not (flow in NOT_PARSED_FOR_FLOW and is_parsed(hook))]


def is_own(hook: Hook) -> bool:
    """Whether this package has made the hook."""
    return hook.get("hook") == "web_hook" and details_of(hook).get("id") == HOOK_ID


def is_parsed(hook: Hook) -> bool:
    """Whether Kratos waits for the answer and uses it."""
    details = details_of(hook)
    response = details.get("response")
    return bool(details.get("can_interrupt") or (isinstance(response, Mapping) and response.get("parse")))


def details_of(hook: Hook) -> Mapping[str, Any]:
    details = hook.get("config")
    return details if isinstance(details, Mapping) else {}


def _other_hooks(flow: str, method: str, config: Mapping[str, Any] | None) -> list[Hook]:
    """The hooks of others that Kratos calls after this method now."""
    if config is None:
        return [ISSUES_SESSION] if flow == "registration" else []
    return _without_own(effective_hooks(config, flow, method))


def _without_own(hooks: list[Hook]) -> list[Hook]:
    return [hook for hook in hooks if not is_own(hook)]


def _own_hooks(view_url: str, flow: str, secret: str, *, blocking: bool) -> list[Hook]:
    url = f"{view_url}?after={flow}"
    # Asynchronous: an outage of this site must not keep people from signing in.
    notice = _web_hook(url, secret, as_uri(NOTICE), {"ignore": True})
    if not blocking:
        return [notice]
    return [_web_hook(f"{url}&decide=1", secret, as_uri(BLOCKING), {"parse": True}), notice]


def _web_hook(url: str, secret: str, body: str, response: dict[str, bool]) -> Hook:
    auth = {"type": "api_key", "config": {"name": "Authorization", "value": f"Bearer {secret}", "in": "header"}}
    details = {"id": HOOK_ID, "url": url, "method": "POST", "body": body, "auth": auth, "response": response}
    return {"hook": "web_hook", "config": details}
