"""Login: password, TOTP and backup codes. https://www.ory.com/docs/kratos/self-service/flows/user-login"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from starlette.responses import Response

from ...http.exchange import Call
from ...model import nodes
from ...model.errors import OryError, already_signed_in, location_change
from ...model.flow import Body, Flow
from ...model.identity import SECOND_FACTORS, Identity
from ...model.messages import message
from ...model.passwords import password_matches
from ...model.second_factors import backup_codes, totp_matches, use_backup_code
from ...model.session import Method, Session
from ..whoami import lacks_second_factor, step_up_url
from .handler import Kind, Refused, stamps
from .return_to import allowed_return_to, redirect_browser_to
from .submission import require_csrf


class Login(Kind):
    name = "login"
    no_such_method = 4010002

    def begin(self, call: Call, flow: Flow) -> None:
        aal = call.query.get("aal") or "aal1"
        if aal not in ("aal1", "aal2"):
            raise OryError(400, reason=f"aal is aal1 or aal2, not {aal!r}")
        session = call.session
        refresh = session is not None and call.query.get("refresh") == "true"
        if session is None and aal == "aal2":
            reason = "aal2 can only be asked for by who has a session"
            raise OryError(401, "session_aal1_required", reason=reason)
        if session is not None and not refresh and aal <= session.aal:
            raise already_signed_in(browser_to=allowed_return_to(call, flow.return_to))
        flow.more = {"organization_id": None, **stamps(flow.issued_at), "refresh": refresh, "requested_aal": aal}
        if refresh:
            flow.messages.append(message(1010003))
        if session is not None and aal > session.aal:
            flow.messages.append(message(1010004))
        flow.nodes += (
            _second_factor_nodes(session.identity)
            if session and aal == "aal2"
            else _password_nodes(call, session if refresh else None)
        )

    def check(self, call: Call, flow: Flow) -> Response | None:
        session = call.session
        if session is None:
            if flow.more["requested_aal"] == "aal2":
                raise OryError(401, "session_aal1_required", reason="the session has ended")
            return None
        if flow.more["refresh"] or flow.more["requested_aal"] > session.aal:
            return None
        if call.wants_json or flow.type == "api":
            raise already_signed_in()
        return call.redirect(call.state.config.default_return_url)

    def finish(self, call: Call, flow: Flow, body: Body) -> Response:
        method = body.get("method")
        if method == "password" and flow.more["requested_aal"] == "aal1":
            identity = _by_password(call, flow, body)
        elif method in SECOND_FACTORS and flow.more["requested_aal"] == "aal2" and call.session:
            require_csrf(call, flow, body)
            identity = call.session.identity
            _second_factor(call, flow, identity, method, body)
        else:
            raise Refused(message(self.no_such_method))
        if identity.state != "active":
            details = {"identity_id": identity.id}
            raise OryError(401, reason="the identity is inactive", message="identity is disabled", details=details)
        flow.active = str(method)
        return self._signed_in(call, flow, identity, Method(flow.active, call.state.clock.now()))

    def _signed_in(self, call: Call, flow: Flow, identity: Identity, method: Method) -> Response:
        session = signed_in(call, identity, method)
        lacking = lacks_second_factor(session, call.state.config.whoami_required_aal)
        shown = call.state.session_json(session, call.device if len(session.methods) > 1 else None)
        if flow.type == "api":
            shown = {**shown, "identity": None} if lacking else shown
            return call.json({"session_token": session.token, "session": shown, "continue_with": None})
        call.give_session_cookie(session)
        step_up = step_up_url(call, parse_qs(urlsplit(flow.request_url).query).get("return_to", [""])[0])
        return_to = allowed_return_to(call, flow.return_to)
        if not call.wants_json:
            return call.redirect(step_up if lacking else return_to)
        if lacking:
            return call.error(location_change(step_up))
        return call.json({"session": shown, "continue_with": [redirect_browser_to(return_to)]})


def signed_in(call: Call, identity: Identity, method: Method) -> Session:
    """A new session, or the one at hand renewed and with one more factor proven."""
    session = call.session
    if session is None or session.identity is not identity:
        return call.state.add_session(identity, [method], call.device)
    call.state.renew_session(session, method)
    return session


def _password_nodes(call: Call, session: Session | None) -> list[nodes.Node]:
    """The form of the first factor; when somebody signed in has to prove it again, the name is filled in."""
    password = nodes.field(
        "password", "password", "password", message(1070001), required=True, autocomplete="current-password"
    )
    if session:
        name = session.identity.identifiers[0]
        return [nodes.field("default", "identifier", "hidden", value=name), password, nodes.submit("password", 1010001)]
    label = message(1070002, name="traits.email", title="E-Mail")
    identifier = nodes.field("default", "identifier", "text", label, value="", required=True)
    return [identifier, password, nodes.submit("password", 1010022)]


def _second_factor_nodes(identity: Identity) -> list[nodes.Node]:
    found = []
    if identity.config("totp"):
        found.append(nodes.field("totp", "totp_code", "text", message(1010006), value="", required=True))
        found.append(nodes.submit("totp", 1010009))
    if backup_codes(identity):
        code = nodes.field("lookup_secret", "lookup_secret", "text", message(1010007), value="", required=True)
        found += [code, nodes.submit("lookup_secret", 1010010)]
    return found


def _by_password(call: Call, flow: Flow, body: Body) -> Identity:
    identifier = str(body.get("identifier") or "")
    try:
        return _identified(call, flow, identifier, body)
    except (Refused, OryError):
        nodes.find(flow.nodes, "identifier")["attributes"]["value"] = identifier
        raise


def _identified(call: Call, flow: Flow, identifier: str, body: Body) -> Identity:
    if missing := [name for name in ("identifier", "password") if not body.get(name)]:
        raise Refused(**{name: message(4000002, property=name) for name in missing})
    require_csrf(call, flow, body)
    identity = call.state.identity_by_identifier(identifier)
    hashed = identity.config("password").get("hashed_password", "") if identity else ""
    if identity is None or not password_matches(str(body["password"]), hashed):
        raise Refused(message(4000006))
    return identity


def _second_factor(call: Call, flow: Flow, identity: Identity, method: str, body: Body) -> None:
    name = "totp_code" if method == "totp" else "lookup_secret"
    code = str(body.get(name) or "")
    nodes.find(flow.nodes, name)["attributes"].pop("value", None)
    if not code:
        raise Refused(**{name: message(4000002, property=name)})
    now = call.state.clock.now()
    if method == "lookup_secret":
        wrong = use_backup_code(identity, code, now)
    else:
        wrong = 0 if totp_matches(identity.config("totp"), code, now) else 4000008
    if wrong:
        raise Refused(message(wrong))
