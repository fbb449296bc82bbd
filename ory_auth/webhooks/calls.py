"""Reads the body of a call to ``ory_auth:webhook``: a hook of one of Ory's flows, or a live event of Ory Network.

Only IDs are taken from it, and what a blocking hook asks about. It proves nothing else: the caller asks the admin API.

- Hooks: https://www.ory.com/docs/guides/integrate-with-ory-cloud-through-webhooks
- Live events: https://www.ory.com/docs/actions/live-events
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from uuid import UUID, uuid4

from ..ory.flows import FlowKind

MAX_DEPTH = 4  # levels of eventAttributes in which IDs are looked for
TRIGGER_ID = re.compile("[A-Za-z0-9-]{8,64}")
EVENT_NAME = re.compile("[A-Za-z0-9]{1,64}")

IDENTITY_EVENTS = frozenset(
    {
        "IdentityCreated",
        "IdentityUpdated",
        "LoginSucceeded",
        "RecoverySucceeded",
        "RegistrationSucceeded",
        "SettingsSucceeded",
        "VerificationSucceeded",
    }
)
DELETION_EVENTS = frozenset({"IdentityDeleted"})
SESSION_END_EVENTS = frozenset({"SessionRevoked"})


class Subject(Enum):
    """What a call is about."""

    IDENTITY = auto()
    DELETION = auto()  # of an identity
    SESSION_END = auto()
    NOTHING = auto()  # that this site stores


class UnreadableCall(ValueError):
    """The body is not a hook or an event. The text says what is wrong, without a part of it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``key`` stays the same when Ory repeats it.

    ``id`` is that of the identity, or of the session that ended; ``None`` if this site has nothing to do.
    """

    kind: str
    key: str
    subject: Subject
    id: UUID | None = None
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_call(content: bytes, flow: str, trigger_id: str) -> Call:
    """``flow`` is the parameter ``after`` of the URL, empty for a live event. Raises :class:`UnreadableCall`."""
    body = _read_object(content)
    if flow:
        return _read_hook(body, flow, trigger_id)
    return _read_event(body)


def _read_object(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise UnreadableCall("The body is not a JSON object.")
    return body


def _read_hook(body: dict[str, Any], flow: str, trigger_id: str) -> Call:
    if flow not in {kind.value for kind in FlowKind}:
        raise UnreadableCall("The parameter ?after= of the URL is not a flow of Ory: see manage.py ory_webhooks.")
    identity_id = read_id(body, "identity")
    # Without an ID, two changes in one flow look the same, and both count: repeating an effect changes nothing.
    key = trigger_id.lower() if TRIGGER_ID.fullmatch(trigger_id) else uuid4().hex
    return Call(flow, key, Subject.IDENTITY, identity_id, body)


def _read_event(body: dict[str, Any]) -> Call:
    name = body.get("name")
    if not isinstance(name, str) or not EVENT_NAME.fullmatch(name):
        raise UnreadableCall("The body is neither a live event nor that of a hook: is ?after= missing from the URL?")
    attributes = body.get("eventAttributes")
    subject = _subject_of(name)
    names = {"sessionid"} if subject is Subject.SESSION_END else {"identityid"}
    found = None if subject is Subject.NOTHING else _find_id(attributes, names, MAX_DEPTH)
    return Call(name, _event_key(name, body.get("timestamp"), attributes), subject, found, body)


def _subject_of(name: str) -> Subject:
    if name in IDENTITY_EVENTS:
        return Subject.IDENTITY
    if name in DELETION_EVENTS:
        return Subject.DELETION
    return Subject.SESSION_END if name in SESSION_END_EVENTS else Subject.NOTHING


def _event_key(name: str, timestamp: object, attributes: object) -> str:
    """The same if Ory sends an event again, in other bytes. Events without a time cannot be told apart."""
    if not isinstance(timestamp, str):
        return uuid4().hex
    try:
        return hashlib.sha256(json.dumps([name, timestamp, attributes], sort_keys=True).encode()).hexdigest()
    except RecursionError:
        raise UnreadableCall("The body is nested too deeply.") from None


def read_id(body: Mapping[str, Any], name: str) -> UUID | None:
    """The ID of ``identity``, ``session`` or ``flow`` in a hook. Ory sends zeros for what is not saved yet."""
    part = body.get(name)
    found = _parse_id(part.get("id")) if isinstance(part, dict) else None
    return found if found is not None and found.int else None


def _find_id(value: Any, names: set[str], depth: int) -> UUID | None:
    """The ID under one of these names. Ory does not document how the attributes of events are written."""
    if depth and isinstance(value, dict):
        for name, inner in value.items():
            if name.lower().replace("_", "") in names and (found := _parse_id(inner)):
                return found
        return next((found for inner in value.values() if (found := _find_id(inner, names, depth - 1))), None)
    return None


def _parse_id(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
