"""The password migration hook: the application says whether a password is right, and Ory stores a hash of it.

https://www.ory.com/docs/kratos/manage-identities/import-user-accounts-identities#password-migration-hook
"""

from __future__ import annotations

import json
from typing import Any

from ...http import outgoing
from ...http.exchange import Exchange
from ...model.errors import OryError
from ...model.flow import Flow
from ...model.identity import Identity
from ...model.messages import message
from ...model.password_hashes import MAX_BCRYPT_BYTES
from ...model.passwords import hash_password
from ...model.web_hooks import WebHook, make_request, parse_web_hook
from .hook_context import request_context
from .submission import InvalidSubmission

NOT_REACHED = "A third-party upstream service could not be reached. Please try again later."
RESPONDED_IMPROPERLY = "A third-party upstream service responded improperly. Please try again later."
DISABLED = "Password migration hook is not enabled but password migration is requested."
MATCH = "password_match"
WRONG_PASSWORD = 403
PLAIN_BODY = "function(ctx) { identifier: ctx.identifier, password: ctx.password }"


def migrate_password(exchange: Exchange, flow: Flow, identity: Identity, identifier: str, password: str) -> None:
    """Ask the application, and store a hash if the password is right.

    Raises `InvalidSubmission` if it is wrong, and `OryError` if the application cannot be asked.
    """
    settings = exchange.state.config.migrate_hook
    if not settings.get("enabled"):
        raise OryError(500, "invalid_configuration", reason=DISABLED, message="Invalid configuration")
    hook = parse_web_hook({"body": PLAIN_BODY, **(settings.get("config") or {}), "method": "POST"})
    status, body = _ask(exchange, flow, hook, identity, identifier, password)
    if not _is_match(status, body):
        raise InvalidSubmission(message(4000006))
    if (length := len(password.encode())) > MAX_BCRYPT_BYTES:
        raise InvalidSubmission(password=message(4000033, max_length=MAX_BCRYPT_BYTES, actual_length=length))
    config = {"hashed_password": hash_password(password)}
    identity.set_credential_config("password", config, exchange.state.clock.now())


def _ask(
    exchange: Exchange, flow: Flow, hook: WebHook, identity: Identity, identifier: str, password: str
) -> tuple[int, bytes]:
    context: dict[str, Any] = {
        **request_context(exchange, flow),
        "identity": identity.to_json(exchange.state.public_url),
        "identifier": identifier,
        "password": password,
    }
    request = make_request(hook, context)
    if request is None:
        raise OryError(502, reason=RESPONDED_IMPROPERLY, message="the template of the migration hook has cancelled it")
    config = exchange.state.config
    try:
        with exchange.without_lock():
            return outgoing.send(request, timeout=config.hook_timeout, retry_seconds=config.hook_retry_seconds)
    except outgoing.ApplicationUnreachable:
        raise OryError(502, reason=NOT_REACHED, message="calling the password migration hook failed") from None


def _is_match(status: int, body: bytes) -> bool:
    """Whether the application says that the password is right. Raises `OryError` unless the status is 200 or 403."""
    if status == WRONG_PASSWORD:
        return False
    if status != 200:
        text = f"password migration hook failed with status code {status}"
        raise OryError(502, reason=RESPONDED_IMPROPERLY, message=text)
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("status") == MATCH
