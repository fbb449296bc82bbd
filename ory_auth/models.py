"""The links between the users of this project and identities at Ory."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["OryIdentity"]


class OryIdentity(models.Model):
    """The link between an identity at Ory and its shadow user. The primary key is the identity's ID at Ory.

    When the user is deleted, the link stays, with ``user`` empty.
    """

    id = models.UUIDField(_("Ory identity"), primary_key=True)
    # None: the user was deleted. Only a later sign-in at Ory creates a new one. See ory_auth.users.delete_user.
    user: models.OneToOneField[Any, Any] = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="ory_identity",
        verbose_name=_("user"),
    )
    updated_at = models.DateTimeField(
        _("state of the identity"),
        help_text=_("Ory's updated_at when the user's fields were last taken from the identity."),
    )
    authenticated_at = models.DateTimeField(
        _("last sign-in at Ory"), help_text=_("Ory's authenticated_at of the newest session that was seen here.")
    )

    class Meta:
        verbose_name = _("Ory identity")
        verbose_name_plural = _("Ory identities")

    def __str__(self) -> str:
        return str(self.pk)


class OrySignIn(models.Model):
    """A session at Ory that this site has seen, so that ``user_logged_in`` is sent only once for it.

    The primary key is the session's ID at Ory, which stays the same when the person re-authenticates, steps up or sets
    up a second factor. Rows of ended sessions are deleted when the person next signs in.
    """

    session_id = models.UUIDField(primary_key=True)
    identity = models.ForeignKey(OryIdentity, on_delete=models.CASCADE, related_name="sign_ins")
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.pk)
