"""A browser's cookies for Django's test client."""

from __future__ import annotations

from http.cookies import Morsel

from django.test import Client

from tests.conftest import Web
from tests.ories import Session


def keep(client: Client | Web, name: str, value: str) -> None:
    """Put a cookie into the client's jar exactly as it is: ``SimpleCookie`` would quote what it finds odd."""
    morsel: Morsel[str] = Morsel()
    morsel.set(name, value, value)
    dict.__setitem__(client.cookies, name, morsel)


def sign_in(client: Client | Web, session: Session) -> None:
    """Give the client Ory's session cookie, as the browser that signed in at Ory has it."""
    name, _, value = session.cookie.partition("=")
    keep(client, name, value)


def forget_ory(client: Client | Web) -> None:
    client.cookies.pop("ory_kratos_session", None)
