"""Identities at Ory, from Python: create, invite, find and change them, end sessions, help with recovery.

Each function has an async twin whose name begins with ``a``: ``create`` and ``acreate``. The functions that take
``who`` accept the ID of an identity (a ``UUID`` or its text), an :class:`ory_auth.types.Identity`, an
:class:`ory_auth.models.OryIdentity`, or a user.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .account_help import RecoveryCode, RecoveryLink
    from .invitations import Invitation
    from .public import (
        aactivate,
        acreate,
        activate,
        adeactivate,
        adelete,
        afind,
        aget,
        aget_by_external_id,
        ainvite,
        arecovery_code,
        arecovery_link,
        aremove_second_factor,
        aresend_verification,
        arevoke_session,
        arevoke_sessions,
        asend_recovery,
        asessions,
        aset_metadata,
        aupdate,
        create,
        deactivate,
        delete,
        find,
        get,
        get_by_external_id,
        invite,
        recovery_code,
        recovery_link,
        remove_second_factor,
        resend_verification,
        revoke_session,
        revoke_sessions,
        send_recovery,
        sessions,
        set_metadata,
        update,
    )

__all__ = [
    "Invitation",
    "RecoveryCode",
    "RecoveryLink",
    "aactivate",
    "acreate",
    "activate",
    "adeactivate",
    "adelete",
    "afind",
    "aget",
    "aget_by_external_id",
    "ainvite",
    "arecovery_code",
    "arecovery_link",
    "aremove_second_factor",
    "aresend_verification",
    "arevoke_session",
    "arevoke_sessions",
    "asend_recovery",
    "asessions",
    "aset_metadata",
    "aupdate",
    "create",
    "deactivate",
    "delete",
    "find",
    "get",
    "get_by_external_id",
    "invite",
    "recovery_code",
    "recovery_link",
    "remove_second_factor",
    "resend_verification",
    "revoke_session",
    "revoke_sessions",
    "send_recovery",
    "sessions",
    "set_metadata",
    "update",
]

_MODULES = {"Invitation": "invitations", "RecoveryCode": "account_help", "RecoveryLink": "account_help"}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, because models can only be imported once Django is set up."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES.get(name, 'public')}", __name__), name)
