"""Pages of a project with this package's template tags, and the single-page app of the documentation with its API.

And a sign-in page as Ory Network sends it, with a captcha.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.template import engines
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt

from ory_auth.decorators import ory_optional, ory_required
from ory_auth.pages.ui import read_flow

APP = Path(__file__).parent.parent.parent / "contrib" / "spa" / "app.html"


@ory_optional
def tags(request: HttpRequest) -> HttpResponse:
    return render(request, "tags.html")


def app(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(APP.read_text()).render({}, request))


def csrf(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"token": get_token(request)})


@login_required
def me(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"email": getattr(request.user, "email", "")})


@ory_required(aal="aal2")
def vault(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"gold": 12})


@login_required
def become_staff(request: HttpRequest) -> HttpResponse:
    """Makes the visitor a superuser, and leads to the page on which they may impersonate a customer.

    With ``?self``, it leads to that page for the visitor, whom it refuses.
    """
    users: Any = get_user_model()._default_manager
    users.filter(pk=request.user.pk).update(is_staff=True, is_superuser=True)
    customer, _ = users.get_or_create(
        username="bob", defaults={"email": "bob@example.org", "first_name": "Bob", "last_name": "Builder"}
    )
    user = request.user if "self" in request.GET else customer
    return redirect(f"{reverse('ory_auth:impersonate')}?user={user.pk}&next=/own/tags/")


def _node(group: str, name: str, type_: str, value: str = "", label: str = "") -> dict[str, Any]:
    attributes = {"node_type": "input", "name": name, "type": type_, "value": value, "disabled": False}
    meta = {"label": {"id": 0, "text": label, "type": "info"}} if label else {}
    return {"type": "input", "group": group, "attributes": attributes, "messages": [], "meta": meta}


CAPTCHA_FLOW = {
    "ui": {
        "nodes": [
            _node("default", "csrf_token", "hidden", "a-token"),
            _node("default", "identifier", "text", "ada@example.org", "Email address"),
            _node(
                "captcha", "captcha_turnstile_options", "hidden", json.dumps({"sitekey": "a-key", "action": "login"})
            ),
            _node("captcha", "transient_payload.captcha_turnstile_response", "hidden"),
            _node("password", "password", "password", "", "Password"),
            _node("password", "method", "submit", "password", "Sign in"),
        ]
    }
}


@csrf_exempt
def captcha(request: HttpRequest) -> HttpResponse:
    """A sign-in page of Ory Network with a captcha. A POST answers with what was sent."""
    if request.method == "POST":
        return JsonResponse(request.POST.dict())
    page = read_flow(CAPTCHA_FLOW, submit_url=request.path, ory_url="http://localhost", kind="login")
    context = {"page": page, "flow": "login", "ory_base": "", "return_to": "", "restart_url": ""}
    return render(request, "ory_auth/login.html", context)


urlpatterns = [
    path("own/become-staff/", become_staff),
    path("own/tags/", tags),
    path("own/captcha/", captcha),
    path("app/", app),
]
urlpatterns += [path("api/csrf", csrf), path("api/me", me), path("api/vault", vault)]
