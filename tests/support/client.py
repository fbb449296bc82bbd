"""A test client that works the same under WSGI and ASGI."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from tests.support.types import Response


class _AsyncClient(AsyncClient):
    """Django's client sends its own ``Host`` and ``Cookie`` headers beside those of a test, even if they are empty."""

    def _base_scope(self, **request: object) -> dict[str, Any]:
        scope: dict[str, Any] = super()._base_scope(**request)  # type: ignore[misc]  # unknown to django-stubs
        of = {name: [h for h in scope["headers"] if h[0] == name and h[1]] for name in (b"host", b"cookie")}
        rest = [header for header in scope["headers"] if header[0] not in of]
        scope["headers"] = [*rest, *of[b"host"][-1:], *of[b"cookie"][:1]]
        return scope


class DualClient:
    """Django's test client for WSGI (``kind="wsgi"``) or ASGI (``kind="asgi"``), called the same way."""

    def __init__(self, kind: str, **options: Any) -> None:
        self.kind = kind
        self.client: Client | AsyncClient = Client(**options) if kind == "wsgi" else _AsyncClient(**options)

    def get(self, path: str, **options: object) -> Response:
        return self._call(self.client.get, path, options)

    def post(self, path: str, *args: object, **options: object) -> Response:
        return self._call(self.client.post, path, options, *args)

    def session_id(self, headers: dict[str, str], **options: object) -> str | None:
        """The ID of the Ory session that a view of the project sees."""
        session_id: str | None = self.get("/session", headers=headers, **options).json()["session"]
        return session_id

    def is_signed_in(self, headers: dict[str, str]) -> bool:
        return self.session_id(headers) is not None

    @property
    def cookies(self) -> SimpleCookie:
        return self.client.cookies

    def _call(self, method: Callable[..., Any], path: str, options: dict[str, object], *args: object) -> Response:
        call = async_to_sync(method) if self.kind == "asgi" else method
        response: Response = call(path, *args, **options)
        return response
