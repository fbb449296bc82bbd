"""What a project's ``BLOCKING_HOOK`` gets and returns, and Ory's format of the answer.

https://www.ory.com/docs/guides/integrate-with-ory-cloud-through-webhooks#webhook-response-handling
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from .calls import read_id

DEFAULT_CODE = 9000001  # Ory's own messages have seven digits, too, and begin with 1, 4 or 5
CHANGEABLE = frozenset({"registration", "settings"})  # Ory saves changes in these flows only
DECIDABLE = CHANGEABLE | {"login"}  # in the others, Ory has done its work before it asks
MAX_TEXT = 1000  # characters


@dataclass(frozen=True, slots=True)
class BlockingHook:
    """What Ory is about to save: a registration, a change in the settings, or a sign-in.

    ``flow`` is ``"registration"``, ``"settings"`` or ``"login"``, and ``method`` how it is done (``"password"``,
    ``"profile"``, ``"oidc"``, …), if Ory says so. ``flow_type`` is ``"browser"`` or ``"api"``. ``identity_id`` is
    ``None`` in a registration, and ``session_id`` in a sign-in, because they do not exist yet. ``traits`` are those
    that will be saved. ``transient_payload`` is what your form has sent under that name.
    """

    flow: str
    method: str
    flow_id: UUID | None
    flow_type: str
    identity_id: UUID | None
    session_id: UUID | None
    schema_id: str
    traits: Mapping[str, Any] = field(repr=False)
    metadata_public: Any = field(repr=False)
    transient_payload: Mapping[str, Any] = field(repr=False)
    fields: frozenset[str] = frozenset()  # the names in Ory's form; empty if not known


@dataclass(frozen=True, slots=True)
class Refusal:
    """Stop the flow, and show a text. See :func:`refuse`."""

    text: str
    field: str = ""
    code: int = DEFAULT_CODE


@dataclass(frozen=True, slots=True)
class Changes:
    """Save other values than those that the person has sent. See :func:`change_traits` and :func:`change_identity`."""

    traits: Mapping[str, Any] | None = field(default=None, repr=False)
    metadata_public: Any = field(default=None, repr=False)
    metadata_admin: Any = field(default=None, repr=False)
    external_id: str | None = None


Decision: TypeAlias = Refusal | Sequence[Refusal] | Changes | None


def refuse(text: str, *, field: str = "", code: int = DEFAULT_CODE) -> Refusal:
    """Refuse, with a text for the person, beside a field of the form (``"traits.email"``) or above the form.

    ``code`` is the number of the message, by which a page can choose its own text. Return a list of refusals to show
    several texts.
    """
    return Refusal(str(text), field, code)


def change_traits(traits: Mapping[str, Any]) -> Changes:
    """Save these traits, and the others as they are. A trait that is an object or a list is replaced as a whole."""
    return Changes(traits=traits)


def change_identity(
    *,
    traits: Mapping[str, Any] | None = None,
    metadata_public: Any = None,
    metadata_admin: Any = None,
    external_id: str | None = None,
) -> Changes:
    """:func:`change_traits`, and also replace the metadata or the external ID. ``None`` leaves a value as it is."""
    return Changes(traits, metadata_public, metadata_admin, external_id)


def read_hook(body: Mapping[str, Any], flow: str) -> BlockingHook:
    """The value for the project from the body of a hook; see ``ory_auth/webhooks/jsonnet.py``."""
    details, identity = _object(body.get("flow")), _object(body.get("identity"))
    fields = body.get("fields")
    return BlockingHook(
        flow=flow,
        method=str(details.get("active") or ""),
        flow_id=read_id(body, "flow"),
        flow_type=str(details.get("type") or ""),
        identity_id=read_id(body, "identity"),
        session_id=read_id(body, "session"),
        schema_id=str(identity.get("schema_id") or ""),
        traits=_object(identity.get("traits")),
        metadata_public=identity.get("metadata_public"),
        transient_payload=_object(body.get("transient_payload")),
        fields=frozenset(name for name in fields if isinstance(name, str)) if isinstance(fields, list) else frozenset(),
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def render_answer(decision: Decision, hook: BlockingHook) -> tuple[int, dict[str, Any]]:
    """Ory's status and JSON for a decision. Raises ``TypeError`` or ``ValueError`` for what Ory would not accept."""
    if decision is None:
        return 200, {}
    if isinstance(decision, Changes):
        return 200, {"identity": _render_changes(decision, hook)}
    refusals = [decision] if isinstance(decision, Refusal) else decision
    if not isinstance(refusals, (list, tuple)) or not all(isinstance(one, Refusal) for one in refusals):
        raise TypeError("must return None, refuse(), change_traits(), change_identity(), or a list of refuse()")
    return (400, {"messages": [_render_refusal(refusal, hook) for refusal in refusals]}) if refusals else (200, {})


def _render_changes(changes: Changes, hook: BlockingHook) -> dict[str, Any]:
    if hook.flow not in CHANGEABLE:
        raise ValueError(f"changed an identity in a {hook.flow} flow, which Ory does not save")
    values = {
        "traits": None if changes.traits is None else {**hook.traits, **changes.traits},
        "metadata_public": changes.metadata_public,
        "metadata_admin": changes.metadata_admin,
        "external_id": changes.external_id,
    }
    return {name: value for name, value in values.items() if value is not None}


def _render_refusal(refusal: Refusal, hook: BlockingHook) -> dict[str, Any]:
    if isinstance(refusal.code, bool) or not isinstance(refusal.code, int):
        raise TypeError("refused with a code that is not a whole number")
    message = {"id": refusal.code, "text": str(refusal.text)[:MAX_TEXT], "type": "error", "context": {}}
    return {"instance_ptr": _pointer(refusal.field, hook), "messages": [message]}


def _pointer(name: str, hook: BlockingHook) -> str:
    """The JSON pointer to a field of the form. For an unknown field, Ory would add a part that no page can show."""
    if not name or (hook.fields and name not in hook.fields):
        return "#/"
    return "#/" + "/".join(name.split("."))
