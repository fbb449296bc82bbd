"""A second factor that is a code which a person types: from an authenticator app, or a backup code."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from ....http.exchange import Exchange
from ....model import nodes
from ....model.config import Config
from ....model.flow import Body, Flow
from ....model.identity import Identity
from ....model.messages import message
from ....model.session import AuthenticationMethod
from ..submission import InvalidSubmission, check_csrf
from .base import LoginMethod, SignedIn


class TypedCodeLogin(LoginMethod):
    """`field` is the name of the field. `label` and `button` are message IDs."""

    field: ClassVar[str]
    label: ClassVar[int]
    button: ClassVar[int]

    def aal(self, config: Config) -> str:
        return "aal2"

    @abstractmethod
    def is_set_up(self, identity: Identity) -> bool:
        """Whether the identity has such a second factor."""

    @abstractmethod
    def use_code(self, identity: Identity, code: str, now: int) -> int:
        """Use the code. Returns 0, or the message ID of the error."""

    def add_second_factor(self, exchange: Exchange, flow: Flow, identity: Identity) -> None:
        if self.is_set_up(identity):
            flow.nodes += [
                nodes.input_field(self.name, self.field, "text", message(self.label), value="", required=True),
                nodes.submit_button(self.name, self.button),
            ]

    def sign_in(self, exchange: Exchange, flow: Flow, body: Body) -> SignedIn:
        check_csrf(exchange, flow, body)
        assert exchange.session is not None  # a second step always has one
        identity, now = exchange.session.identity, exchange.state.clock.now()
        code = str(body.get(self.field) or "")
        nodes.find_or_add(flow.nodes, self.field)["attributes"].pop("value", None)
        if not code:
            raise InvalidSubmission(**{self.field: message(4000002, property=self.field)})
        if error := self.use_code(identity, code, now):
            raise InvalidSubmission(message(error))
        return SignedIn(identity, AuthenticationMethod(self.name, now))
