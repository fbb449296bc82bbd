"""Registration with a password, in two steps or in one. https://www.ory.com/docs/kratos/self-service/flows/user-registration"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ...http.exchange import Call
from ...model import nodes
from ...model.clock import microseconds
from ...model.errors import already_signed_in
from ...model.flow import Body, Flow
from ...model.identity import Identity
from ...model.identity_schema import fill, filled, identifier_fields, refusals, trait_nodes
from ...model.messages import message
from ...model.nodes import Node
from ...model.passwords import hash_password, password_problem
from ...model.session import Method
from .handler import Kind, Refused
from .return_to import allowed_return_to, redirect_browser_to
from .submission import require_csrf, sent_traits


class Registration(Kind):
    name = "registration"
    no_such_method = 4010003
    refused_status = 302

    def begin(self, call: Call, flow: Flow) -> None:
        if call.session:
            raise already_signed_in(browser_to=allowed_return_to(call, flow.return_to))
        flow.more = {"organization_id": None}
        _show_profile(call, flow, {})

    def check(self, call: Call, flow: Flow) -> Response | None:
        if call.session is None:
            return None
        if call.wants_json or flow.type == "api":
            return call.error(already_signed_in())
        return call.redirect(call.state.config.default_return_url, self.refused_status)

    def finish(self, call: Call, flow: Flow, body: Body) -> Response:
        method, schema, traits = body.get("method"), call.state.config.schema, sent_traits(body)
        back = body.get("screen") == "previous"
        wrong = {} if back else refusals(schema, traits)
        if method == "password" and not body.get("password"):
            wrong["password"] = message(4000002, property="password")
        if wrong:
            fill(flow.nodes, None, traits)
            raise Refused(**wrong)
        if method not in ("password", "profile") and not back:
            raise Refused(message(self.no_such_method))
        require_csrf(call, flow, body)
        if method == "password" and not back:
            return self._registered(call, flow, self._new_identity(call, flow, traits, str(body["password"])))
        flow.messages = [] if back else [message(1040009)]
        flow.more["transient_payload"] = {}
        (_show_profile if back else _show_credentials)(call, flow, traits)
        return self.again(call, flow, 303)

    def _new_identity(self, call: Call, flow: Flow, traits: dict[str, Any], password: str) -> Identity:
        state, now = call.state, call.state.clock.now()
        stamp = microseconds(now)
        identity = Identity(state.config.schema_id, filled(state.config.schema, traits), stamp, stamp, now)
        identity.follow_traits(state.config.schema, now, status="sent")
        if problem := password_problem(password, identity.identifiers):
            fill(flow.nodes, None, traits)
            raise Refused(password=problem)
        if state.conflicts(identity):
            raise Refused(message(4000007))
        identity.set_config("password", {"hashed_password": hash_password(password)}, now)
        state.save(identity)
        return identity

    def _registered(self, call: Call, flow: Flow, identity: Identity) -> Response:
        state = call.state
        answer: dict[str, Any] = {"identity": identity.json(state.public_url), "continue_with": None}
        session = None
        if state.config.registration_session_hook:
            session = state.add_session(identity, [Method("password", state.clock.now())], call.device)
            answer["session"] = state.session_json(session)
        if flow.type == "api":
            if session:
                token = {"action": "set_ory_session_token", "ory_session_token": session.token}
                answer |= {"session_token": session.token, "continue_with": [token]}
            return call.json(answer)
        if session:
            call.give_session_cookie(session)
        else:
            call.renew_csrf_token()
        return_to = allowed_return_to(call, flow.return_to)
        answer["continue_with"] = [redirect_browser_to(return_to)]
        return call.json(answer) if call.wants_json else call.redirect(return_to)

    def arranged(self, call: Call, form: list[Node]) -> list[Node]:
        """Kratos sorts: login names, password, other traits, what was added to hang a message on, buttons."""
        identifiers = identifier_fields(call.state.config.schema)

        def rank(one: Node) -> int:
            name = one["attributes"].get("name", "")
            if one["attributes"].get("type") == "submit":
                return 5
            if name.startswith("traits."):
                return 1 if name in identifiers else 3
            return {"csrf_token": 0, "password": 2}.get(name, 4)

        return sorted(form, key=rank)


def _show_profile(call: Call, flow: Flow, traits: dict[str, Any]) -> None:
    shown = trait_nodes("default", call.state.config.schema, traits)
    flow.show([*shown, nodes.submit("profile", 1040001)])


def _show_credentials(call: Call, flow: Flow, traits: dict[str, Any]) -> None:
    """The second screen: the traits are hidden, a password is asked for."""
    hidden = trait_nodes("default", call.state.config.schema, traits, hidden=True)
    back = nodes.submit("profile", 1040008, name="screen", value="previous")
    flow.show([*hidden, nodes.new_password(), nodes.submit("password", 1040001), back])
