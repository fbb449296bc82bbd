"""Receivers of Django's signals: for its own sign-in and sign-out, and for changes of users with cached rows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model

from ..models import EndReason, OryIdentity
from ..users import row_cache


def on_user_logged_in(sender: Any, request: Any, user: Any, **_: Any) -> None:
    """Django's ``login()`` was called; the signal of this package has no Django session and is ignored."""
    state = getattr(request, "_ory_state", None)
    if state is not None:
        state.handle_django_login(user)


def on_user_logged_out(sender: Any, request: Any, **_: Any) -> None:
    """Django's ``logout()`` also ends the Ory session."""
    state = getattr(request, "_ory_state", None)
    if state is not None:
        state.sign_out()


def on_session_ended(sender: Any, session_id: UUID, **_: Any) -> None:
    """A session has ended at Ory: so have the impersonations that began in it."""
    from .impersonation import end_impersonations  # on use, because every command loads this module

    end_impersonations(EndReason.SESSION_ENDED, session_id=session_id)


def on_user_changed(sender: Any, instance: Any, using: str, **_: Any) -> None:
    """A user, or what links one to an identity, was saved or deleted."""
    if isinstance(instance, OryIdentity):
        row_cache.invalidate(UUID(str(instance.pk)).bytes, using)  # the user it was linked to before
    else:
        row_cache.invalidate(instance.pk, using)


def on_rights_changed(sender: Any, instance: Any, using: str, **_: Any) -> None:
    """Groups or permissions of a user or a group have changed, and with a group those of any number of users."""
    row_cache.invalidate(instance.pk if isinstance(instance, get_user_model()) else None, using)
