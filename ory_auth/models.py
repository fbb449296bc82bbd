"""What this project stores about identities and sessions at Ory, web hooks, synchronizations and impersonations."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["Impersonation", "OryIdentity"]


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

    state = models.CharField(
        _("state"), max_length=16, blank=True, default="", help_text=_("Ory's word, such as active or inactive.")
    )
    has_verified_address = models.BooleanField(_("has a verified address"), null=True, default=None)
    synced_at = models.DateTimeField(_("last synchronization"), null=True, default=None)
    deleted_at = models.DateTimeField(
        _("deleted at Ory"), null=True, default=None, help_text=_("When this site learned that Ory has deleted it.")
    )
    # So that a person who is activated again at Ory becomes active here, unless the project had deactivated them.
    deactivated_at = models.DateTimeField(
        _("deactivated here"), null=True, default=None, help_text=_("When the user was deactivated because of Ory.")
    )

    class Meta:
        verbose_name = _("Ory identity")
        verbose_name_plural = _("Ory identities")
        permissions = (
            ("revoke_sessions", _("Can end a person's sessions at Ory")),
            ("deactivate_identity", _("Can deactivate a person at Ory")),
            ("activate_identity", _("Can activate a person at Ory")),
            ("send_recovery", _("Can mail a recovery link or code to a person")),
            ("show_recovery", _("Can see a person's recovery link or code")),
            ("resend_verification", _("Can send the verification of an address again")),
            ("remove_second_factor", _("Can remove a person's second factor at Ory")),
            ("open_in_console", _("Can open a person in Ory Console")),
        )

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


class OryWebhookCall(models.Model):
    """A web hook that was carried out here, so that a repeated one changes nothing. Old rows are deleted."""

    trigger_id = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=64)
    received_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class OrySyncRun(models.Model):
    """One run of ``ory_sync``. A run that was interrupted goes on at ``page_token``."""

    started_at = models.DateTimeField()
    page_token = models.CharField(max_length=500, blank=True, default="")
    pages = models.PositiveIntegerField(default=0)
    identities = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, default=None)  # one process at a time; a killed one loses the lease
    finished_at = models.DateTimeField(null=True, default=None)

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"


class EndReason(StrEnum):
    """Why an impersonation ended: the ``end_reason`` of its row."""

    STOPPED = "stopped"  # the staff member pressed the button
    SIGNED_OUT = "signed_out"  # the staff member signed out here
    SESSION_ENDED = "session_ended"  # the staff member's session ended at Ory, or the browser has another one
    EXPIRED = "expired"
    RIGHTS_CHANGED = "rights_changed"  # the rule no longer allows it
    USER_GONE = "user_gone"  # one of the two users was deleted
    REPLACED = "replaced"  # another impersonation began in the same session


class Impersonation(models.Model):
    """A staff member sees the site as another user: the state of the impersonation, and its record for audits.

    The names stay when a user is deleted.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    actor: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("staff member"),
    )
    actor_name = models.CharField(_("name of the staff member"), max_length=254)
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )
    user_name = models.CharField(_("name of the user"), max_length=254)
    actor_identity_id = models.UUIDField(_("Ory identity of the staff member"))
    identity_id = models.UUIDField(_("Ory identity of the user"), null=True)
    session_id = models.UUIDField(_("session of the staff member"), db_index=True)
    reason = models.TextField(_("reason"))
    address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    user_agent = models.CharField(_("browser"), max_length=400, blank=True, default="")
    started_at = models.DateTimeField(_("start"), db_index=True)
    expires_at = models.DateTimeField(_("latest end"))
    ended_at = models.DateTimeField(_("end"), null=True, default=None)
    end_reason = models.CharField(_("why it ended"), max_length=32, blank=True, default="")

    class Meta:
        verbose_name = _("impersonation")
        verbose_name_plural = _("impersonations")
        ordering = ("-started_at",)
        default_permissions = ("view",)
        permissions = (("impersonate", _("Can impersonate people with fewer rights")),)

    def __str__(self) -> str:
        return str(self.pk)
