"""The views that are measured. Each says who asked, so that a wrong answer is noticed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from ory_client import ApiClient, Configuration, FrontendApi


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nobody was asked for")


async def abare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nobody was asked for")


def session(request: HttpRequest) -> HttpResponse:
    return _session(request.ory_session)  # type: ignore[attr-defined]


async def asession(request: HttpRequest) -> HttpResponse:
    return _session(await request.aory_session())  # type: ignore[attr-defined]


def _session(session: Any) -> HttpResponse:
    return HttpResponse(f"{session.id} {session.identity.id} {session.aal}")


def user(request: HttpRequest) -> HttpResponse:
    return _user(request.user)


async def auser(request: HttpRequest) -> HttpResponse:
    return _user(await request.auser())


def _user(user: Any) -> HttpResponse:
    return HttpResponse(f"{user.pk} {user.email} {user.is_authenticated}")


_sdk = FrontendApi(ApiClient(Configuration(host=settings.ORY_SDK_URL)))


def sdk(request: HttpRequest) -> HttpResponse:
    """As in Ory's own examples: one call for each request, but one client for all of them."""
    session = _sdk.to_session(cookie=request.headers["Cookie"])
    return HttpResponse(f"{session.id} {session.identity.id} {session.authenticator_assurance_level}")


urlpatterns = [
    path("bare", bare),
    path("abare", abare),
    path("session", session),
    path("asession", asession),
    path("user", user),
    path("auser", auser),
    path("sdk", sdk),
]
