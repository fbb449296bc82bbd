"""Signals about the shadow user; all are sent once the transaction that changed it has been committed."""

from django.dispatch import Signal

__all__ = ["user_created", "user_linked", "user_updated"]

user_created = Signal()
"""A user was created, or an existing one linked, for an identity. Sends ``user``, ``identity``, ``request``."""

user_linked = Signal()
"""An existing user was linked by ``LINK_BY_VERIFIED_EMAIL``. End credentials of your project that whoever had the
account before may still hold. Sends ``user``, ``identity``, ``request``; ``user_created`` is sent as well."""

user_updated = Signal()
"""A user was updated because the identity had changed. Sends ``user``, ``identity``, ``request``."""
