"""The views that every project of the trial has. Async ones can't be atomic, and some projects set ATOMIC_REQUESTS."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.template import engines
from django.views.decorators.http import require_POST

from compatibility.notes.models import Note
from ory_auth.decorators import ory_optional, ory_required

PAGE = """<!doctype html>
<html lang="en"><head><title>A page</title></head>
<body><p id="who">{{ user.email|default:"nobody" }}</p></body></html>"""


def seen(user: Any) -> dict[str, Any]:
    return {"user": user.pk, "email": getattr(user, "email", "")}


def silent(request: HttpRequest) -> HttpResponse:
    """Does not ask who the user is."""
    return HttpResponse("hello")


@non_atomic_requests
async def asilent(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def who(request: Any) -> JsonResponse:
    return JsonResponse(seen(request.user))


@non_atomic_requests
async def awho(request: Any) -> JsonResponse:
    return JsonResponse(seen(await request.auser()))


@ory_required
def guarded(request: Any) -> JsonResponse:
    return JsonResponse(seen(request.user))


@non_atomic_requests
@ory_required
async def aguarded(request: Any) -> JsonResponse:
    return JsonResponse(seen(await request.auser()))


@login_required
def django_guarded(request: Any) -> JsonResponse:
    return JsonResponse(seen(request.user))


@ory_required(aal="aal2")
def second_factor(request: Any) -> JsonResponse:
    return JsonResponse(seen(request.user))


@ory_optional
def greeting(request: Any) -> JsonResponse:
    return JsonResponse({**seen(request.user), "unavailable": bool(getattr(request, "ory_unavailable", False))})


@non_atomic_requests
@ory_optional
async def agreeting(request: Any) -> JsonResponse:
    user = await request.auser()
    return JsonResponse({**seen(user), "unavailable": bool(getattr(request, "ory_unavailable", False))})


def page(request: HttpRequest) -> HttpResponse:
    """A template that shows who is signed in."""
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))


def csrf(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"token": get_token(request)})


@require_POST
@ory_required
def write_note(request: Any) -> JsonResponse:
    return JsonResponse({"note": Note.objects.create(text=request.POST["text"]).pk, **seen(request.user)})


@require_POST
def write_unsigned_note(request: Any) -> JsonResponse:
    """Saves without reading the user; a package may read it meanwhile."""
    return JsonResponse({"note": Note.objects.create(text=request.POST["text"]).pk})


def broken(request: Any) -> HttpResponse:
    """A bug in a view, after somebody asked who the user is."""
    raise ValueError(f"a bug, seen by the user {request.user.pk}")
