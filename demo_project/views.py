"""The pages of the demo. What is special about each of them is in the line above its ``def``."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from ory_auth.decorators import ory_optional, ory_required

from .people import people


@ory_optional
def home(request: HttpRequest) -> HttpResponse:
    """Open to everyone, greets those who are signed in, and works while Ory is down."""
    return render(request, "demo/home.html", {"people": people() if settings.DEMO_LOCAL_ORY else []})


@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Django's own decorator: no line of this view knows of Ory, but for ``ory_session``, which tells more."""
    return render(request, "demo/account.html", {"session": request.ory_session})


@ory_required(aal="aal2")
def vault(request: HttpRequest) -> HttpResponse:
    """Asks for a second factor, whatever Ory lets people in with elsewhere."""
    return render(request, "demo/vault.html", {"session": request.ory_session})


@ory_required(max_age=timedelta(minutes=1))
def sensitive(request: HttpRequest) -> HttpResponse:
    """Asks for the password again unless the sign-in is younger than a minute."""
    return render(request, "demo/sensitive.html", {"session": request.ory_session})


@login_required
async def in_async(request: HttpRequest) -> HttpResponse:
    user = await request.auser()
    session = await request.aory_session()
    return render(request, "demo/async.html", {"person": user, "session": session})


@ory_optional
def about_api(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "demo/api.html",
        {
            "person": people()[1],
            "ory_url": settings.ORY_AUTH["SDK_URL"],
            "site_url": request.build_absolute_uri("/").rstrip("/"),
        },
    )


@ory_optional
def codes(request: HttpRequest) -> HttpResponse:
    """What a phone would show. Only for the made-up people of the local Ory."""
    if not settings.DEMO_LOCAL_ORY:
        raise Http404
    return render(request, "demo/codes.html", {"people": [person for person in people() if person.totp]})
