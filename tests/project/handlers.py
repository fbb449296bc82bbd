"""A project's own ways to admit, create and update users."""

import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django.db import transaction

from ory_auth.types import Identity, OrySession
from ory_auth.users import UserHandler, delete_user
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


class AdmitsStaff(UserHandler):
    """Admits people who are staff, and new people, whose roles are not applied yet."""

    def admit(self, session: OrySession, user: User | None) -> bool:
        return super().admit(session, user) and (user is None or user.is_staff)


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


class KeepsOrders(UserHandler):
    """Has data of its own about people."""

    def export(self, user: User, identity: Identity) -> Mapping[str, Any]:
        return {**super().export(user, identity), "orders": [{"id": 1, "total": Decimal("9.99")}]}


class NeedsAnOwner(UserHandler):
    """Does not let an owner go."""

    def refuse_deletion(self, user: User, identity: Identity) -> str:
        return "You are the only owner of <b>Acme</b>."


class DeletesRows(UserHandler):
    """Keeps nothing about people who leave."""

    def delete(self, user: User, identity: Identity) -> None:
        delete_user(user)


class FailsToDelete(UserHandler):
    """Breaks off half way."""

    def delete(self, user: User, identity: Identity) -> None:
        super().delete(user, identity)
        raise RuntimeError


class TellsOthers(UserHandler):
    """Tells another service, once the account is gone."""

    told: ClassVar[list[str]] = []

    def delete(self, user: User, identity: Identity) -> None:
        super().delete(user, identity)
        transaction.on_commit(lambda: self.told.append(str(identity.id)))


class ProtectsAda(UserHandler):
    """Support has to ask some people first."""

    def refuse_impersonation(self, actor: Any, user: Any) -> str:
        return "Ask Ada first." if user.get_username() == "ada" else ""
