"""The profile: the traits of an identity. In registration with two screens, it is the first one."""

from __future__ import annotations

from copy import deepcopy

from ....http.exchange import Exchange
from ....model import nodes
from ....model.clock import truncate_to_microseconds
from ....model.config import Config
from ....model.flow import Body, Flow
from ....model.identity import Identity
from ....model.identity_schema import fill_missing_containers, trait_errors
from ....model.messages import message
from ....model.nodes import Node
from ....model.session import Session
from ....model.trait_forms import fill_form, trait_nodes
from ..privileged_session import require_privileged_session
from ..submission import InvalidSubmission, check_csrf, submitted_traits
from .base import SettingsMethod


class ProfileSettings(SettingsMethod):
    name = "profile"

    def is_enabled(self, config: Config) -> bool:
        return config.profile_enabled

    def form_nodes(self, exchange: Exchange, flow: Flow, identity: Identity) -> list[Node]:
        profile = trait_nodes("profile", exchange.state.config.schema, identity.traits)
        return [*profile, nodes.submit_button("profile", 1070003)]

    def change(self, exchange: Exchange, flow: Flow, session: Session, body: Body) -> bool:
        """Replace all traits. A change of a login name or an address needs a privileged session.

        As in Kratos, an invalid form keeps the messages of the flow, even "your changes have been saved".
        """
        schema = exchange.state.config.schema
        traits = fill_missing_containers(schema, submitted_traits(body))
        if errors := trait_errors(schema, traits):
            _remove_trait_values(flow)
            fill_form(flow.nodes, "profile", traits)
            raise InvalidSubmission(*flow.messages, **errors)
        check_csrf(exchange, flow, body)
        changed = deepcopy(session.identity)
        changed.traits = traits
        changed.update_from_traits(schema, exchange.state.clock.now())
        if _contact_points(changed) != _contact_points(session.identity):
            require_privileged_session(exchange, flow, session, body)
        if exchange.state.has_conflict(changed):
            raise InvalidSubmission(message(4000007))
        changed.state_changed_at = None  # as in Kratos
        changed.updated_at = truncate_to_microseconds(exchange.state.clock.now())
        exchange.state.save(changed)
        return True


def _contact_points(identity: Identity) -> list[list[str]]:
    """The login names and addresses: the traits that decide who can sign in and recover the account."""
    return [
        identity.identifiers,
        [address.value for address in identity.verifiable_addresses],
        [address.value for address in identity.recovery_addresses],
    ]


def _remove_trait_values(flow: Flow) -> None:
    for node in flow.nodes:
        if node["attributes"].get("name", "").startswith("traits."):
            node["attributes"].pop("value", None)
