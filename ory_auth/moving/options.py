"""What a project decides about moving its users."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.utils.module_loading import import_string

from ..users.fields import user_model

Traits = Callable[[Any], Mapping[str, Any]]
Metadata = Callable[[Any], Any]
OwnSecondFactors = Callable[[Any], Mapping[str, Any] | None]
Verified = Callable[[Any], bool | Iterable[str]]


@dataclass(frozen=True, slots=True)
class MoveOptions:
    """How users become identities.

    ``traits``, ``metadata_public`` and ``metadata_admin`` are called with a user and return JSON. Without them, traits
    and public metadata are the inverse of ``USER_FIELDS``. ``verified`` is called with a user, or names a field of the
    user; it says whether the user's e-mail address is verified, or returns the addresses that are. Without it, the
    addresses are verified that django-allauth calls verified.

    ``second_factors`` is called with a user and returns a dict with some of the keys ``totp`` (Base32),
    ``recovery_codes``, ``security_keys``, ``passkeys``, ``user_handle`` and ``cannot_move``. Without it, the second
    factors are those of django-otp and django-allauth.

    ``providers`` maps the names of providers in Django to the IDs of providers in Ory's configuration.
    ``migration_hook`` says whether passwords that only Django can check are left to the password migration hook; by
    default, they are if ``PASSWORD_MIGRATION_SECRETS`` is set. Set to ``False``, those people move without a password.
    """

    traits: Traits | None = None
    metadata_public: Metadata | None = None
    metadata_admin: Metadata | None = None
    verified: Verified | str | None = None
    second_factors: OwnSecondFactors | None = None
    providers: Mapping[str, str] = field(default_factory=dict)
    schema_id: str = ""
    migration_hook: bool | None = None
    allow_lost_second_factors: bool = False


def read_options(
    *,
    traits: str = "",
    metadata_public: str = "",
    metadata_admin: str = "",
    verified: str = "",
    second_factors: str = "",
    providers: Iterable[str] = (),
    schema_id: str = "",
    migration_hook: bool | None = None,
    allow_lost_second_factors: bool = False,
) -> MoveOptions:
    """The options, from the texts that a command line has. Raises ``ValueError`` with what is wrong.

    Functions are dotted paths, and ``providers`` are texts such as ``"google=google-eu"``.
    """
    return MoveOptions(
        traits=_import_function(traits, "--traits") if traits else None,
        metadata_public=_import_function(metadata_public, "--metadata-public") if metadata_public else None,
        metadata_admin=_import_function(metadata_admin, "--metadata-admin") if metadata_admin else None,
        verified=_read_verified(verified),
        second_factors=_import_function(second_factors, "--second-factors") if second_factors else None,
        providers=dict(_read_provider(text) for text in providers),
        schema_id=schema_id,
        migration_hook=migration_hook,
        allow_lost_second_factors=allow_lost_second_factors,
    )


def _import_function(path: str, option: str) -> Callable[[Any], Any]:
    try:
        function = import_string(path)
    except ImportError as error:
        raise ValueError(f"{option}: {path} cannot be imported: {error}.") from None
    if not callable(function):
        raise ValueError(f"{option}: {path} is not a function that takes a user.")
    return function  # type: ignore[no-any-return]


def _read_verified(text: str) -> Verified | str | None:
    if not text:
        return None
    if "." in text:
        return _import_function(text, "--verified")
    try:
        user_model()._meta.get_field(text)
    except FieldDoesNotExist:
        raise ValueError(
            f"--verified: the user model has no field {text!r}. Name a field, or a function by its dotted path."
        ) from None
    return text


def _read_provider(text: str) -> tuple[str, str]:
    name, separator, provider_id = text.partition("=")
    if not (name and separator and provider_id):
        raise ValueError(
            f"--provider {text}: write the provider's name in Django, '=', and its ID in Ory's configuration, "
            "such as google=google-eu."
        )
    return name, provider_id
