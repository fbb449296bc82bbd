"""Signals about the shadow user; both are sent once the transaction that changed it has been committed."""

from django.dispatch import Signal

__all__ = ["user_created", "user_updated"]

user_created = Signal()
"""A user was created, or an existing one linked, for an identity. Sends ``user``, ``identity``, ``request``."""

user_updated = Signal()
"""A user followed a change of its identity. Sends ``user``, ``identity``, ``request``."""
