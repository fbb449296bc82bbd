"""Challenges: codes and links that the local Ory has sent to an address, so that a person proves that it is theirs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from .identity import Identity
from .session import ALPHANUMERIC

TOKEN_LENGTH = 32


def new_link_token() -> str:
    return "".join(secrets.choice(ALPHANUMERIC) for _ in range(TOKEN_LENGTH))


@dataclass
class Challenge:
    """What was sent to `address`: a one-time code, or the token of a link. In registration, `identity` is not saved."""

    secret: str = field(repr=False)
    identity: Identity
    address: str
    used: bool = False


class TooManyTries(Exception):
    """A flow has received too many codes."""


class AlreadyUsed(Exception):
    """The code or the link has been used before."""


@dataclass
class Challenges:
    """The challenges of one flow, and how often a code was submitted."""

    sent: list[Challenge] = field(default_factory=list)
    tries: int = 0

    def use_code(self, code: str, max_tries: int) -> Challenge | None:
        """The challenge with this code, `None` if the code is wrong. Raises `TooManyTries` or `AlreadyUsed`."""
        self.tries += 1
        if self.tries > max_tries:
            raise TooManyTries
        return self.use_token(code)

    def use_token(self, secret: str) -> Challenge | None:
        """The challenge with this secret, `None` if there is none. Raises `AlreadyUsed`."""
        challenge = next((one for one in self.sent if one.secret == secret), None)
        if challenge is None:
            return None
        if challenge.used:
            raise AlreadyUsed
        challenge.used = True
        return challenge

    def forget(self, identity_id: str) -> None:
        """Delete the challenges of an identity."""
        self.sent = [challenge for challenge in self.sent if challenge.identity.id != identity_id]
