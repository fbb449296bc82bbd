"""A project's own ways to admit, create and update users."""

import time

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


class Hesitating(UserHandler):
    """Takes its time over somebody new, so that many requests find nobody before one of them creates anyone."""

    def admit(self, session, user):
        if user is None:
            time.sleep(0.1)
        return super().admit(session, user)


class AwaitsApproval(UserHandler):
    """Somebody of this site has to switch new people on first."""

    def create(self, identity):
        user = super().create(identity)
        user.is_active = False
        user.save()
        return user
