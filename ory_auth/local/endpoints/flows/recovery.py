"""Recovery: a person who cannot sign in proves that an address is theirs, and gets a session to change their password.

https://www.ory.com/docs/kratos/self-service/flows/account-recovery-password-reset
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from ...http.cookies import mask_csrf_token
from ...http.exchange import Exchange
from ...model import nodes
from ...model.challenge import AlreadyUsed, Challenge, TooManyTries, new_link_token
from ...model.clock import SECOND, rfc3339
from ...model.errors import OryError, already_signed_in, browser_location_change_required
from ...model.flow import Body, Flow
from ...model.mailbox import new_code
from ...model.messages import Message, message
from ...model.session import AuthenticationMethod, Session
from . import recovery_choice, web_hooks
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
from .settings import Settings
from .submission import InvalidSubmission, check_csrf

SIGNED_IN_STATUS = 302


class Recovery(AddressFlow):
    kind = "recovery"
    unknown_method_message = 4010005
    expired_message = 4060005

    # ---- start

    def start_browser_flow(self, exchange: Exchange) -> Response:
        return self._respond_if_signed_in(exchange) or super().start_browser_flow(exchange)

    def start_api_flow(self, exchange: Exchange) -> Response:
        if exchange.session:
            raise already_signed_in()
        return super().start_api_flow(exchange)

    def _respond_if_signed_in(self, exchange: Exchange) -> Response | None:
        if exchange.session is None:
            return None
        if exchange.wants_json:
            return exchange.json_error(already_signed_in())
        return exchange.redirect(resolve_return_to(exchange, exchange.query.get("return_to", "")), SIGNED_IN_STATUS)

    def add_form(self, exchange: Exchange, flow: Flow) -> None:
        config = exchange.state.config
        if not config.recovery_enabled:
            raise disabled_error(self.kind)
        flow.active = config.recovery_use
        if flow.active == "code" and config.choose_recovery_address:
            recovery_choice.show_address_screen(exchange, flow)
        else:
            flow.set_form([email_field(flow.active), continue_button(flow.active)])

    def check_read_access(self, exchange: Exchange, flow: Flow) -> None:
        if not flow.skips_csrf:
            super().check_read_access(exchange, flow)

    # ---- submit

    def process_submission(self, exchange: Exchange, flow: Flow, body: Body) -> Response:
        if exchange.request.method != "POST" and "token" not in body:
            return exchange.redirect(page_url(exchange, flow))
        try:
            if flow.active == "link":
                return self._submit_link(exchange, flow, body)
            if flow.active == "code":
                return self._submit_code(exchange, flow, body)
        except RefusedTooLate as refused:
            return self._restart_after_refusal(exchange, flow, refused.message)
        raise self._no_method_error(flow)

    def _restart_after_refusal(self, exchange: Exchange, flow: Flow, error: Message) -> Response:
        """As in Kratos, a program is sent to the JSON of the new flow."""
        new = self.restart(exchange, flow, error)
        if not exchange.wants_json:
            return self.redirect_to_restarted(exchange, new)
        return exchange.redirect(f"{exchange.state.public_url}/self-service/recovery/flows?id={new.id}")

    def _no_method_error(self, flow: Flow) -> InvalidSubmission:
        """As in Kratos, a flow that has received a submission without a method accepts no further submission."""
        flow.active = "default"
        return InvalidSubmission(message(self.unknown_method_message))

    def _submit_code(self, exchange: Exchange, flow: Flow, body: Body) -> Response:
        self._check_csrf(exchange, flow, body)
        flow.messages = []
        chooses_address = flow.state in recovery_choice.STATES
        if not chooses_address and flow.state != "choose_method" and not body.get("email"):
            return self._use_code(exchange, flow, body)
        if response := self._respond_if_signed_in(exchange):
            return response
        if chooses_address:
            if flow.state == recovery_choice.AWAITING_CODE and body.get("code") and body.get("screen") != "previous":
                return self._use_code(exchange, flow, body)
            recovery_choice.submit(exchange, flow, body, send_code)
            return self.respond(exchange, flow, transient_payload={})
        if body.get("method") != "code":
            raise self._no_method_error(flow)
        email = check_email(body)
        send_code(exchange, flow, email)
        flow.state, flow.messages = "sent_email", [message(1060003)]
        flow.set_form(
            [
                recovery_choice.code_field(),
                hidden_method("code"),
                continue_button("code"),
                resend_button("email", email),
            ]
        )
        self.renew_csrf_field(exchange, flow)
        return self.respond(exchange, flow, transient_payload={})

    def _check_csrf(self, exchange: Exchange, flow: Flow, body: Body) -> None:
        if flow.skips_csrf:
            return
        try:
            check_csrf(exchange, flow, body)
        except OryError:
            exchange.renew_csrf_token()
            raise

    def _use_code(self, exchange: Exchange, flow: Flow, body: Body) -> Response:
        try:
            code, tries = str(body.get("code") or ""), exchange.state.config.code_max_submissions
            challenge = flow.challenges.use_code(code, tries)
        except (TooManyTries, AlreadyUsed) as error:
            reason = TOO_MANY_TRIES if isinstance(error, TooManyTries) else CODE_ALREADY_USED
            return self._retry(exchange, flow, message(4000001, reason=reason))
        if challenge is None:
            flow.messages = [message(4060006)]
            return self.respond(exchange, flow, transient_payload={})
        members: dict[str, Any] = {} if flow.state in recovery_choice.STATES else {"transient_payload": {}}
        session, settings = self._sign_in(exchange, flow, challenge, "code_recovery")
        return self._success_response(exchange, flow, session, settings, members)

    def _retry(self, exchange: Exchange, flow: Flow, error: Message) -> Response:
        new = self.restart(exchange, flow, error)
        if exchange.wants_json and exchange.state.config.use_continue_with_transitions:
            url = page_url(exchange, new)
            item = {"action": "show_recovery_ui", "flow": {"id": new.id, "url": url}}
            raise OryError(400, reason=error["text"], details={"continue_with": [item]})
        return self.redirect_to_restarted(exchange, new)

    def _submit_link(self, exchange: Exchange, flow: Flow, body: Body) -> Response:
        if body.get("token"):
            return self._use_token(exchange, flow, str(body["token"]))
        if response := self._respond_if_signed_in(exchange):
            return response
        if body.get("method") != "link":
            raise self._no_method_error(flow)
        email = check_email(body)
        check_csrf(exchange, flow, body)
        send_link(exchange, flow, email)
        flow.state, flow.messages = "sent_email", [message(1060002)]
        flow.set_form([email_field("link", value=email), continue_button("link")])
        self.renew_csrf_field(exchange, flow)
        return self.respond(exchange, flow, transient_payload={})

    def _use_token(self, exchange: Exchange, flow: Flow, token: str) -> Response:
        try:
            challenge = flow.challenges.use_token(token)
        except AlreadyUsed:
            challenge = None
        if challenge is None:
            return self.redirect_to_restarted(exchange, self.restart(exchange, flow, message(4060004)))
        _, settings = self._sign_in(exchange, flow, challenge, "link_recovery")
        return exchange.redirect(page_url(exchange, settings))

    # ---- the end

    def _sign_in(self, exchange: Exchange, flow: Flow, challenge: Challenge, method: str) -> tuple[Session, Flow]:
        """Verify the address, and start a session and a settings flow in which the person changes their password."""
        state, identity = exchange.state, challenge.identity
        if identity.state != "active":
            raise OryError(401, reason="the identity is inactive", message="identity is disabled")
        now = state.clock.now()
        for address in identity.verifiable_addresses:
            if address.value == challenge.address:
                address.mark_verified(now)
        flow.state, flow.messages = "passed_challenge", []
        call_after_proof(exchange, flow, identity)
        session = state.add_session(identity, [AuthenticationMethod(method, now)], exchange.device)
        if flow.type == "browser":
            exchange.set_session_cookie(session)
        return session, _settings_flow(exchange, flow, session)

    def _success_response(
        self, exchange: Exchange, flow: Flow, session: Session, settings: Flow, members: dict[str, Any]
    ) -> Response:
        url = page_url(exchange, settings)
        if not exchange.wants_json:
            return exchange.redirect(url)
        if not exchange.state.config.use_continue_with_transitions:
            return exchange.json_error(browser_location_change_required(url))
        continue_with: list[dict[str, Any]] = [{"action": "show_settings_ui", "flow": {"id": settings.id, "url": url}}]
        if flow.type == "api":
            continue_with.insert(0, {"action": "set_ory_session_token", "ory_session_token": session.token})
        flow.csrf_token = exchange.csrf_token
        self.renew_csrf_field(exchange, flow)
        return exchange.json({**flow.to_json(exchange.state.public_url), "continue_with": continue_with, **members})


def with_return_to(url: str, return_to: str) -> str:
    """The URL with `return_to` in its query, unless that is empty."""
    if not return_to:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'return_to': return_to})}"


def _settings_flow(exchange: Exchange, flow: Flow, session: Session) -> Flow:
    """The settings flow that follows. It needs no second factor to start, as in Kratos."""
    state = exchange.state
    now, config = state.clock.now(), state.config
    lifespan = int(config.flow_lifespan * SECOND)
    request_url = with_return_to(exchange.url, flow.return_to)
    settings = Flow("settings", flow.type, request_url, flow.return_to, exchange.csrf_token, now, now + lifespan)
    settings.nodes.append(nodes.csrf_field(mask_csrf_token(exchange.csrf_token) if flow.type == "browser" else ""))
    Settings().begin(exchange, settings, session.identity)
    web_hooks.before(exchange, settings, session)
    expires = now + int(config.privileged_session_max_age * SECOND)
    settings.messages = [
        message(
            1060001,
            privilegedSessionExpiresAt=rfc3339(expires),
            privileged_session_expires_at=rfc3339(expires),
            privileged_session_expires_at_unix=expires // SECOND,
        )
    ]
    state.flows[settings.id] = settings
    return settings


# ---- messages


def send_code(exchange: Exchange, flow: Flow, address: str) -> None:
    """Send a code, if the address belongs to an identity. Earlier codes of the flow become invalid."""
    flow.challenges.sent.clear()
    for identity in exchange.state.identities.values():
        for known in identity.recovery_addresses:
            if is_address(known, address):
                code = new_code()
                exchange.state.mailbox.send("recovery_code_valid", known.value, code=code, channel=known.via)
                flow.challenges.sent.append(Challenge(code, identity, known.value))


def send_link(exchange: Exchange, flow: Flow, address: str) -> None:
    """Send a link, if the address belongs to an identity. Earlier links of the flow stay valid, as in Kratos."""
    for identity in exchange.state.identities.values():
        for known in identity.recovery_addresses:
            if is_address(known, address):
                token = new_link_token()
                query = urlencode({"flow": flow.id, "token": token})
                url = f"{exchange.state.public_url}/self-service/recovery?{query}"
                exchange.state.mailbox.send("recovery_valid", known.value, url=url)
                flow.challenges.sent.append(Challenge(token, identity, known.value))
