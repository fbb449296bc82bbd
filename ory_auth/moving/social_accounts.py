"""The social accounts that django-allauth and social-auth store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .installed_models import rows_by_user
from .notices import Notice

_NAME = re.compile(r"[\w.-]{1,64}")


@dataclass(frozen=True, slots=True)
class SocialAccounts:
    """``providers`` are entries of ``credentials.oidc.config.providers``; ``left`` says what does not move."""

    providers: tuple[Mapping[str, str], ...] = field(default=(), repr=False)
    left: tuple[Notice, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(provider["provider"] for provider in self.providers))


class Reader:
    """Reads the rows of one batch of users, in two queries, and then the social accounts of each user."""

    def __init__(self, users: Sequence[Any], providers: Mapping[str, str]) -> None:
        self._providers = providers
        self._sources = (
            rows_by_user("socialaccount.SocialAccount", "allauth", users),
            rows_by_user("social_django.UserSocialAuth", "social_django", users),
        )

    def social_accounts(self, user: Any) -> SocialAccounts:
        rows = [row for source in self._sources for row in source.get(user.pk, ())]
        return convert_accounts(
            ((row.provider, str(row.uid), str(getattr(row, "id_key", ""))) for row in rows), self._providers
        )


def convert_accounts(accounts: Iterable[tuple[str, str, str]], providers: Mapping[str, str]) -> SocialAccounts:
    """Convert accounts with a provider's name, the ID of the person there, and the claim that is this ID, if known."""
    converted: dict[tuple[str, str], Mapping[str, str]] = {}
    left: dict[str, Notice] = {}
    for name, uid, claim in accounts:
        shown = name if _NAME.fullmatch(name) else "a provider"
        if name not in providers:
            left[f"unmapped {name}"] = Notice(
                "provider_not_mapped",
                f"The account at {shown} is not moved, because its provider at Ory is not known.",
                f"Add --provider {shown}=ID with the provider's ID in Ory's configuration.",
            )
        elif not uid or "@" in uid or claim in {"email", "username"}:
            left[f"address {name}"] = Notice(
                "uid_is_address",
                f"The account at {shown} is not moved: it is stored by an e-mail address or username, which may belong "
                "to another person later, and Ory knows people by the provider's own ID.",
                "Nothing to do: the person links the account again in the settings. With social-auth, set "
                "SOCIAL_AUTH_GOOGLE_OAUTH2_ID_KEY = 'sub' some time before the move.",
            )
        else:
            provider_id = providers[name]
            converted[provider_id, uid] = {"provider": provider_id, "subject": uid}
    return SocialAccounts(tuple(converted.values()), tuple(left.values()))
