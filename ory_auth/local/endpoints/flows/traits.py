"""Traits in login and registration: the field for the login name, and the identity that a form describes."""

from __future__ import annotations

from typing import Any

from ...http.exchange import Exchange
from ...model import nodes
from ...model.clock import truncate_to_microseconds
from ...model.flow import Body
from ...model.identity import Identity
from ...model.identity_schema import Schema, fill_missing_containers, identifier_trait, trait_errors
from ...model.messages import Message, message
from ...model.nodes import Node
from .submission import InvalidSubmission, submitted_traits


def identifier_field(schema: Schema, group: str = "default") -> Node:
    """The input for the login name. Its label is that of the trait, if exactly one trait is a login name."""
    trait = identifier_trait(schema)
    label = message(1070002, name=trait[0], title=trait[1]) if trait else message(1070004)
    return nodes.input_field(group, "identifier", "text", label, value="", required=True)


def check_traits(exchange: Exchange, body: Body, **more_errors: list[Message]) -> dict[str, Any]:
    """The submitted traits. Raises `InvalidSubmission` if they are invalid, or if there are more errors."""
    traits = submitted_traits(body)
    errors = {**trait_errors(exchange.state.config.schema, traits), **more_errors}
    if errors:
        raise InvalidSubmission(**errors)
    return traits


def new_identity(exchange: Exchange, traits: dict[str, Any]) -> Identity:
    """An identity with these traits, not saved yet."""
    now, config = exchange.state.clock.now(), exchange.state.config
    created = truncate_to_microseconds(now)
    identity = Identity(config.schema_id, fill_missing_containers(config.schema, traits), created, created, now)
    identity.update_from_traits(config.schema, now)
    return identity
