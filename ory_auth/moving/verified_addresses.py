"""Which of a user's addresses are verified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ory.identifiers import normalize_identifier
from ..users.fields import email_field
from .installed_models import rows_by_user
from .options import Verified


class Reader:
    """Reads the addresses of one batch of users that django-allauth has verified, in one query."""

    def __init__(self, users: Sequence[Any], verified: Verified | str | None) -> None:
        self._verified = verified
        self._allauth = rows_by_user("account.EmailAddress", "allauth", users) if verified is None else {}

    def verified_addresses(self, user: Any) -> frozenset[str]:
        """The addresses, as Kratos would store them. May raise whatever the project's function raises."""
        if self._verified is None:
            found: Any = [row.email for row in self._allauth.get(user.pk, ()) if row.verified]
        else:
            found = self._verified(user) if callable(self._verified) else bool(getattr(user, self._verified))
            if isinstance(found, bool):
                found = [str(getattr(user, email_field(), None) or "")] if found else []
        return frozenset(normalize_identifier(str(address)) for address in found)
