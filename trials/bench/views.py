"""The views that are measured. Each says who asked, so that a wrong answer is noticed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nobody was asked for")


async def abare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nobody was asked for")


def session(request: HttpRequest) -> HttpResponse:
    return _session(request.ory_session)  # type: ignore[attr-defined]


async def asession(request: HttpRequest) -> HttpResponse:
    return _session(await request.aory_session())  # type: ignore[attr-defined]


def _session(session: Any) -> HttpResponse:
    return HttpResponse(str(session.identity.id))


def user(request: HttpRequest) -> HttpResponse:
    return _user(request.user)


async def auser(request: HttpRequest) -> HttpResponse:
    return _user(await request.auser())


def _user(user: Any) -> HttpResponse:
    return HttpResponse(f"{user.pk} {user.email} {user.is_authenticated}")
