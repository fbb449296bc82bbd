"""A project's own ways to admit, create and update users."""

import time

from ory_auth.types import Identity, OrySession
from ory_auth.users import UserHandler
from tests.support.types import Json, User


class NoGuests(UserHandler):
    """Admits only people whose address is of the firm's domain."""

    def admit(self, session: OrySession, user: User | None) -> bool:
        return super().admit(session, user) and session.identity.traits["email"].endswith("@firm.example")


class Shouting(UserHandler):
    """Writes first names in capitals."""

    def values(self, identity: Identity) -> Json:
        values = super().values(identity)
        return {**values, "first_name": values["first_name"].upper()}


class LetsEveryoneIn(UserHandler):
    """Forgets to look at the user."""

    def admit(self, session: OrySession, user: User | None) -> bool:
        return True


class Hesitating(UserHandler):
    """Takes its time over somebody new, so that many requests find nobody before one of them creates anyone."""

    def admit(self, session: OrySession, user: User | None) -> bool:
        if user is None:
            time.sleep(0.1)
        return super().admit(session, user)


class AwaitsApproval(UserHandler):
    """Somebody of this site has to switch new people on first."""

    def create(self, identity: Identity) -> User:
        user: User = super().create(identity)
        user.is_active = False
        user.save()
        return user


class TrustsTheAddress(UserHandler):
    """Links everybody whose address matches, also staff."""

    def may_link(self, identity: Identity, user: User) -> bool:
        return True


class NeverLinks(UserHandler):
    """This site has never verified an address."""

    def may_link(self, identity: Identity, user: User) -> bool:
        return False


class KeepsOldAddresses(UserHandler):
    """Would rather have an old address than none."""

    def replacement(self, user: User, field: str, identity: Identity) -> object:
        return getattr(user, field)
