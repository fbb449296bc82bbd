"""The measured project in this process, and a visitor who is signed in to it twice: with Ory, and with Django."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.test import Client, override_settings

from benchmarks.handlers import Headers, wsgi_call
from stress.ory import CreatedSession


@dataclass(frozen=True)
class Visitor:
    """A user with sessions at Ory and a Django session, each as the header that proves it."""

    identity: str
    user: str  # as the view shows it
    ory: Sequence[Headers] = field(repr=False)
    django: Headers = field(repr=False)


def set_up(environment: Mapping[str, str]) -> None:
    """Load the settings with these variables (see `benchmarks.settings`), and make the tables."""
    os.environ.update(environment, DJANGO_SETTINGS_MODULE="benchmarks.settings")
    django.setup()
    call_command("migrate", verbosity=0)


def handler(stack: str, kind: str) -> Any:
    """Django's handler for sync or async views, with this middleware."""
    with override_settings(MIDDLEWARE=settings.STACKS[stack]):
        return WSGIHandler() if kind == "sync" else ASGIHandler()


def sign_in(sessions: Sequence[CreatedSession]) -> Visitor:
    """One person with these sessions at Ory. The first request creates the user, who then gets a Django session."""
    call = wsgi_call(handler("ory", "sync"), "/sync/user")
    bodies = {call(session.by_cookie).decode() for session in sessions}
    client = Client()
    client.force_login(get_user_model().objects.get(ory_identity__id=sessions[0].identity), settings.DJANGO_BACKEND)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    return Visitor(
        sessions[0].identity,
        bodies.pop(),
        [session.by_cookie for session in sessions],
        {"Cookie": f"{cookie.key}={cookie.value}"},
    )
