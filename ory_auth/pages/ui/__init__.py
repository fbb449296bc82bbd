"""Reads the JSON of Ory's self-service flows as pages: the ``ui.nodes`` of a flow, sorted into forms.

Follows https://www.ory.com/docs/kratos/concepts/ui-user-interface. No field is known in advance, because Ory decides
what it asks for. Texts without a translation (``messages``) are shown as Ory wrote them. A node that cannot be read is
left out, and is never an error. Only ``attributes`` marks text as safe, which it has escaped.

``nodes`` reads one node as a value of ``page``; ``forms`` sorts the groups of nodes into forms. ``traits`` keeps what
the profile form cannot carry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext

from ...types import Identity
from . import facts
from .errors import read_error, read_oauth2_error
from .facts import read_start_query
from .forms import build_sections
from .groups import DEFAULT_GROUP, Group
from .messages import Place, read_provider_names
from .nodes import NodeReader, read_messages
from .page import SENT_STATES, Account, Button, Credential, ErrorPage, Field, FlowPage, Hidden, Links, Message, SentTo
from .trait_kinds import PREFIX
from .traits import Traits, read_schema_id, read_traits
from .values import label_of, list_of, mapping_of, text_of, write_exact

__all__ = [
    "SENT_STATES",
    "ErrorPage",
    "FlowPage",
    "Links",
    "Traits",
    "has_error",
    "names_account",
    "read_csrf_token",
    "read_error",
    "read_flow",
    "read_oauth2_error",
    "read_schema_id",
    "read_start_query",
    "read_traits",
    "write_exact",
]

PROFILE = "profile"
# Ory adds to the messages of these flows, so that an old one would contradict the last one.
KINDS_WITH_OLD_MESSAGES = frozenset({"settings", "recovery", "verification"})
# The headings of these pages say the same: sign in again, the second step, choose how to sign in.
REPEATS_OF_HEADING = frozenset({1010003, 1010004, 1040009})
KEY_ASKED_FOR, NO_SUCH_KEY = 1010012, 4000015
MAX_PREFILLED = 320  # the longest e-mail address


def read_flow(
    flow: Mapping[str, Any],
    *,
    submit_url: str,
    ory_url: str,
    kind: str = "",
    traits: Traits | None = None,
    merge_url: str = "",
    links: Links = Links(),  # noqa: B008  (immutable)
    identity: Identity | None = None,
) -> FlowPage:
    """Ory's JSON of a flow as a page.

    Every form goes to ``submit_url``, never to Ory's ``ui.action``. Images come from ``ory_url``, Ory's public API as
    the browser reaches it, or from nowhere. ``kind`` is Ory's name of the flow. ``traits`` are for settings: if plain
    fields cannot carry them to Ory, the profile goes first to ``merge_url``, which is on this site. ``identity`` is
    the person who is signed in, if that is known.
    """
    flow = mapping_of(flow)
    ui = mapping_of(flow.get("ui"))
    nodes = facts.read_nodes(flow)
    sent_to = facts.find_sent_to(flow, nodes)
    place = Place(
        flow=kind,
        step_up=text_of(flow.get("requested_aal")) == "aal2",
        group=text_of(flow.get("active")),
        sent_to=sent_to.address if sent_to else "",
        providers=read_provider_names(nodes),
    )
    reader = NodeReader(ory_url, place, traits)
    messages = list(read_messages(ui.get("messages"), place))
    if kind in KINDS_WITH_OLD_MESSAGES:
        messages = messages[-1:]
    groups: dict[str, Group] = {}
    for number, node in enumerate(nodes):
        name = text_of(node.get("group")) or DEFAULT_GROUP
        value = reader.read(node, field_id=f"ory-{number}")
        if traits and isinstance(value, Field) and value.name.startswith(PREFIX):
            name = PROFILE  # Ory puts fields that it adds for errors into the group that all forms share
        if value is None or isinstance(value, Hidden | Button | Credential):
            messages.extend(reader.read_messages(node))
        if isinstance(value, Field):
            value = _fill_in(value, node, flow, kind, identity)
        if value is not None and not (name == facts.CAPTCHA_GROUP and not isinstance(value, Hidden)):
            groups.setdefault(name, Group(name)).add(value)
    if traits and PROFILE in groups:
        if traits.can_be_edited:
            _preserve_traits(groups[PROFILE], traits, merge_url)
        else:
            del groups[PROFILE]
            messages.append(Message(0, "info", gettext("Your profile cannot be changed on this page.")))
    account = _find_account(flow, nodes, kind, links, identity, sent_to)
    linking = facts.find_linking(flow, nodes) if kind == "login" else None
    if kind == "login":
        fields = [field for group in groups.values() for field in group.fields]
        links = replace(
            links,
            registration="" if linking or account or sent_to else links.registration,  # the person has an account
            recovery=links.recovery if any(field.type == "password" for field in fields) else "",
        )
    sets_password = kind == "settings" and "password" in groups and facts.is_after_recovery(flow)
    return FlowPage(
        submit_url=submit_url,
        kind=kind,
        messages=tuple(_without_outdated(dict.fromkeys(messages))),
        sections=tuple(build_sections(list(groups.values()), kind=kind, sets_password=sets_password)),
        state=text_of(flow.get("state")),
        active=text_of(flow.get("active")),
        requested_aal=text_of(flow.get("requested_aal")),
        refresh=flow.get("refresh") is True,
        account=account,
        sent_to=sent_to,
        linking=linking,
        captcha=facts.find_captcha(nodes),
        needs_keys=any(_needs_keys(group) for group in groups.values()),
        oauth2_client=facts.find_oauth2_client(flow),
        organization=text_of(flow.get("organization_id")),
        sets_password=sets_password,
        completes_social=kind == "registration" and facts.is_completing_social(nodes),
        links=links,
    )


def _without_outdated(messages: Iterable[Message]) -> list[Message]:
    """The messages that are new. Ory keeps the error about a security key after another address is entered."""
    messages = [message for message in messages if message.id not in REPEATS_OF_HEADING]
    key_is_asked_for = any(message.id == KEY_ASKED_FOR for message in messages)
    return [message for message in messages if not (key_is_asked_for and message.id == NO_SUCH_KEY)]


def _find_account(
    flow: Mapping[str, Any],
    nodes: facts.Nodes,
    kind: str,
    links: Links,
    identity: Identity | None,
    sent_to: SentTo | None,
) -> Account | None:
    """Who the page is about, unless the person can still enter that."""
    if kind == "settings" or (kind == "recovery" and text_of(flow.get("state")) in SENT_STATES):
        return None  # a recovery may go to an address that is not the name of the account
    signed_in = flow.get("refresh") is True or flow.get("requested_aal") == "aal2"
    name = facts.find_account_name(nodes)
    if signed_in and sent_to and sent_to.channel == "phone":
        name = ""  # the number to which the code went, which need not be the name of the account
    if signed_in and identity:
        name = facts.name_of(identity) or name
    return Account(label_of(name), links.other_account, signed_in=signed_in) if name or signed_in else None


def _fill_in(
    field: Field, node: Mapping[str, Any], flow: Mapping[str, Any], kind: str, identity: Identity | None
) -> Field | Hidden:
    """The field with a value that is known, but that Ory leaves empty.

    People who sign in again see whose account it is, so a field for that is hidden, unless several traits identify a
    person: then only they know which one belongs to their password.
    """
    if field.value or field.messages or field.disabled:
        return field
    value = ""
    if field.name == "identifier" and kind == "login":
        if flow.get("refresh") is True and identity:
            context = mapping_of(mapping_of(mapping_of(node.get("meta")).get("label")).get("context"))
            identifier = facts.find_identifier(identity, text_of(context.get("name")))
            if identifier:
                return Hidden(field.name, identifier)
            value = facts.name_of(identity)
        value = value or facts.find_login_hint(flow)
    elif field.name == "traits.email" and kind == "registration":
        value = facts.find_login_hint(flow)
    return replace(field, value=value, has_value=True) if value and len(value) <= MAX_PREFILLED else field


def _needs_keys(group: Group) -> bool:
    return any(button.trigger for button in group.buttons) or any(node.onload for node in group.hidden)


def _preserve_traits(profile: Group, traits: Traits, merge_url: str) -> None:
    """Make sure that the profile form, if it is sent unchanged, changes no trait."""
    if traits.are_kept_by_form({node.name for node in profile.fields if not node.disabled}):
        profile.nodes = [
            replace(node, needs_script=True) if isinstance(node, Field) and traits.is_missing_list(node.name) else node
            for node in profile.nodes
        ]
    else:
        profile.action = merge_url


def names_account(flow: Mapping[str, Any]) -> bool:
    """Whether the JSON of a flow says whose account it is about."""
    return bool(facts.find_account_name(facts.read_nodes(flow)))


def has_error(flow: Mapping[str, Any]) -> bool:
    """Whether the JSON of a flow has an error that is about the whole flow."""
    messages = map(mapping_of, list_of(mapping_of(flow.get("ui")).get("messages")))
    return any(message.get("type") == "error" for message in messages)


def read_csrf_token(flow: Mapping[str, Any]) -> str:
    """Ory's CSRF token, which every form of a flow must send."""
    for node in facts.read_nodes(flow):
        attributes = mapping_of(node.get("attributes"))
        if attributes.get("name") == "csrf_token":
            return text_of(attributes.get("value"))
    return ""
