"""Verification: a person proves that an address is theirs.

https://www.ory.com/docs/kratos/self-service/flows/verify-email-account-activation
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.responses import Response

from ...http.cookies import mask_csrf_token
from ...http.exchange import Exchange
from ...model import nodes
from ...model.challenge import AlreadyUsed, Challenge, TooManyTries, new_link_token
from ...model.clock import SECOND
from ...model.errors import OryError
from ...model.flow import Body, Flow
from ...model.identity import Address, Identity
from ...model.mailbox import new_code
from ...model.messages import Message, message
from ...model.nodes import Node
from .address_flow import (
    CODE_ALREADY_USED,
    TOO_MANY_TRIES,
    AddressFlow,
    RefusedTooLate,
    call_after_proof,
    check_email,
    continue_button,
    disabled_error,
    email_field,
    hidden_method,
    is_address,
    resend_button,
)
from .responses import page_url
from .return_to import resolve_return_to
from .submission import InvalidSubmission, check_csrf


class Verification(AddressFlow):
    """As in Kratos, messages of the form add up, and a code needs no CSRF token: it may come from another browser."""

    kind = "verification"
    unknown_method_message = 4010006
    expired_message = 4070005

    def add_form(self, exchange: Exchange, flow: Flow) -> None:
        if not exchange.state.config.verification_enabled:
            raise disabled_error(self.kind)
        flow.active = exchange.state.config.verification_use
        form = [email_field(flow.active), continue_button(flow.active)]
        csrf = flow.nodes if flow.active == "link" or flow.type == "browser" else []
        flow.nodes = [*csrf, *form] if flow.active == "link" else [*form, *csrf]

    def process_submission(self, exchange: Exchange, flow: Flow, body: Body) -> Response:
        if flow.active == "link" and body.get("token"):
            return self._use_token(exchange, flow, str(body["token"]))
        method = body.get("method") or ("code" if body.get("code") else "")
        if method != flow.active:
            if flow.active in ("code", "link"):
                self._show_email_field(flow, str(body.get("email") or ""))
            flow.active = "default"
            raise InvalidSubmission(*flow.messages, message(self.unknown_method_message))
        if flow.state == "passed_challenge":
            return self._replace(exchange, flow, message(4070002))
        if flow.active == "code" and body.get("code"):
            if exchange.request.method != "POST":
                return self._prefill(exchange, flow, str(body["code"]))
            return self._use_code(exchange, flow, str(body["code"]))
        email = check_email(body)
        check_csrf(exchange, flow, body)
        flow.challenges.sent.clear()
        found = _find_address(exchange, email)
        if found:
            _send(exchange, flow, *found)
        _show_sent(exchange, flow, email)
        return self.respond(exchange, flow)

    def _show_email_field(self, flow: Flow, email: str) -> None:
        """After an error the input for the address replaces the button that sends another code."""
        group = "link" if any(node["group"] == "link" for node in flow.nodes) else "code"
        field = email_field(group, value=email)
        form = [field if node["attributes"].get("name") == "email" else node for node in flow.nodes]
        flow.nodes = form if field in form else [*form, field]

    def _prefill(self, exchange: Exchange, flow: Flow, code: str) -> Response:
        """The link of a message: show the page with the code, in whichever browser it was opened."""
        for node in flow.nodes:
            if node["attributes"].get("name") == "code":
                node["attributes"]["value"] = code
        exchange.renew_csrf_token()
        flow.csrf_token = exchange.csrf_token
        self.renew_csrf_field(exchange, flow)
        return exchange.redirect(page_url(exchange, flow))

    def _use_code(self, exchange: Exchange, flow: Flow, code: str) -> Response:
        try:
            challenge = flow.challenges.use_code(code, exchange.state.config.code_max_submissions)
        except (TooManyTries, AlreadyUsed) as error:
            reason = TOO_MANY_TRIES if isinstance(error, TooManyTries) else CODE_ALREADY_USED
            return self._replace(exchange, flow, message(4000001, reason=reason))
        if challenge is None:
            flow.messages = [message(4070006)]
            return self.respond(exchange, flow, transient_payload={})
        try:
            self._complete(exchange, flow, challenge)
        except RefusedTooLate as refused:
            return self._replace(exchange, flow, refused.message)
        return self.respond(exchange, flow)

    def _use_token(self, exchange: Exchange, flow: Flow, token: str) -> Response:
        try:
            challenge = flow.challenges.use_token(token)
        except AlreadyUsed:
            challenge = None
        if challenge is None:
            return self.redirect_to_restarted(exchange, self.restart(exchange, flow, message(4070001)))
        try:
            self._complete(exchange, flow, challenge)
        except RefusedTooLate as refused:
            return self._replace(exchange, flow, refused.message)
        return exchange.redirect(page_url(exchange, flow))

    def _complete(self, exchange: Exchange, flow: Flow, challenge: Challenge) -> None:
        for address in challenge.identity.verifiable_addresses:
            if address.value == challenge.address:
                address.mark_verified(exchange.state.clock.now())
        flow.state, flow.messages = "passed_challenge", [message(1080002)]
        flow.continue_url = _continue_url(exchange, flow)
        token = mask_csrf_token(flow.csrf_token) if flow.type == "browser" else ""
        label = message(1070009)
        link = {"href": flow.continue_url, "title": label, "id": "continue"}
        flow.nodes = [nodes.csrf_field(token), nodes.make_node(flow.active, "a", link, label)]
        call_after_proof(exchange, flow, challenge.identity)

    def _replace(self, exchange: Exchange, flow: Flow, error: Message) -> Response:
        """Start a new flow instead of this one. A program gets the new ID in an error."""
        new = self.restart(exchange, flow, error)
        if not exchange.wants_json:
            return exchange.redirect(page_url(exchange, new))
        reason, text = "the flow cannot continue; use the new one", "self-service flow replaced"
        raise OryError(410, "self_service_flow_replaced", reason=reason, message=text, extra={"use_flow_id": new.id})


def _continue_url(exchange: Exchange, flow: Flow) -> str:
    return_to = parse_qs(urlsplit(flow.request_url).query).get("return_to", [""])[0]
    try:
        return resolve_return_to(exchange, return_to)
    except OryError:
        return exchange.state.default_return_url


def _find_address(exchange: Exchange, value: str) -> tuple[Identity, Address] | None:
    """The identity with this verifiable address, and the address."""
    for identity in exchange.state.identities.values():
        for address in identity.verifiable_addresses:
            if is_address(address, value):
                return identity, address
    return None


def _send(exchange: Exchange, flow: Flow, identity: Identity, address: Address) -> None:
    """Send a code or a link to the address."""
    path = f"{exchange.state.public_url}/self-service/verification"
    if flow.active == "link":
        secret, code = new_link_token(), ""
        template, url = "verification_valid", f"{path}?{urlencode({'flow': flow.id, 'token': secret})}"
    else:
        secret = code = new_code()
        template, url = "verification_code_valid", f"{path}?{urlencode({'code': code, 'flow': flow.id})}"
    exchange.state.mailbox.send(template, address.value, code=code, url=url, channel=address.via)
    flow.challenges.sent.append(Challenge(secret, identity, address.value))
    address.mark_sent()


def _show_sent(exchange: Exchange, flow: Flow, address: str, field: str = "email") -> None:
    """Show the form after a code or a link was sent, or would have been sent if the address were known."""
    flow.state = "sent_email"
    token = mask_csrf_token(exchange.csrf_token) if flow.type == "browser" else ""
    if flow.active == "link":
        flow.messages = [message(1080001)]
        flow.nodes = [nodes.csrf_field(token), email_field("link", value=address), continue_button("link")]
        return
    flow.messages = [message(1080003)]
    code = nodes.input_field("code", "code", "text", message(1070011), required=True)
    csrf: list[Node] = [nodes.csrf_field(token)] if flow.type == "browser" else []
    flow.nodes = [hidden_method("code"), code, continue_button("code"), *csrf, resend_button(field, address)]


# ---- after registration, and after a change of an address in the settings


def verify_new_address(exchange: Exchange, identity: Identity, origin: Flow) -> Flow | None:
    """Send a code to the first address that needs it, and return the verification flow, which continues `origin`.

    Call this after the cookies of the response are set: the flow belongs to the CSRF token of that response.
    Returns `None` if no address needs verification, or if verification is disabled.
    """
    config = exchange.state.config
    if not config.verification_enabled:
        return None
    is_change = origin.kind == "settings"  # then addresses that were sent a code before don't get another one
    addresses = [
        address
        for address in identity.verifiable_addresses
        if (address.status == "pending" if is_change else not address.verified)
    ]
    address = next(iter(addresses), None)
    if address is None:
        return None
    now = exchange.state.clock.now()
    query = parse_qs(urlsplit(origin.request_url).query)
    return_to = query.get("after_verification_return_to") or query.get("return_to") or [""]
    request_url = origin.request_url.partition("?")[0]
    if return_to[0]:
        request_url += f"?{urlencode({'return_to': return_to[0]})}"
    lifespan = int(config.flow_lifespan * SECOND)
    flow = Flow("verification", origin.type, request_url, return_to[0], exchange.csrf_token, now, now + lifespan)
    flow.active = config.verification_use
    exchange.state.flows[flow.id] = flow
    _send(exchange, flow, identity, address)
    _show_sent(exchange, flow, address.value, field=address.via)
    return flow


def show_verification_ui(exchange: Exchange, flow: Flow) -> dict[str, Any]:
    """An item of `continue_with`: a program shows the page of this verification flow."""
    address = flow.challenges.sent[-1].address
    url = f"{exchange.state.ui_url('verification')}?flow={flow.id}"
    content = {"id": flow.id, "verifiable_address": address, **({"url": url} if flow.type == "browser" else {})}
    return {"action": "show_verification_ui", "flow": content}
