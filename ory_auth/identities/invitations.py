"""Operations that mail people a way into their account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Literal
from uuid import UUID

from django.db import transaction

from ..conf import conf
from ..exceptions import InvitationNotSent, MethodDisabled
from ..types import Identity
from ..users.fields import email_field, user_fields
from .account_help import RecoveryCode, RecoveryLink, recovery_address, recovery_code, recovery_link
from .changing import create, undo_creation
from .driver import Steps, locally
from .json_patch import merge_patch
from .mail import Letter, send_letter
from .reading import get
from .rollback import open_transactions
from .targets import Who

Method = Literal["code", "link"]
INVITATION_DAYS = 7
BOTH_DISABLED = (
    "Recovery by code and by link is turned off at Ory, so nothing can be mailed. Set selfservice.methods.code.enabled "
    "to true."
)


@dataclass(frozen=True)
class Invitation:
    """A person who was invited, and the code or link in their mail. Its ``repr`` hides both."""

    identity: Identity
    recovery: RecoveryCode | RecoveryLink


def invite(
    email: str,
    *,
    traits: Mapping[str, Any] | None = None,
    schema_id: str = "",
    external_id: str = "",
    metadata_public: Any = None,
    metadata_admin: Any = None,
    create_user: bool = False,
    method: Method | None = None,
    expires_in: timedelta = timedelta(days=INVITATION_DAYS),
    language: str | None = None,
    from_email: str | None = None,
    context: Mapping[str, Any] | None = None,
    keep: bool = False,
) -> Steps[Invitation]:
    """Create an identity, and mail the person a code with which they sign in and choose a password.

    The address goes into the trait that ``USER_FIELDS`` names for the user's e-mail field (``traits.email``).
    ``traits`` are the others. ``method`` is ``"code"`` or ``"link"``. By default it is a code, or a link if Ory's
    recovery by code is turned off. ``language`` is that of the mail, by default the active one. ``context`` is for
    your own templates ``ory_auth/email/invitation_{subject.txt,body.txt,body.html}``. The other arguments are those of
    :func:`create`.

    In a database transaction, the mail is sent after the commit. A rollback leaves nothing of the invitation.

    Raises :class:`.Conflict` if a person with this address exists: then :func:`send_recovery` mails them a code.
    Raises :class:`.InvitationNotSent` if Django cannot send the mail, and :class:`.MethodDisabled` if Ory has no method
    for it. In both cases the identity is deleted again, unless ``keep`` is true.
    """
    identity = yield from create(
        traits=merge_patch(_address_trait(email), traits or {}),
        schema_id=schema_id,
        external_id=external_id,
        metadata_public=metadata_public,
        metadata_admin=metadata_admin,
        create_user=create_user,
    )
    try:
        recovery = yield from _create_recovery(identity.id, method, expires_in)
    except Exception:
        yield from locally(_give_up, identity.id, keep=keep)
        raise
    letter = Letter("invitation", email, identity, language, from_email, context or {})
    yield from locally(_send_after_commit, letter, recovery, keep=keep)
    return Invitation(identity, recovery)


def send_recovery(
    who: Who,
    *,
    method: Method | None = None,
    expires_in: timedelta | None = None,
    language: str | None = None,
    from_email: str | None = None,
    context: Mapping[str, Any] | None = None,
) -> Steps[None]:
    """Mail a person a code with which they sign in and choose a new password, to their own address.

    A verified address is preferred. The templates are ``ory_auth/email/recovery_{subject.txt,body.txt,body.html}``; the
    arguments are those of :func:`invite`. Call it again for a person whose invitation was lost.

    Raises :class:`.NotFound`, also if the identity has no address; :class:`.MethodDisabled`; and
    :class:`.InvitationNotSent` if Django cannot send the mail.
    """
    identity = yield from get(who)
    address = recovery_address(identity)
    recovery = yield from _create_recovery(identity.id, method, expires_in)
    letter = Letter("recovery", address, identity, language, from_email, context or {})
    cause = yield from locally(send_letter, letter, recovery)
    if cause:
        raise InvitationNotSent(_not_sent(cause), cause=cause)


def _create_recovery(
    identity_id: UUID, method: Method | None, expires_in: timedelta | None
) -> Steps[RecoveryCode | RecoveryLink]:
    if method not in {None, "code", "link"}:
        raise ValueError('method must be "code" or "link".')
    if method == "link":
        return (yield from recovery_link(identity_id, expires_in=expires_in))
    try:
        return (yield from recovery_code(identity_id, expires_in=expires_in))
    except MethodDisabled:
        if method == "code":
            raise
    try:
        return (yield from recovery_link(identity_id, expires_in=expires_in))
    except MethodDisabled:
        pass
    raise MethodDisabled(BOTH_DISABLED)


def _send_after_commit(letter: Letter, recovery: RecoveryCode | RecoveryLink, *, keep: bool) -> None:
    connections = open_transactions()
    if connections:
        transaction.on_commit(partial(_send, letter, recovery, keep=keep), using=connections[0].alias)
    else:
        _send(letter, recovery, keep=keep)


def _send(letter: Letter, recovery: RecoveryCode | RecoveryLink, *, keep: bool) -> None:
    cause = send_letter(letter, recovery)
    if cause:
        _give_up(letter.identity.id, keep=keep)
        rest = "The identity remains." if keep else "The identity was deleted again."
        raise InvitationNotSent(f"{_not_sent(cause)} {rest}", cause=cause)


def _give_up(identity_id: UUID, *, keep: bool) -> None:
    if not keep:
        undo_creation(identity_id)


def _not_sent(cause: str) -> str:
    return f"Django could not send the mail ({cause}). Check its e-mail settings, and your templates ory_auth/email/."


def _address_trait(email: str) -> dict[str, Any]:
    """The traits that consist of the address only."""
    path = user_fields(conf()).get(email_field(), "")
    path = path if path.startswith("traits.") else "traits.email"  # "verified_email", for example
    value: Any = email
    for name in reversed(path.split(".")[1:]):
        value = [value] if name == "0" else {name: value}
    return value  # type: ignore[no-any-return]
