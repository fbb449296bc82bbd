"""Login with a password, an authenticator app or a backup code.

https://www.ory.com/docs/kratos/self-service/flows/user-login
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from starlette.responses import Response

from ...http.exchange import Exchange
from ...model import nodes
from ...model.clock import rfc3339, truncate_to_microseconds
from ...model.errors import OryError, already_signed_in, browser_location_change_required
from ...model.flow import Body, Flow
from ...model.identity import SECOND_FACTORS, Identity
from ...model.messages import message
from ...model.passwords import password_matches
from ...model.second_factors import backup_codes, totp_matches, use_backup_code
from ...model.session import AuthenticationMethod, Session
from ..whoami import lacks_second_factor, step_up_url
from .handler import FlowHandler, InvalidSubmission
from .return_to import redirect_browser_to, resolve_return_to
from .submission import check_csrf


class Login(FlowHandler):
    kind = "login"
    unknown_method_message = 4010002

    def add_form(self, exchange: Exchange, flow: Flow) -> None:
        aal = exchange.query.get("aal") or "aal1"
        if aal not in ("aal1", "aal2"):
            raise OryError(400, reason=f"aal must be aal1 or aal2, not {aal!r}")
        session = exchange.session
        refresh = session is not None and exchange.query.get("refresh") == "true"
        if session is None and aal == "aal2":
            raise OryError(401, "session_aal1_required", reason="aal2 requires a session")
        if session is not None and not refresh and aal <= session.aal:
            raise already_signed_in(browser_url=resolve_return_to(exchange, flow.return_to))
        flow.extra = {"organization_id": None, **_timestamps(flow.issued_at), "refresh": refresh, "requested_aal": aal}
        if refresh:
            flow.messages.append(message(1010003))
        if session is not None and aal > session.aal:
            flow.messages.append(message(1010004))
        if session and aal == "aal2":
            flow.nodes += _second_factor_nodes(session.identity)
        elif session and refresh:
            flow.nodes += _password_nodes_for(session.identity)
        else:
            flow.nodes += _identifier_and_password_nodes()

    def check_session(self, exchange: Exchange, flow: Flow) -> Response | None:
        session = exchange.session
        if session is None:
            if flow.extra["requested_aal"] == "aal2":
                raise OryError(401, "session_aal1_required", reason="the session has ended")
            return None
        if flow.extra["refresh"] or flow.extra["requested_aal"] > session.aal:
            return None
        if exchange.wants_json or flow.type == "api":
            raise already_signed_in()
        return exchange.redirect(exchange.state.config.default_return_url)

    def process_submission(self, exchange: Exchange, flow: Flow, body: Body) -> Response:
        method = body.get("method")
        if method == "password" and flow.extra["requested_aal"] == "aal1":
            identity = _check_password(exchange, flow, body)
        elif method in SECOND_FACTORS and flow.extra["requested_aal"] == "aal2" and exchange.session:
            check_csrf(exchange, flow, body)
            identity = exchange.session.identity
            _check_second_factor(exchange, flow, identity, method, body)
        else:
            raise InvalidSubmission(message(self.unknown_method_message))
        if identity.state != "active":
            details = {"identity_id": identity.id}
            raise OryError(401, reason="the identity is inactive", message="identity is disabled", details=details)
        flow.active = str(method)
        session = start_or_renew_session(
            exchange, identity, AuthenticationMethod(flow.active, exchange.state.clock.now())
        )
        return _success_response(exchange, flow, session)


def _timestamps(now: int) -> dict[str, str]:
    time = rfc3339(truncate_to_microseconds(now))
    return {"created_at": time, "updated_at": time}


def _success_response(exchange: Exchange, flow: Flow, session: Session) -> Response:
    needs_second_factor = lacks_second_factor(session, exchange.state.config.whoami_required_aal)
    session_json = exchange.state.session_json(session, exchange.device if len(session.methods) > 1 else None)
    if flow.type == "api":
        if needs_second_factor:
            session_json["identity"] = None
        return exchange.json({"session_token": session.token, "session": session_json, "continue_with": None})
    exchange.set_session_cookie(session)
    original_return_to = parse_qs(urlsplit(flow.request_url).query).get("return_to", [""])[0]
    step_up = step_up_url(exchange, original_return_to)
    return_to = resolve_return_to(exchange, flow.return_to)
    if not exchange.wants_json:
        return exchange.redirect(step_up if needs_second_factor else return_to)
    if needs_second_factor:
        return exchange.json_error(browser_location_change_required(step_up))
    return exchange.json({"session": session_json, "continue_with": [redirect_browser_to(return_to)]})


def start_or_renew_session(exchange: Exchange, identity: Identity, method: AuthenticationMethod) -> Session:
    """Add the method to the current session if it is this identity's, otherwise start a new session."""
    session = exchange.session
    if session is None or session.identity is not identity:
        return exchange.state.add_session(identity, [method], exchange.device)
    exchange.state.renew_session(session, method)
    return session


# ---- forms


def _identifier_and_password_nodes() -> list[nodes.Node]:
    label = message(1070002, name="traits.email", title="E-mail address")
    identifier = nodes.input_field("default", "identifier", "text", label, value="", required=True)
    return [identifier, _password_field(), nodes.submit_button("password", 1010022)]


def _password_nodes_for(identity: Identity) -> list[nodes.Node]:
    """The form for a person who has to enter their password again."""
    identifier = nodes.input_field("default", "identifier", "hidden", value=identity.identifiers[0])
    return [identifier, _password_field(), nodes.submit_button("password", 1010001)]


def _password_field() -> nodes.Node:
    label = message(1070001)
    return nodes.input_field("password", "password", "password", label, required=True, autocomplete="current-password")


def _second_factor_nodes(identity: Identity) -> list[nodes.Node]:
    form = []
    if identity.credential_config("totp"):
        form.append(nodes.input_field("totp", "totp_code", "text", message(1010006), value="", required=True))
        form.append(nodes.submit_button("totp", 1010009))
    if backup_codes(identity):
        label = message(1010007)
        form.append(nodes.input_field("lookup_secret", "lookup_secret", "text", label, value="", required=True))
        form.append(nodes.submit_button("lookup_secret", 1010010))
    return form


# ---- checks


def _check_password(exchange: Exchange, flow: Flow, body: Body) -> Identity:
    """The identity that the login name and password belong to. After an error the form still has the login name."""
    identifier = str(body.get("identifier") or "")
    try:
        return _find_by_password(exchange, flow, identifier, body)
    except (InvalidSubmission, OryError):
        nodes.find_or_add(flow.nodes, "identifier")["attributes"]["value"] = identifier
        raise


def _find_by_password(exchange: Exchange, flow: Flow, identifier: str, body: Body) -> Identity:
    missing = [name for name in ("identifier", "password") if not body.get(name)]
    if missing:
        raise InvalidSubmission(**{name: message(4000002, property=name) for name in missing})
    check_csrf(exchange, flow, body)
    identity = exchange.state.find_identity_by_identifier(identifier)
    hashed = identity.credential_config("password").get("hashed_password", "") if identity else ""
    if identity is None or not password_matches(str(body["password"]), hashed):
        raise InvalidSubmission(message(4000006))
    return identity


def _check_second_factor(exchange: Exchange, flow: Flow, identity: Identity, method: str, body: Body) -> None:
    field = "totp_code" if method == "totp" else "lookup_secret"
    code = str(body.get(field) or "")
    nodes.find_or_add(flow.nodes, field)["attributes"].pop("value", None)
    if not code:
        raise InvalidSubmission(**{field: message(4000002, property=field)})
    now = exchange.state.clock.now()
    if method == "lookup_secret":
        error = use_backup_code(identity, code, now)
    else:
        error = 0 if totp_matches(identity.credential_config("totp"), code, now) else 4000008
    if error:
        raise InvalidSubmission(message(error))
