"""A project's own ways to admit, create and update users."""

from ory_auth.users import UserHandler


class NoGuests(UserHandler):
    """Admits only people whose address is of the firm's domain."""

    def admit(self, session, user):
        return super().admit(session, user) and session.identity.traits["email"].endswith("@firm.example")


class Shouting(UserHandler):
    """Writes first names in capitals."""

    def values(self, identity):
        values = super().values(identity)
        return {**values, "first_name": values["first_name"].upper()}


class LetsEveryoneIn(UserHandler):
    """Forgets to look at the user."""

    def admit(self, session, user):
        return True
