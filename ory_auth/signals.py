"""Signals about users, identities, sessions and impersonations. They are sent after the transaction is committed.

``request`` is ``None`` if a web hook, ``ory_sync`` or ``ory_auth.identities`` has changed the user.
"""

from django.dispatch import Signal

__all__ = [
    "identity_changed",
    "identity_deleted",
    "impersonation_ended",
    "impersonation_started",
    "session_ended",
    "user_created",
    "user_linked",
    "user_updated",
]

user_created = Signal()
"""A user was created, or an existing one linked, for an identity. Sends ``user``, ``identity``, ``request``."""

user_linked = Signal()
"""An existing user was linked by ``LINK_BY_VERIFIED_EMAIL``. Revoke your project's own credentials of this user, which
a previous holder of the account may still have. Sends ``user``, ``identity``, ``request``. ``user_created`` is also
sent."""

user_updated = Signal()
"""A user was updated because the identity had changed. Sends ``user``, ``identity``, ``request``."""

identity_changed = Signal()
"""Ory has confirmed a change of an identity, outside of a sign-in. Sends ``identity`` (an ``Identity``) and ``user``
(``None`` if it has no user here)."""

identity_deleted = Signal()
"""Ory no longer has an identity. Sends ``identity_id`` (a UUID) and ``user`` (``None`` if it had no user here)."""

session_ended = Signal()
"""A session has ended at Ory. Sends ``session_id`` and ``identity_id`` (UUIDs), and ``user`` (or ``None``)."""

impersonation_started = Signal()
"""A staff member started to impersonate a user. Sends ``impersonation`` (a row of ``Impersonation``) and
``request``."""

impersonation_ended = Signal()
"""An impersonation has ended. Sends ``impersonation`` and ``request``."""
