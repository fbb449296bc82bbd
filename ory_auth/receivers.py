"""What Django's own sign-in and sign-out mean for the Ory session of the same request."""

from __future__ import annotations

from typing import Any

from .authentication import RequestState


def on_user_logged_in(sender: Any, request: Any, **_: Any) -> None:
    """Django's ``login()`` was called; our own announcement comes without a Django session and passes by."""
    state = getattr(request, "_ory_state", None)
    if isinstance(state, RequestState):
        state.django_signed_in()


def on_user_logged_out(sender: Any, request: Any, **_: Any) -> None:
    """Django's ``logout()`` ends the Ory session as well."""
    state = getattr(request, "_ory_state", None)
    if isinstance(state, RequestState):
        state.sign_out()
