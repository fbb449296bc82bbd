"""Signals about the shadow user. All are sent after the transaction that changed it is committed."""

from django.dispatch import Signal

__all__ = ["user_created", "user_linked", "user_updated"]

user_created = Signal()
"""A user was created, or an existing one linked, for an identity. Sends ``user``, ``identity``, ``request``."""

user_linked = Signal()
"""An existing user was linked by ``LINK_BY_VERIFIED_EMAIL``. Revoke your project's own credentials of this user, which
a previous holder of the account may still have. Sends ``user``, ``identity``, ``request``. ``user_created`` is also
sent."""

user_updated = Signal()
"""A user was updated because the identity had changed. Sends ``user``, ``identity``, ``request``."""
