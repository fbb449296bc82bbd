"""What a flow says about itself: who is meant, where a code went, which application asks.

Ory has no fields for most of this. It is read from the nodes, so that it is also known after an error, when Ory no
longer sends the message that named it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ...types import Identity
from .buttons import RESEND_LABEL
from .groups import DEFAULT_GROUP
from .page import SENT_STATES, Captcha, Linking, SentTo
from .trait_kinds import PREFIX
from .values import label_of, list_of, mapping_of, text_of

CONTINUE_WITH_PROVIDER = 1040003  # the label of the button
RECOVERED_MESSAGE = 1060001
RECOVERY_PATH = "/self-service/recovery"
LINK_MESSAGE = 1010016
IDENTIFIER_FIRST = "identifier_first"
CAPTCHA_GROUP = "captcha"
CAPTCHA_OPTIONS = "captcha_turnstile_options"
CAPTCHA_FIELD = "transient_payload.captcha_turnstile_response"
# Hidden fields and buttons whose value is the account or the address.
ACCOUNT_NAMES = ("identifier", "recovery_confirm_address", "recovery_address", "email")

Nodes = Sequence[Mapping[str, Any]]


def read_nodes(flow: Mapping[str, Any]) -> Nodes:
    """The nodes of Ory's JSON of a flow."""
    nodes = [mapping_of(node) for node in list_of(mapping_of(flow.get("ui")).get("nodes"))]
    return _merge_first_screen(nodes) if _has_both_screens(nodes) else nodes


def _has_both_screens(nodes: Nodes) -> bool:
    """Whether the field for the identifier and what follows it are on one screen.

    Ory sends that for an unknown account, if it mitigates account enumeration.
    """
    submits = {node.get("group") for node in nodes if mapping_of(node.get("attributes")).get("name") == "method"}
    return IDENTIFIER_FIRST in submits and bool(submits & {"password", "code"})


def _merge_first_screen(nodes: Nodes) -> Nodes:
    """Let the identifier go with every method: as a known value, or as a field that all forms share."""
    merged = []
    for node in nodes:
        attributes = mapping_of(node.get("attributes"))
        if node.get("group") != IDENTIFIER_FIRST:
            merged.append(node)
        elif attributes.get("name") == "identifier":
            input_type = "hidden" if text_of(attributes.get("value")) else attributes.get("type")
            merged.append({**node, "group": DEFAULT_GROUP, "attributes": {**attributes, "type": input_type}})
    return merged


def find_account_name(nodes: Nodes) -> str:
    """The address or user name that an earlier screen asked for; empty if there was none."""
    values = {name: value for name, value in reversed(list(_fixed_values(nodes))) if value}
    for name in ACCOUNT_NAMES:
        if name in values:
            return values[name]
    addresses = [value for name, value in values.items() if name.startswith(PREFIX) and _is_email(value)]
    return addresses[0] if len(addresses) == 1 else values.get("traits.email") or values.get("traits.username", "")


def find_sent_to(flow: Mapping[str, Any], nodes: Nodes) -> SentTo | None:
    """The address to which Ory has sent a code, as far as it is known."""
    if text_of(flow.get("state")) not in SENT_STATES:
        return None
    masked = [
        text_of(mapping_of(mapping_of(message).get("context")).get("masked_address"))
        for message in list_of(mapping_of(flow.get("ui")).get("messages"))
    ]
    address = next(filter(None, masked), "") or find_account_name(nodes)
    return SentTo(label_of(address), "email" if _is_email(address) else "phone") if address else None


def _fixed_values(nodes: Nodes) -> Iterator[tuple[str, str]]:
    """The hidden fields, and the buttons that send a code again to the same address."""
    for node in nodes:
        attributes = mapping_of(node.get("attributes"))
        name, value = text_of(attributes.get("name")), text_of(attributes.get("value"))
        is_resend = mapping_of(mapping_of(node.get("meta")).get("label")).get("id") == RESEND_LABEL
        if attributes.get("type") == "hidden" or (is_resend and name in ACCOUNT_NAMES):
            yield name, value


def find_linking(flow: Mapping[str, Any], nodes: Nodes) -> Linking | None:
    """Which account is being linked, if that is why the person has to sign in.

    The message with the provider's name is gone after an error, but the flow stays active for a provider, and knows the
    account.
    """
    for entry in list_of(mapping_of(flow.get("ui")).get("messages")):
        message = mapping_of(entry)
        context = mapping_of(message.get("context"))
        if message.get("id") == LINK_MESSAGE:
            return Linking(label_of(context.get("provider")), label_of(context.get("duplicate_identifier")))
    identifier = dict(_fixed_values(nodes)).get("identifier", "")
    is_linking = flow.get("active") in ("oidc", "saml") and flow.get("refresh") is not True and identifier
    return Linking("", label_of(identifier)) if is_linking else None


def is_after_recovery(flow: Mapping[str, Any]) -> bool:
    """Whether these settings follow a recovery, and nothing was saved yet.

    After an error, Ory's message is gone. But Ory keeps the URL at which the recovery ended.
    """
    if flow.get("state") == "success":
        return False
    messages = map(mapping_of, list_of(mapping_of(flow.get("ui")).get("messages")))
    try:
        path = urlsplit(text_of(flow.get("request_url"))).path
    except ValueError:
        path = ""
    return path.endswith(RECOVERY_PATH) or any(message.get("id") == RECOVERED_MESSAGE for message in messages)


def is_completing_social(nodes: Nodes) -> bool:
    """Whether a registration was at a social provider, and Ory goes on with that provider only."""
    labels = (mapping_of(mapping_of(node.get("meta")).get("label")) for node in nodes)
    return any(label.get("id") == CONTINUE_WITH_PROVIDER for label in labels)


def find_captcha(nodes: Nodes) -> Captcha | None:
    """The captcha of Ory Network. Follows its own component in github.com/ory/elements."""
    for node in nodes:
        attributes = mapping_of(node.get("attributes"))
        if node.get("group") != CAPTCHA_GROUP or attributes.get("name") != CAPTCHA_OPTIONS:
            continue
        try:
            options = mapping_of(json.loads(text_of(attributes.get("value"))))
        except (ValueError, RecursionError):
            continue
        sitekey, field = text_of(options.get("sitekey")), text_of(options.get("response_field_name")) or CAPTCHA_FIELD
        if sitekey:
            return Captcha(sitekey, text_of(options.get("action")), text_of(options.get("theme")) or "auto", field)
    return None


def find_oauth2_client(flow: Mapping[str, Any]) -> str:
    """The name of the application that asks a person to sign in; empty if none does, or it has no name."""
    client = mapping_of(mapping_of(flow.get("oauth2_login_request")).get("client"))
    return label_of(client.get("client_name"))


def find_login_hint(flow: Mapping[str, Any]) -> str:
    """The address with which the flow was started, or which the OAuth2 client suggests. Ory itself ignores it."""
    oidc_context = mapping_of(mapping_of(flow.get("oauth2_login_request")).get("oidc_context"))
    return read_start_query(flow).get("login_hint", "") or text_of(oidc_context.get("login_hint"))


def read_start_query(flow: Mapping[str, Any]) -> dict[str, str]:
    """The query of the URL at Ory that started the flow."""
    try:
        return dict(parse_qsl(urlsplit(text_of(flow.get("request_url"))).query))
    except ValueError:
        return {}


def name_of(identity: Identity) -> str:
    """How the person knows their account: an address or user name among its traits; empty if there is none."""
    for address in identity.verifiable_addresses:
        if text_of(address.get("value")):
            return text_of(address["value"])
    return text_of(identity.traits.get("email")) or text_of(identity.traits.get("username"))


def find_identifier(identity: Identity, trait: str) -> str:
    """The value of the trait (``traits.email``) that the label of a field names; empty if it is no text."""
    value: object = {"traits": identity.traits}
    for part in trait.split("."):
        value = mapping_of(value).get(part)
    return text_of(value)


def _is_email(value: str) -> bool:
    return "@" in value
