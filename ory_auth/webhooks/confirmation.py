"""Carries out a call: asks Ory's admin API what is true, and applies that.

The call itself proves nothing. It may be forged by a person who has found the secret, old, repeated, or out of order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.db import transaction

from ..conf import Conf
from ..exceptions import NotFound, OryAuthError
from ..identities.effects import apply_deletion, apply_identity, apply_session_end
from ..models import OryIdentity
from ..ory.admin_client import AdminClient, admin_client_of
from ..ory.json_types import read_identity
from ..types import Identity
from ..users.database import writing_alias
from .calls import Call, Subject
from .deliveries import prune, remember, was_carried_out
from .right_server import has_identities_of_this_site

Effect = Callable[[], object]


class NotConfirmed(OryAuthError):
    """The admin API does not say what the call says. Ory may be behind, so the call should be repeated."""


def carry_out(call: Call, conf: Conf) -> bool:
    """Apply what the admin API says about the subject of the call; ``False`` if there is nothing to do any more.

    Raises :class:`NotConfirmed`, the errors of the admin client, and ``django.db.Error``. Then nothing has changed, and
    the call is not remembered.
    """
    if call.id is None:
        return False
    using = writing_alias()
    if was_carried_out(call.key, using):
        return False
    effect = _confirm(call, call.id, conf, using)
    with transaction.atomic(using=using):
        if not remember(call.kind, call.key, using):
            return False
        effect()
    prune(using)
    return True


def _confirm(call: Call, about: UUID, conf: Conf, using: str) -> Effect:
    """What to do, according to the admin API."""
    client = admin_client_of(conf)
    if call.subject is Subject.SESSION_END:
        return _confirm_session_end(about, client, conf, using)
    link = OryIdentity.objects.using(using).filter(pk=about).first()
    if link is None and not (conf.webhook_creates_users and call.subject is Subject.IDENTITY):
        return _do_nothing  # a person who was never here
    identity = _fetch_identity(about, client)
    if identity is not None:
        return partial(apply_identity, identity, conf, create=conf.webhook_creates_users)
    if link is None or not has_identities_of_this_site(client, about, using):
        raise NotConfirmed("The admin API does not know the identity.")
    # Another event about an identity that was deleted meanwhile: the one about its deletion follows, or has come.
    return partial(apply_deletion, about, conf) if call.subject is Subject.DELETION else _do_nothing


def _do_nothing() -> None:
    pass


def _fetch_identity(identity_id: UUID, client: AdminClient) -> Identity | None:
    """The identity as it is now; ``None`` if this server does not know it."""
    try:
        return read_identity(client.get_identity(identity_id), identity_id)
    except NotFound:
        return None


def _confirm_session_end(session_id: UUID, client: AdminClient, conf: Conf, using: str) -> Effect:
    try:
        has_ended = client.get_session(session_id).get("active") is False
    except NotFound:
        has_ended = has_identities_of_this_site(client, None, using)
    if not has_ended:
        raise NotConfirmed("The admin API does not say that the session has ended.")
    return partial(apply_session_end, session_id, conf)
