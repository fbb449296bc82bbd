"""What a method is: a way to sign in, a way to sign up, or a part of the settings.

A method adds its nodes to the form of a flow, and carries out the submissions that are meant for it. A flow asks each
enabled method in turn, as Kratos does. A new method is a module in this package and entries in `registry`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.responses import Response

from ....http.exchange import Exchange
from ....model.config import Config
from ....model.flow import Body, Flow
from ....model.identity import Identity
from ....model.nodes import Node
from ....model.session import AuthenticationMethod, Session


class Method(ABC):
    """`name` is the value of `method` in submissions."""

    name: ClassVar[str]

    def is_enabled(self, config: Config) -> bool:
        return True

    def is_submitted(self, flow: Flow, body: Body) -> bool:
        """Whether a submission is meant for this method."""
        return body.get("method") == self.name


# ---- login


@dataclass
class SignedIn:
    """The identity that a submission has signed in, and the method that it has completed."""

    identity: Identity
    method: AuthenticationMethod


class LoginMethod(Method):
    """A way to sign in. The functions that add nodes do nothing unless a method overrides them."""

    def aal(self, config: Config) -> str:
        """The level that the method completes. Flows of the other level don't use the method."""
        return "aal1"

    def add_first_factor(self, exchange: Exchange, flow: Flow) -> None:
        """Add the nodes of a login with one screen."""

    def add_refresh(self, exchange: Exchange, flow: Flow, identity: Identity) -> None:
        """Add the nodes for a person who has to sign in again."""

    def add_second_factor(self, exchange: Exchange, flow: Flow, identity: Identity) -> None:
        """Add the nodes of the second step."""

    def add_identifier_screen(self, exchange: Exchange, flow: Flow) -> None:
        """Add nodes to the first screen of the style `identifier_first`."""

    def add_credential_screen(self, exchange: Exchange, flow: Flow, identity: Identity | None) -> bool:
        """Add nodes to the second screen of the style `identifier_first`. Returns whether the identity can use them.

        `identity` is `None` if there is none with this login name. If the configuration mitigates account
        enumeration, the nodes are the same for everyone.
        """
        return False

    def begin_early(self, exchange: Exchange, flow: Flow, identity: Identity) -> bool:
        """Do the first step without a submission, if this is the only method of the identity. Returns whether it did.

        This happens after the second screen of `identifier_first`, and when a second step begins.
        """
        return False

    @abstractmethod
    def sign_in(self, exchange: Exchange, flow: Flow, body: Body) -> SignedIn | Response:
        """Carry out a submission. A response is for the next step. Raises `InvalidSubmission` or `OryError`."""


def begin_early(exchange: Exchange, flow: Flow, identity: Identity, methods: Iterable[LoginMethod]) -> bool:
    """Let the first of the methods that can do so begin without a submission. Returns whether one did."""
    return any(method.begin_early(exchange, flow, identity) for method in methods)


# ---- registration


@dataclass
class SignedUp:
    """An identity that is not saved yet, the method with which its session begins, and its credentials.

    `credentials` maps a credential type to its config.
    """

    identity: Identity
    method: AuthenticationMethod
    credentials: dict[str, dict[str, Any]] = field(default_factory=dict)


class RegistrationMethod(Method):
    """A way to sign up. The functions that add nodes do nothing unless a method overrides them."""

    def add_only_screen(self, exchange: Exchange, flow: Flow) -> None:
        """Add nodes to the only screen of the style `unified`, beside the traits."""
        self.add_credential_screen(exchange, flow)

    def add_profile_screen(self, exchange: Exchange, flow: Flow) -> None:
        """Add nodes to the first screen of the style `profile_first`, beside the traits."""

    def add_credential_screen(self, exchange: Exchange, flow: Flow) -> None:
        """Add nodes to the second screen of the style `profile_first`."""

    @abstractmethod
    def sign_up(self, exchange: Exchange, flow: Flow, body: Body) -> SignedUp | Response:
        """Carry out a submission. A response is for the next step. Raises `InvalidSubmission` or `OryError`."""


# ---- settings


class SettingsMethod(Method):
    """A part of the settings. `fields` are the fields other than `method` that mean this method."""

    fields: ClassVar[tuple[str, ...]] = ()

    def is_submitted(self, flow: Flow, body: Body) -> bool:
        if body.get("method"):
            return super().is_submitted(flow, body)
        return any(name in body for name in self.fields)

    @abstractmethod
    def form_nodes(self, exchange: Exchange, flow: Flow, identity: Identity) -> list[Node]:
        """The nodes for the identity as it is now."""

    @abstractmethod
    def change(self, exchange: Exchange, flow: Flow, session: Session, body: Body) -> bool | Response:
        """Carry out a submission. Returns whether something is saved, or the response for the next step.

        Raises `InvalidSubmission` if the form is wrong, and `OryError` `session_refresh_required` if the person has
        to sign in again first.
        """
