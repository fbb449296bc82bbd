"""Reads the JSON of Ory's self-service flows as pages: the ``ui.nodes`` of a flow, sorted into forms.

Follows https://www.ory.com/docs/kratos/concepts/ui-user-interface. No field is known in advance, because Ory decides
what it asks for. Texts without a translation (``messages``) are shown as Ory wrote them. A node that cannot be read is
left out, and is never an error. Nothing is marked safe.

``nodes`` reads one node as a value of ``page``; ``forms`` sorts the groups of nodes into forms. ``traits`` keeps what
the profile form cannot carry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext

from .forms import build_sections
from .groups import DEFAULT_GROUP, Group
from .messages import translate_error
from .nodes import list_of, mapping_of, read_messages, read_node
from .page import Button, ErrorPage, Field, FlowPage, Hidden, Message, Script
from .trait_kinds import PREFIX
from .traits import Traits, read_schema_id, read_traits
from .values import text_of, write_exact

__all__ = [
    "ErrorPage",
    "FlowPage",
    "Traits",
    "read_csrf_token",
    "read_error",
    "read_flow",
    "read_schema_id",
    "read_traits",
    "write_exact",
]

PROFILE = "profile"

ERROR_ID = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)


def read_flow(
    flow: Mapping[str, Any], *, submit_url: str, ory_url: str, traits: Traits | None = None, merge_url: str = ""
) -> FlowPage:
    """Ory's JSON of a flow as a page.

    Every form goes to ``submit_url``, never to Ory's ``ui.action``. Scripts are left out unless they come from
    ``ory_url``, Ory's public API as the browser reaches it. ``traits`` are for settings: if plain fields cannot carry
    them to Ory, the profile goes first to ``merge_url``, which is on this site.
    """
    flow = mapping_of(flow)
    ui = mapping_of(flow.get("ui"))
    messages = list(read_messages(ui.get("messages")))
    groups: dict[str, Group] = {}
    scripts: list[Script] = []
    for number, node in enumerate(map(mapping_of, list_of(ui.get("nodes")))):
        name = text_of(node.get("group")) or DEFAULT_GROUP
        value = read_node(node, field_id=f"ory-{number}", ory_url=ory_url, traits=traits)
        if traits and isinstance(value, Field) and value.name.startswith(PREFIX):
            name = PROFILE  # Ory puts fields that it adds for errors into the group that all forms share
        if value is None or isinstance(value, Hidden | Button | Script):
            messages.extend(read_messages(node.get("messages")))
        if isinstance(value, Script):
            scripts.append(value)
        elif value is not None:
            groups.setdefault(name, Group(name)).add(value)
    if traits and PROFILE in groups:
        if traits.can_be_edited:
            _preserve_traits(groups[PROFILE], traits, merge_url)
        else:
            del groups[PROFILE]
            messages.append(Message(0, "info", gettext("Your profile cannot be changed on this page.")))
    sections = build_sections(list(groups.values()))
    return FlowPage(
        submit_url=submit_url,
        messages=tuple(messages),
        sections=tuple(sorted(sections, key=lambda section: not section.shows_codes)),
        scripts=tuple(scripts),
        state=text_of(flow.get("state")),
        requested_aal=text_of(flow.get("requested_aal")),
        refresh=flow.get("refresh") is True,
    )


def _preserve_traits(profile: Group, traits: Traits, merge_url: str) -> None:
    """Make sure that the profile form, if it is sent unchanged, changes no trait."""
    if traits.are_kept_by_form({node.name for node in profile.fields if not node.disabled}):
        profile.nodes = [
            replace(node, needs_script=True) if isinstance(node, Field) and traits.is_missing_list(node.name) else node
            for node in profile.nodes
        ]
    else:
        profile.action = merge_url


def read_csrf_token(flow: Mapping[str, Any]) -> str:
    """Ory's CSRF token, which every form of a flow must send."""
    for node in map(mapping_of, list_of(mapping_of(flow.get("ui")).get("nodes"))):
        attributes = mapping_of(node.get("attributes"))
        if attributes.get("name") == "csrf_token":
            return text_of(attributes.get("value"))
    return ""


def read_error(error: Mapping[str, Any], *, with_texts: bool) -> ErrorPage:
    """Ory's JSON of an error as a page; Ory's own texts are left out unless ``with_texts``."""
    id_, code = text_of(error.get("id")), error.get("code")
    return ErrorPage(
        id=id_ if ERROR_ID.fullmatch(id_) else "",
        code=code if type(code) is int and 400 <= code < 600 else 0,
        explanation=translate_error(id_),
        reason=text_of(error.get("reason")) if with_texts else "",
        message=text_of(error.get("message")) if with_texts else "",
    )
