"""A flow as JSON, for single-page apps: the same values that the templates get, in the language of the request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from .ui.page import Button, Codes, Field, FlowPage, Section

# Properties that the JSON has beside the fields of these classes.
DERIVED: Mapping[type, tuple[str, ...]] = {
    FlowPage: (
        *("step_up", "has_second_factor", "code_sent", "chooses_method", "account_exists"),
        *("has_errors", "focus"),
    ),
    Section: ("title", "intro", "empty_text", "is_main", "goes_back"),
    Field: ("is_multiline", "is_code", "reveal", "invalid"),
    Button: ("sends_fields",),
    Codes: ("unused",),
}


def flow_as_json(page: FlowPage, flow_id: str, return_to: str) -> dict[str, Any]:
    """The page as JSON. Each form has the ``action`` that it goes to."""
    flow: dict[str, Any] = {"id": flow_id, "return_to": return_to, **as_json(page)}
    for section in flow["sections"]:
        for form in section["forms"]:
            form["goes_to_site"] = bool(form["action"])
            form["action"] = form["action"] or page.submit_url
    return flow


def as_json(value: Any) -> Any:
    """A value of :mod:`ory_auth.pages.ui.page` with all that it contains."""
    match value:
        case datetime():
            return value.isoformat()
        case tuple():
            return [as_json(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {name: as_json(getattr(value, name)) for name in names_of(type(value))}
        case _:
            return value


def names_of(cls: type) -> list[str]:
    """The keys of the JSON of this class. Nodes have a ``kind``, which tells them apart."""
    own = [field.name for field in fields(cls)]
    derived = [name for base, names in DERIVED.items() if issubclass(cls, base) for name in names]
    kind = ["kind"] if hasattr(cls, "kind") and "kind" not in own else []
    return [*kind, *own, *derived]
