"""The authentication backend for users that Ory signs in: Django's permissions, without passwords."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

__all__ = ["OryBackend"]


class OryBackend(ModelBackend):
    """Django's ``ModelBackend`` for permissions only. It accepts no password, because passwords are at Ory."""

    def authenticate(self, request: Any, username: Any = None, password: Any = None, **kwargs: Any) -> None:
        return None

    async def aauthenticate(self, request: Any, username: Any = None, password: Any = None, **kwargs: Any) -> None:
        return None
