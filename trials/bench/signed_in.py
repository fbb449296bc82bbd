"""Somebody signed in with Django's own sessions, the yardstick of the whole table."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest

from trials.bench.project import DJANGO_BACKEND


def django_cookie(user: Any) -> str:
    """A ``Cookie`` header that signs this user in."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    login(request, user, DJANGO_BACKEND)
    request.session.save()
    return f"{settings.SESSION_COOKIE_NAME}={request.session.session_key}"
