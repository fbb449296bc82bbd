"""One-time codes, sent to an e-mail address or a phone: a first factor or a second one, and a way to sign up.

https://www.ory.com/docs/kratos/passwordless/one-time-code
"""

from __future__ import annotations

from starlette.responses import Response

from ....http.exchange import Exchange
from ....model import nodes
from ....model.challenge import AlreadyUsed, Challenge, Challenges, TooManyTries
from ....model.config import Config
from ....model.errors import OryError
from ....model.factors import first_factors, second_factors
from ....model.flow import Body, Flow
from ....model.identity import Identity, channel_of
from ....model.identity_schema import flatten_traits
from ....model.mailbox import new_code
from ....model.messages import message
from ....model.nodes import Node
from ....model.session import AuthenticationMethod
from ..responses import show_form
from ..submission import InvalidSubmission, check_csrf, submitted_traits
from ..traits import check_traits, identifier_field, new_identity
from .base import LoginMethod, RegistrationMethod, SignedIn, SignedUp


def _send_code(exchange: Exchange, flow: Flow, identity: Identity, addresses: list[str]) -> None:
    """Send one code to these addresses. An earlier code of this flow becomes invalid."""
    code = new_code()
    for address in addresses:
        template = f"{flow.kind}_code_valid"
        exchange.state.mailbox.send(template, address, code=code, channel=channel_of(address))
    flow.challenges = Challenges([Challenge(code, identity, address) for address in addresses])
    flow.state, flow.active = "sent_email", "code"


def _check_code(exchange: Exchange, flow: Flow, body: Body, error: int) -> Challenge:
    """The identity and the address to which the submitted code was sent. `error` is the message for a wrong code."""
    try:
        challenge = flow.challenges.use_code(str(body["code"]), exchange.state.config.code_max_submissions)
    except TooManyTries:
        raise OryError(400, reason="this code was tried too often; please request another one") from None
    except AlreadyUsed:
        challenge = None
    if challenge is None:
        raise InvalidSubmission(message(error))
    return challenge


def _code_nodes(label: int) -> list[Node]:
    """The form for a code that was sent. The hidden `method` belongs to the button that sends another code."""
    return [
        nodes.input_field("code", "method", "hidden", value="code"),
        nodes.input_field("code", "code", "text", message(label), required=True),
        nodes.submit_button("code", 1070009),
        nodes.submit_button("code", 1070008, name="resend"),
    ]


# ---- login


class CodeLogin(LoginMethod):
    name = "code"

    def is_enabled(self, config: Config) -> bool:
        return config.code_passwordless_enabled or config.code_mfa_enabled

    def aal(self, config: Config) -> str:
        return "aal1" if config.code_passwordless_enabled else "aal2"

    def is_submitted(self, flow: Flow, body: Body) -> bool:
        """The buttons of the second step have an address and no `method`."""
        return super().is_submitted(flow, body) or bool(body.get("address") and not body.get("method"))

    def add_first_factor(self, exchange: Exchange, flow: Flow) -> None:
        nodes.replace_or_add(flow.nodes, identifier_field(exchange.state.config.schema))
        flow.nodes.append(nodes.submit_button("code", 1010015))

    def add_refresh(self, exchange: Exchange, flow: Flow, identity: Identity) -> None:
        """As in Kratos, the login name is an empty input, although it is known."""
        self.add_first_factor(exchange, flow)

    def add_second_factor(self, exchange: Exchange, flow: Flow, identity: Identity) -> None:
        for address in _second_factor_addresses(exchange, identity):
            label = message(1010023, address=address, channel=channel_of(address))
            flow.nodes.append(nodes.input_field("code", "address", "submit", label, value=address))

    def add_credential_screen(self, exchange: Exchange, flow: Flow, identity: Identity | None) -> bool:
        """As in Kratos, this betrays that a login name is unknown, even if the configuration mitigates enumeration."""
        mitigate = exchange.state.config.account_enumeration_mitigate
        if identity is None and not mitigate:
            return False
        flow.nodes.append(nodes.submit_button("code", 1010015))
        if identity is None:
            raise InvalidSubmission(message(4000035))
        return True

    def begin_early(self, exchange: Exchange, flow: Flow, identity: Identity) -> bool:
        """Send a code to the only address of the second step, or of an identity that has no other method."""
        config = exchange.state.config
        if flow.extra["requested_aal"] == "aal2":
            addresses, methods = _second_factor_addresses(exchange, identity), second_factors(identity, config)
        elif config.account_enumeration_mitigate:
            return False  # it would show which methods the identity has
        else:
            addresses, methods = identity.code_addresses, first_factors(identity, config)
        if len(addresses) != 1 or methods != ["code"]:
            return False
        _send_login_code(exchange, flow, identity, addresses[0])
        return True

    def sign_in(self, exchange: Exchange, flow: Flow, body: Body) -> SignedIn | Response:
        identifier = str(body.get("address") or body.get("identifier") or "")
        try:
            check_csrf(exchange, flow, body)
            if body.get("resend") == "code":
                flow.state = "choose_method"
            if flow.state == "choose_method":
                _send_login_code(exchange, flow, _find_identity(exchange, flow, identifier), identifier.lower())
                return show_form(exchange, flow, transient_payload={})
            if flow.state != "sent_email":
                raise InvalidSubmission(message(4010002))
            return self._check_login_code(exchange, flow, body, identifier)
        except (InvalidSubmission, OryError):
            if flow.state == "sent_email":
                nodes.replace_or_add(flow.nodes, nodes.input_field("default", "identifier", "hidden", value=identifier))
            elif any(node["attributes"].get("name") == "identifier" for node in flow.nodes):
                nodes.find_or_add(flow.nodes, "identifier")["attributes"]["value"] = identifier
            raise

    def _check_login_code(self, exchange: Exchange, flow: Flow, body: Body, identifier: str) -> SignedIn:
        if not body.get("code"):
            raise InvalidSubmission(code=message(4000002, property="code"))
        is_second_factor = flow.extra["requested_aal"] == "aal2"
        if is_second_factor and exchange.session:
            identity = exchange.session.identity
        else:
            identity = _find_identity(exchange, flow, identifier)
        challenge, now = _check_code(exchange, flow, body, 4010008), exchange.state.clock.now()
        if challenge.identity is not identity:
            raise InvalidSubmission(message(4010008))
        identity.verify_address(challenge.address, now)
        flow.state = "passed_challenge"
        return SignedIn(identity, AuthenticationMethod("code", now, flow.extra["requested_aal"]))


def _second_factor_addresses(exchange: Exchange, identity: Identity) -> list[str]:
    """The addresses for a code as the second factor. The parameter `via` names one trait."""
    addresses, via = identity.code_addresses, exchange.query.get("via", "")
    if not via:
        return sorted(addresses)
    address = str(dict(flatten_traits(identity.traits)).get(f"traits.{via}", "")).lower()
    if address not in addresses:
        raise OryError(400, reason=f"the trait {via!r} has no address for codes")
    return [address]


def _find_identity(exchange: Exchange, flow: Flow, identifier: str) -> Identity:
    if not identifier:
        raise InvalidSubmission(identifier=message(4000002, property="identifier"))
    identity = exchange.state.find_identity_by_identifier(identifier)
    if identity is None:
        raise InvalidSubmission(message(4000035))
    if flow.extra["requested_aal"] == "aal2" and exchange.session and exchange.session.identity is not identity:
        raise InvalidSubmission(message(4000035))
    return identity


def _send_login_code(exchange: Exchange, flow: Flow, identity: Identity, identifier: str) -> None:
    """Send a code to this address, or to all addresses of the identity if the identifier is not one of them."""
    addresses = [identifier] if identifier in identity.code_addresses else identity.code_addresses
    _send_code(exchange, flow, identity, addresses or [identifier])
    identifiers = [node for node in flow.nodes if node["attributes"].get("name") in ("identifier", "address")]
    for node in identifiers:
        node["attributes"].update(name="identifier", type="hidden")
    if identifiers:
        identifiers[0]["attributes"]["value"] = identifier
    flow.nodes = [*identifiers, *_code_nodes(1070013), nodes.find_or_add(flow.nodes, "csrf_token")]
    flow.messages = [message(1010014)]


# ---- registration


class CodeRegistration(RegistrationMethod):
    name = "code"

    def is_enabled(self, config: Config) -> bool:
        return config.code_passwordless_enabled

    def add_credential_screen(self, exchange: Exchange, flow: Flow) -> None:
        flow.nodes.append(nodes.submit_button("code", 1040006))

    def sign_up(self, exchange: Exchange, flow: Flow, body: Body) -> SignedUp | Response:
        traits = check_traits(exchange, body)
        check_csrf(exchange, flow, body)
        identity = new_identity(exchange, traits)
        if body.get("resend") == "code":
            flow.state = "choose_method"
        if flow.state == "choose_method":
            _send_code(exchange, flow, identity, identity.code_addresses)
            _show_registration_code_screen(exchange, flow, body)
            return show_form(exchange, flow, transient_payload={})
        if flow.state != "sent_email":
            raise InvalidSubmission(message(4010003))
        return self._check_registration_code(exchange, flow, body, identity)

    def _check_registration_code(self, exchange: Exchange, flow: Flow, body: Body, identity: Identity) -> SignedUp:
        if not body.get("code"):
            raise InvalidSubmission(code=message(4000002, property="code"))
        if _has_other_traits(flow, body):
            raise InvalidSubmission(message(4000036))
        challenge, now = _check_code(exchange, flow, body, 4040003), exchange.state.clock.now()
        identity.verify_address(challenge.address, now)
        flow.state = "passed_challenge"
        return SignedUp(identity, AuthenticationMethod("code", now))


def _show_registration_code_screen(exchange: Exchange, flow: Flow, body: Body) -> None:
    """The traits stay in the form, hidden unless they are invalid."""
    trait_fields = [
        node for node in flow.nodes if node["group"] == "default" and node["attributes"].get("type") != "submit"
    ]
    submitted = dict(flatten_traits(submitted_traits(body)))
    for node in trait_fields:
        if not node["messages"]:
            node["attributes"]["type"] = "hidden"
        if node["attributes"]["name"] in submitted:
            node["attributes"]["value"] = submitted[node["attributes"]["name"]]
    flow.nodes = [*trait_fields, *_code_nodes(1070012)]
    if exchange.state.config.registration_style != "unified":
        back = nodes.submit_button("profile", 1040008, name="screen", value="credential-selection")
        flow.nodes.append(back)
    flow.messages = [message(1040005)]


def _has_other_traits(flow: Flow, body: Body) -> bool:
    """Whether the submitted traits differ from those for which the code was sent."""
    shown = {node["attributes"].get("name"): node["attributes"].get("value") for node in flow.nodes}
    submitted = flatten_traits(submitted_traits(body))
    return any(name in shown and shown[name] != value for name, value in submitted)
