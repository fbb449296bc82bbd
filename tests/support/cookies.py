"""Cookies for Django's test client."""

from __future__ import annotations

from http.cookies import Morsel

from django.test import Client

from tests.support.client import DualClient
from tests.support.ory import Session


def set_cookie(client: Client | DualClient, name: str, value: str) -> None:
    """Set a cookie without the quoting that ``SimpleCookie`` does."""
    morsel: Morsel[str] = Morsel()
    morsel.set(name, value, value)
    dict.__setitem__(client.cookies, name, morsel)


def sign_in(client: Client | DualClient, session: Session) -> None:
    """Set Ory's session cookie."""
    name, _, value = session.cookie.partition("=")
    set_cookie(client, name, value)


def delete_ory_cookie(client: Client | DualClient) -> None:
    client.cookies.pop("ory_kratos_session", None)
