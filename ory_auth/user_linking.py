"""``LINK_BY_VERIFIED_EMAIL``: which existing user an identity takes over, and what of the user's old life ends then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import Error, models, router, transaction

from .models import OryIdentity
from .refusals import refusal_of
from .same_text import is_same_text
from .types import Identity
from .user_fields import email_field, has_field, user_model


def find_by_verified_email(identity: Identity, using: str) -> Any:
    """The only user who has an address that Ory has verified for this identity, locked; ``None`` if there are more.

    In a transaction.
    """
    addresses, name = identity.verified_emails(), email_field()
    if not addresses or not has_field(name):
        return None
    users = user_model()._default_manager.using(using)
    same = models.Q()
    for address in addresses:
        same |= models.Q(**{name: address}) | models.Q(**{f"{name}__iexact": address})

    def is_theirs(value: Any) -> bool:
        return any(is_same_text(value, address) for address in addresses)

    try:
        with transaction.atomic(using=using):
            found = [pk for pk, value in users.filter(same).values_list("pk", name) if is_theirs(value)]
    except (Error, UnicodeError) as error:
        if refusal_of(error) is None:
            raise
        return None  # no row has an address that cannot even be asked for
    if len(found) != 1:
        return None
    user = users.select_for_update().filter(pk=found[0]).first()
    return user if user is not None and is_theirs(getattr(user, name)) else None


def is_linked(user: Any, using: str) -> bool:
    """Whether the user is an identity's already."""
    return OryIdentity.objects.using(using).filter(user_id=user.pk).exists()


def is_privileged(user: Any) -> bool:
    """Whether this user may do more than anybody who signs up: staff, superuser, any group, any permission."""
    if getattr(user, "is_staff", False) or getattr(user, "is_superuser", False):
        return True
    relations: list[Any] = [getattr(user, name, None) for name in ("groups", "user_permissions")]
    return any(relation.exists() for relation in relations if hasattr(relation, "exists"))


# --- credentials of other packages ------------------------------------------------------------------------------------
# They are found by the label of their app and never imported. A label says little ("account" may be an app of the
# project's own), so a model counts only if it is that package's, or is named by the package's setting for it.


def revoke_other_credentials(user: Any, addresses: list[str]) -> None:
    """End what lets people in as this user past Ory, as far as the packages are known here.

    ``addresses`` are those that Ory has verified: of allauth's addresses, through which a password can be reset, only
    they stay.
    """
    for label, package, setting in _DELETED:
        _of_user(user, label, package, setting, lambda rows: rows.delete())
    _of_user(user, "token_blacklist.OutstandingToken", "rest_framework_simplejwt", "", _blacklist)
    _of_user(user, "account.EmailAddress", "allauth", "", lambda rows: _delete_addresses(rows, addresses))


_DELETED = (
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


def _of_user(user: Any, label: str, package: str, setting: str, end: Callable[[Any], object]) -> None:
    named = getattr(settings, setting, None) if setting else None
    try:
        model = apps.get_model(named or label)
    except LookupError:
        return
    if named or model.__module__.partition(".")[0] == package:
        manager: Any = model._base_manager
        end(manager.using(router.db_for_write(model, instance=user)).filter(user=user.pk))


def _blacklist(tokens: Any) -> None:
    blacklist = tokens.model._meta.get_field("blacklistedtoken").related_model
    for token in tokens.filter(blacklistedtoken=None):
        blacklist._base_manager.using(tokens.db).get_or_create(token=token)


def _delete_addresses(rows: Any, verified: list[str]) -> None:
    for row in rows:
        if not any(is_same_text(row.email, address) for address in verified):
            row.delete()
