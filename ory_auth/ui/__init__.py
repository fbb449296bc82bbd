"""Ory's self-service flows as something to render: the ``ui.nodes`` of a flow, sorted into forms.

Follows https://www.ory.com/docs/kratos/concepts/ui-user-interface. No field is known in advance: what Ory asks for is
Ory's to say, and where there is no translation of its words (``words``) they are shown as they are. What cannot be read
is left out and never an error; nothing is marked safe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .forms import DEFAULT_GROUP, Group, sort_into_sections
from .nodes import list_of, mapping_of, read_messages, read_node, text_of
from .page import Button, ErrorPage, FlowPage, Hidden, Script
from .words import explain

__all__ = ["ErrorPage", "FlowPage", "read_error", "read_flow"]

ERROR_ID = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)


def read_flow(flow: Mapping[str, Any], *, submit_url: str, ory_url: str) -> FlowPage:
    """Ory's JSON of a flow as a page.

    ``submit_url`` is where every form goes (never Ory's ``ui.action``); scripts count only where they come from
    ``ory_url``, Ory's public API as the browser reaches it.
    """
    flow = mapping_of(flow)
    ui = mapping_of(flow.get("ui"))
    messages = list(read_messages(ui.get("messages")))
    groups: dict[str, Group] = {}
    scripts: list[Script] = []
    for number, node in enumerate(map(mapping_of, list_of(ui.get("nodes")))):
        name = text_of(node.get("group")) or DEFAULT_GROUP
        value = read_node(node, field_id=f"ory-{number}", ory_url=ory_url)
        if value is None or isinstance(value, Hidden | Button | Script):
            messages.extend(read_messages(node.get("messages")))
        if isinstance(value, Script):
            scripts.append(value)
        elif value is not None:
            groups.setdefault(name, Group(name)).add(value)
    sections = sort_into_sections(list(groups.values()))
    return FlowPage(
        submit_url=submit_url,
        messages=tuple(messages),
        sections=tuple(sorted(sections, key=lambda section: not section.shows_codes)),
        scripts=tuple(scripts),
        state=text_of(flow.get("state")),
        requested_aal=text_of(flow.get("requested_aal")),
        refresh=flow.get("refresh") is True,
    )


def read_error(error: Mapping[str, Any], *, with_texts: bool) -> ErrorPage:
    """Ory's JSON of an error as a page; Ory's own texts are left out unless asked for."""
    id_, code = text_of(error.get("id")), error.get("code")
    return ErrorPage(
        id=id_ if ERROR_ID.fullmatch(id_) else "",
        code=code if type(code) is int and 400 <= code < 600 else 0,
        explanation=explain(id_),
        reason=text_of(error.get("reason")) if with_texts else "",
        message=text_of(error.get("message")) if with_texts else "",
    )
