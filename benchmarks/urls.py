"""The measured views. Each response names the user, so that a wrong one is noticed.

One pattern leads to all views of a kind, so that no path takes longer to resolve than another.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def bare(request: Any) -> str:
    return "no user needed"


async def abare(request: Any) -> str:
    return "no user needed"


def session(request: Any) -> str:
    return str(request.ory_session.identity.id)


async def asession(request: Any) -> str:
    return str((await request.aory_session()).identity.id)


def user(request: Any) -> str:
    return f"{request.user.pk} {request.user.email} {request.user.is_authenticated}"


async def auser(request: Any) -> str:
    user = await request.auser()
    return f"{user.pk} {user.email} {user.is_authenticated}"


VIEWS = {"bare": bare, "session": session, "user": user}
ASYNC_VIEWS = {"bare": abare, "session": asession, "user": auser}


def view(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(VIEWS[name](request))


async def aview(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(await ASYNC_VIEWS[name](request))


urlpatterns = [
    path("sync/<name>", view),
    path("async/<name>", aview),
    path("admin/", admin.site.urls),
    *([path("ory/", include("ory_auth.urls"))] if settings.WITH_ORY else []),
]
