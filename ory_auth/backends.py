"""The authentication backend of users that Ory signs in: Django's permissions, and no passwords."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

__all__ = ["OryBackend"]


class OryBackend(ModelBackend):
    """Django's ``ModelBackend`` for permissions; it never signs anyone in by a password, as those are at Ory."""

    def authenticate(self, request: Any, username: Any = None, password: Any = None, **kwargs: Any) -> None:
        return None

    async def aauthenticate(self, request: Any, username: Any = None, password: Any = None, **kwargs: Any) -> None:
        return None
