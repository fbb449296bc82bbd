"""``LINK_BY_VERIFIED_EMAIL``: which existing user is linked to an identity, and which of their credentials end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import Error, models, router, transaction

from ..models import OryIdentity
from ..ory.same_text import is_same_text
from ..types import Identity
from .database_errors import refusal_of
from .fields import email_field, has_field, user_model


def find_by_verified_email(identity: Identity, using: str) -> Any:
    """The user who has an address that Ory has verified for this identity; ``None`` if there is not exactly one.

    Locks the row, so call it in a transaction.
    """
    addresses, name = identity.verified_emails(), email_field()
    if not addresses or not has_field(name):
        return None
    users = user_model()._default_manager.using(using)
    same = models.Q()
    for address in addresses:
        same |= models.Q(**{name: address}) | models.Q(**{f"{name}__iexact": address})

    def is_verified(value: Any) -> bool:
        return any(is_same_text(value, address) for address in addresses)

    try:
        with transaction.atomic(using=using):
            matches = [pk for pk, value in users.filter(same).values_list("pk", name) if is_verified(value)]
    except (Error, UnicodeError) as error:
        if refusal_of(error) is None:
            raise
        return None  # the database cannot compare with this address, so no row has it
    if len(matches) != 1:
        return None
    user = users.select_for_update().filter(pk=matches[0]).first()
    return user if user is not None and is_verified(getattr(user, name)) else None


def is_linked(user: Any, using: str) -> bool:
    """Whether the user is linked to an identity already."""
    return OryIdentity.objects.using(using).filter(user_id=user.pk).exists()


def is_privileged(user: Any) -> bool:
    """Whether this user has special rights: staff, superuser, any group, any permission."""
    if getattr(user, "is_staff", False) or getattr(user, "is_superuser", False):
        return True
    relations: list[Any] = [getattr(user, name, None) for name in ("groups", "user_permissions")]
    return any(relation.exists() for relation in relations if hasattr(relation, "exists"))


# --- credentials of other packages ------------------------------------------------------------------------------------
# Their models are found by app label, and never imported. A label is ambiguous: a project may have its own app
# "account". So a model counts only if that package defines it, or if the package's setting names it.


def revoke_other_credentials(user: Any, addresses: list[str]) -> None:
    """End the user's credentials of these packages, which let people sign in without Ory.

    ``addresses`` have been verified by Ory. allauth's other addresses are deleted, since they can reset a password.
    """
    for label, package, setting in _MODELS_TO_DELETE:
        _end_credentials(user, label, package, setting, lambda rows: rows.delete())
    _end_credentials(user, "token_blacklist.OutstandingToken", "rest_framework_simplejwt", "", _blacklist_tokens)
    _end_credentials(
        user, "account.EmailAddress", "allauth", "", lambda rows: _delete_unverified_addresses(rows, addresses)
    )


_MODELS_TO_DELETE = (  # app label and model, package that defines it, setting that may name another model
    ("authtoken.Token", "rest_framework", ""),
    ("knox.AuthToken", "knox", "KNOX_TOKEN_MODEL"),
    ("oauth2_provider.Grant", "oauth2_provider", "OAUTH2_PROVIDER_GRANT_MODEL"),
    ("oauth2_provider.RefreshToken", "oauth2_provider", "OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL"),
    ("oauth2_provider.AccessToken", "oauth2_provider", "OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL"),
    ("oauth2_provider.IDToken", "oauth2_provider", "OAUTH2_PROVIDER_ID_TOKEN_MODEL"),
    ("socialaccount.SocialAccount", "allauth", ""),
    ("mfa.Authenticator", "allauth", ""),
    ("social_django.UserSocialAuth", "social_django", ""),
)


def _end_credentials(user: Any, label: str, package: str, setting: str, end: Callable[[Any], object]) -> None:
    configured = getattr(settings, setting, None) if setting else None
    try:
        model = apps.get_model(configured or label)
    except LookupError:
        return
    if configured or model.__module__.partition(".")[0] == package:
        manager: Any = model._base_manager
        end(manager.using(router.db_for_write(model, instance=user)).filter(user=user.pk))


def _blacklist_tokens(tokens: Any) -> None:
    blacklist = tokens.model._meta.get_field("blacklistedtoken").related_model
    for token in tokens.filter(blacklistedtoken=None):
        blacklist._base_manager.using(tokens.db).get_or_create(token=token)


def _delete_unverified_addresses(rows: Any, verified: list[str]) -> None:
    for row in rows:
        if not any(is_same_text(row.email, address) for address in verified):
            row.delete()
