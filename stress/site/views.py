"""Views as projects have them. Each responds with the person that it sees."""

from __future__ import annotations

import os
import traceback
from datetime import timedelta
from typing import Any

from django.contrib.auth import alogout, logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ory_auth.decorators import ory_optional, ory_required
from ory_auth.rest_framework import OrySessionAuthentication


def seen(session: Any, user: Any) -> dict[str, Any]:
    """The person: from Ory (``None`` if signed out) and from Django. ``pid`` is the process that responds."""
    return {
        "identity": session and str(session.identity.id),
        "session": session and str(session.id),
        "user": user.pk,
        "username": user.get_username(),
        "email": getattr(user, "email", ""),
        "staff": user.is_staff or user.is_superuser,
        "pid": os.getpid(),
    }


def silent(request: HttpRequest) -> HttpResponse:
    """Does not read the user."""
    return HttpResponse("nobody asked")


async def asilent(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nobody asked")


def session(request: Any) -> JsonResponse:
    """Reads the session only, so no user is loaded."""
    found = request.ory_session
    return JsonResponse({"identity": found and str(found.identity.id), "session": found and str(found.id)})


async def asession(request: Any) -> JsonResponse:
    found = await request.aory_session()
    return JsonResponse({"identity": found and str(found.identity.id), "session": found and str(found.id)})


def who(request: Any) -> JsonResponse:
    """Session and user; a public page."""
    return JsonResponse(seen(request.ory_session, request.user))


async def awho(request: Any) -> JsonResponse:
    user = await request.auser()
    return JsonResponse(seen(await request.aory_session(), user))


@ory_required
def guarded(request: Any) -> JsonResponse:
    return JsonResponse(seen(request.ory_session, request.user))


@ory_required
async def aguarded(request: Any) -> JsonResponse:
    user = await request.auser()
    return JsonResponse(seen(await request.aory_session(), user))


@login_required
def django_guarded(request: Any) -> JsonResponse:
    """Guarded by Django's own decorator."""
    return JsonResponse(seen(request.ory_session, request.user))


@ory_required(aal="aal2")
def aal2(request: Any) -> JsonResponse:
    return JsonResponse(seen(request.ory_session, request.user))


@ory_required(fresh=True)
def fresh(request: Any) -> JsonResponse:
    return JsonResponse(seen(request.ory_session, request.user))


@ory_required(fresh=True)
async def afresh(request: Any) -> JsonResponse:
    user = await request.auser()
    return JsonResponse(seen(await request.aory_session(), user))


@ory_required(max_age=timedelta(minutes=15))
def recent(request: Any) -> JsonResponse:
    return JsonResponse(seen(request.ory_session, request.user))


@ory_required(max_age=1)
def just_now(request: Any) -> JsonResponse:
    """For people who signed in a second ago."""
    return JsonResponse(seen(request.ory_session, request.user))


@ory_optional
def greeting(request: Any) -> JsonResponse:
    """A page with ``@ory_optional``; ``unavailable`` says that Ory was down."""
    user = request.user
    return JsonResponse({"user": user.pk, "unavailable": bool(getattr(request, "ory_unavailable", False))})


@ory_optional
async def agreeting(request: Any) -> JsonResponse:
    user = await request.auser()
    return JsonResponse({"user": user.pk, "unavailable": bool(getattr(request, "ory_unavailable", False))})


@csrf_exempt
def django_logout(request: Any) -> JsonResponse:
    """Django's own ``logout()``, as a project's view calls it."""
    logout(request)
    return JsonResponse(seen(request.ory_session, request.user))


@csrf_exempt
async def django_alogout(request: Any) -> JsonResponse:
    await alogout(request)
    user = await request.auser()
    return JsonResponse(seen(await request.aory_session(), user))


def broken(request: Any) -> HttpResponse:
    """A bug in the project, after the user was read: Django's error page."""
    raise ValueError(f"a bug, met by user {request.user.pk}")


def collector(request: Any) -> HttpResponse:
    """Like an error collector: the traceback with the variables of every frame."""
    try:
        return JsonResponse({"user": request.user.pk})
    except Exception as error:
        return _trace(error)


async def acollector(request: Any) -> HttpResponse:
    try:
        return JsonResponse({"user": (await request.auser()).pk})
    except Exception as error:
        return _trace(error)


def _trace(error: Exception) -> HttpResponse:
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    return HttpResponse("".join(lines), status=418, content_type="text/plain")


class ApiWho(APIView):
    authentication_classes = [OrySessionAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        return Response(seen(request.auth, request.user))

    post = get
