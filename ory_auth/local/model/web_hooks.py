"""Web hooks: which of them Kratos calls at a point of a flow, the requests that it makes, and what an answer means.

https://www.ory.com/docs/guides/integrate-with-ory-cloud-through-webhooks
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from .errors import OryError
from .jsonnet import JsonnetError, evaluate
from .messages import Message

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
TEMPLATE_PREFIX = "base64://"
CANCEL = "cancel"  # the text of `error` with which a template skips the call
UNREADABLE = "webhook response could not be unmarshalled properly from JSON"
MISCONFIGURED = "a web hook ignores the response, but also parses it"
ALLOWED_HEADERS = (  # of the request that the person has made
    "accept",
    "accept-encoding",
    "accept-language",
    "content-length",
    "content-type",
    "origin",
    "priority",
    "referer",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-user",
    "true-client-ip",
    "user-agent",
)


@dataclass(frozen=True)
class WebHook:
    """A hook of the kind `web_hook`. `template` is Jsonnet."""

    url: str
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    template: str = ""
    ignore: bool = False
    parse: bool = False
    can_interrupt: bool = False

    @property
    def is_blocking(self) -> bool:
        """Whether it is called before something is saved, and may refuse it."""
        return self.parse or self.can_interrupt


@dataclass(frozen=True)
class HookRequest:
    """A request to the application."""

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Refusal:
    """What a hook says about a submission: messages by field, and "" for the whole form."""

    messages: dict[str, list[Message]]


# ---- configuration


def configured_hooks(flows: Mapping[str, Any], kind: str, when: str, method: str = "") -> list[WebHook]:
    """The web hooks of a point, as in `selfservice.flows.KIND.WHEN` of Kratos' configuration.

    `when` is "before" or "after". A list of the method replaces the list for all methods. As in Kratos, the blocking
    hooks of the latter are never called for registration and settings.
    """
    point = flows.get(kind, {}).get(when, {})
    own_list = _web_hooks(point.get(method, {}).get("hooks", [])) if method else []
    if method and point.get(method, {}).get("hooks"):
        return own_list
    hooks = _web_hooks(point.get("hooks", []))
    if when == "after" and kind in ("registration", "settings"):
        return [hook for hook in hooks if not hook.is_blocking]
    return hooks


def has_registration_hook(flows: Mapping[str, Any], name: str, method: str) -> bool:
    """Whether the hook `session` or `show_verification_ui` is configured for people who sign up with this method."""
    point = flows.get("registration", {}).get("after", {})
    hooks = point.get(method, {}).get("hooks") or point.get("hooks", [])
    return any(hook.get("hook") == name for hook in hooks)


def _web_hooks(hooks: list[dict[str, Any]]) -> list[WebHook]:
    return [parse_web_hook(hook.get("config") or {}) for hook in hooks if hook.get("hook") == "web_hook"]


def parse_web_hook(config: Mapping[str, Any]) -> WebHook:
    """A web hook from its `config`. Raises `OryError` with status 500 if that makes no sense."""
    response = config.get("response") or {}
    ignore, parse = bool(response.get("ignore")), bool(response.get("parse"))
    can_interrupt = bool(config.get("can_interrupt"))
    if ignore and (parse or can_interrupt):
        raise OryError(500, "invalid_configuration", reason=MISCONFIGURED)
    return WebHook(
        config["url"],
        config.get("method", "POST"),
        {**(config.get("headers") or {}), **_authentication(config.get("auth") or {})},
        _read_template(config.get("body") or ""),
        ignore,
        parse,
        can_interrupt,
    )


def _authentication(auth: Mapping[str, Any]) -> dict[str, str]:
    """The headers for `auth`, which is `api_key` (in a header or a cookie) or `basic_auth`."""
    config = auth.get("config") or {}
    match auth.get("type"):
        case "api_key" if config.get("in") == "cookie":
            return {"Cookie": f"{config['name']}={config['value']}"}
        case "api_key":
            return {config["name"]: config["value"]}
        case "basic_auth":
            credentials = f"{config['user']}:{config['password']}"
            return {"Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}
        case _:
            return {}


def _read_template(uri: str) -> str:
    """The Jsonnet text. Kratos also reads files and URLs; the local Ory takes the text itself instead."""
    if not uri.startswith(TEMPLATE_PREFIX):
        return uri
    try:
        return base64.b64decode(uri.removeprefix(TEMPLATE_PREFIX), validate=True).decode()
    except (binascii.Error, ValueError):
        raise OryError(500, reason="the body of a web hook is not valid base64") from None


# ---- the request


def make_request(hook: WebHook, ctx: dict[str, Any]) -> HookRequest | None:
    """The request for this context. `None` if the template cancels it.

    Raises `OryError` with code 500 and status 400 if the template is missing or cannot be evaluated.
    """
    if not hook.template:
        raise OryError(500, message="got empty template path for request with body", status=400)
    try:
        content = evaluate(hook.template, ctx)
    except JsonnetError as error:
        if str(error) == CANCEL:
            return None
        raise OryError(500, message=f"jsonnetsecure: ERROR: RUNTIME ERROR: {error}", status=400) from None
    content_type = next((value for name, value in hook.headers.items() if name.lower() == "content-type"), JSON)
    if content_type == FORM:
        body = urlencode(sorted((content or {}).items()))
    elif content_type == JSON:
        body = json.dumps(content, sort_keys=True, separators=(",", ":"))
    else:
        raise OryError(500, message=f"invalid content type: {content_type}", status=400)
    return HookRequest(hook.method, hook.url, {"Content-Type": content_type, **hook.headers}, body.encode())


# ---- the answer


def read_answer(hook: WebHook, status: int, body: bytes) -> dict[str, Any] | Refusal | None:
    """What the answer of the application means: changes of the identity, a refusal, or nothing.

    Raises `OryError` if the flow fails.
    """
    if status >= 400:
        if hook.is_blocking:
            return _read_refusal(body)
        reason = "A third-party upstream service responded improperly. Please try again later."
        raise OryError(502, reason=reason, message=f"webhook failed with status code {status}")
    if not hook.parse or status != 200:
        return None
    content = _parse(body)
    identity = content.get("identity") if isinstance(content, dict) else None
    return identity if isinstance(identity, dict) else None


def _read_refusal(body: bytes) -> Refusal:
    content, by_field = _parse(body), dict[str, list[Message]]()
    for group in (content.get("messages") or []) if isinstance(content, dict) else []:
        pointer = str(group.get("instance_ptr") or "").removeprefix("#").strip("/")
        by_field.setdefault(pointer.replace("/", "."), []).extend(_read_message(one) for one in group["messages"])
    if not by_field:
        raise OryError(500, message="error while parsing webhook response: got no validation errors", status=400)
    return Refusal(by_field)


def _read_message(message: dict[str, Any]) -> Message:
    if not isinstance(message.get("id", 0), int):
        raise OryError(500, message=f"{UNREADABLE}: the ID of a message is not a number", status=400)
    context = {"context": message["context"]} if message.get("context") else {}
    kind = "error" if message.get("type") == "error" else "info"
    return {"id": message.get("id", 0), "text": message.get("text", ""), "type": kind, **context}


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise OryError(500, message=f"{UNREADABLE}: it is no JSON", status=400) from None
