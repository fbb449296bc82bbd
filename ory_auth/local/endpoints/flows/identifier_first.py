"""The login style `identifier_first`: the login name on the first screen, a choice of methods on the second.

https://www.ory.com/docs/identities/sign-in/identifier-first-authentication
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from ...http.exchange import Exchange
from ...model import nodes
from ...model.flow import Body, Flow
from ...model.messages import message
from .methods.base import LoginMethod, begin_early
from .responses import show_form
from .submission import InvalidSubmission, check_csrf
from .traits import identifier_field

METHOD = GROUP = "identifier_first"


def show_identifier_screen(exchange: Exchange, flow: Flow, methods: Sequence[LoginMethod]) -> None:
    """The first screen: the login name, and methods that work without it."""
    for method in methods:
        method.add_identifier_screen(exchange, flow)
    identifier = identifier_field(exchange.state.config.schema, GROUP)
    identifier["attributes"]["autocomplete"] = "username webauthn"
    flow.nodes += [identifier, nodes.submit_button(GROUP, 1070009)]


def submit_identifier(exchange: Exchange, flow: Flow, body: Body, methods: Sequence[LoginMethod]) -> Response:
    """Show the second screen: the methods of the identity with this login name.

    If the configuration mitigates account enumeration, the screen is the same for every login name.
    """
    check_csrf(exchange, flow, body)
    name = str(body.get("identifier") or "")
    identity = exchange.state.find_identity_by_identifier(name)
    identifier = nodes.find_or_add(flow.nodes, "identifier")
    identifier["attributes"]["value"] = name
    mitigate = exchange.state.config.account_enumeration_mitigate
    offered = [method for method in methods if method.add_credential_screen(exchange, flow, identity)]
    if not offered and not mitigate:
        raise InvalidSubmission(identifier=message(4000037))
    flow.messages = []
    if not (identity and begin_early(exchange, flow, identity, offered)):
        flow.active = METHOD
    flow.nodes = [node for node in flow.nodes if node["attributes"].get("value") != METHOD]
    identifier["attributes"]["type"] = "hidden"
    identifier["messages"] = []
    return show_form(exchange, flow, transient_payload={})
