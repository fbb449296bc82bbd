"""Who a view sees, as the public types have it."""

from __future__ import annotations

from typing import cast

from django.test import Client

from ory_auth.types import OryHttpRequest, OrySession
from tests.kinds import User


def request_seen(client: Client) -> OryHttpRequest:
    return cast(OryHttpRequest, client.get("/who").wsgi_request)


def session_seen(client: Client) -> OrySession:
    session = request_seen(client).ory_session
    assert session
    return session


def user_seen(client: Client) -> User:
    user = request_seen(client).user
    assert isinstance(user, User)
    return user
