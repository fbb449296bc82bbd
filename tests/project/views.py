"""Views as projects have them; each shows who it sees."""

from datetime import timedelta
from typing import NoReturn, cast

from django.contrib.auth import aauthenticate, alogin, alogout, authenticate, get_user_model, login, logout
from django.contrib.auth.decorators import login_not_required, login_required, user_passes_test
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ory_auth.decorators import ory_optional, ory_required
from ory_auth.exceptions import AALRequired, NotAdmitted
from ory_auth.mixins import OryRequiredMixin
from ory_auth.rest_framework import OrySessionAuthentication
from ory_auth.types import OryHttpRequest, OrySession


def seen(user: AbstractBaseUser | AnonymousUser) -> JsonResponse:
    more = {name: getattr(user, name) for name in ("letters",) if hasattr(user, name)}  # of a manager's own query
    return JsonResponse({"user": user.get_username(), "email": getattr(user, "email", ""), "pk": str(user.pk), **more})


def home(request: OryHttpRequest) -> HttpResponse:
    return render(request, "home.html")


@login_not_required
def silent(request: OryHttpRequest) -> HttpResponse:
    return HttpResponse("nobody asked")


def who(request: OryHttpRequest) -> HttpResponse:
    return seen(request.user)


async def awho(request: OryHttpRequest) -> HttpResponse:
    return seen(await request.auser())


def _session(session: OrySession | None) -> HttpResponse:
    return JsonResponse({"session": session and str(session.id), "identity": session and str(session.identity.id)})


def session(request: OryHttpRequest) -> HttpResponse:
    return _session(request.ory_session)


async def asession(request: OryHttpRequest) -> HttpResponse:
    return _session(await request.aory_session())


def template(request: OryHttpRequest) -> HttpResponse:
    return render(request, "greeting.html")


async def atemplate(request: OryHttpRequest) -> HttpResponse:
    return render(request, "greeting.html")


def swallowing(request: OryHttpRequest) -> HttpResponse:
    return render(request, "swallowing.html")


@login_required
def django_guarded(request: OryHttpRequest) -> HttpResponse:
    return seen(request.user)


@user_passes_test(lambda user: user.is_staff)
def staff_only(request: OryHttpRequest) -> HttpResponse:
    return seen(request.user)


@ory_required
def guarded(request: OryHttpRequest) -> HttpResponse:
    return seen(request.user)


@ory_required
async def aguarded(request: OryHttpRequest) -> HttpResponse:
    return seen(await request.auser())


@ory_required(aal="aal2")
def aal2(request: OryHttpRequest) -> HttpResponse:
    return seen(request.user)


@ory_required(aal="aal2")
async def aaal2(request: OryHttpRequest) -> HttpResponse:
    return seen(await request.auser())


@ory_required(max_age=timedelta(minutes=15))
def recent(request: OryHttpRequest) -> HttpResponse:
    return seen(request.user)


@ory_required(max_age=900, aal="aal2")
def recent_aal2(request: OryHttpRequest) -> HttpResponse:
    return seen(request.user)


@ory_required(max_age=60)
def just_now(request: OryHttpRequest) -> HttpResponse:
    return seen(request.user)


@ory_required(fresh=True)
def fresh(request: OryHttpRequest) -> HttpResponse:
    return seen(request.user)


@ory_required(fresh=True)
async def afresh(request: OryHttpRequest) -> HttpResponse:
    return seen(await request.auser())


class Mixin(OryRequiredMixin, View):
    def get(self, request: OryHttpRequest) -> HttpResponse:
        return seen(request.user)


class AsyncMixin(OryRequiredMixin, View):
    async def get(self, request: OryHttpRequest) -> HttpResponse:
        return seen(await request.auser())


class StrictMixin(Mixin):
    aal, max_age = "aal2", timedelta(minutes=15)


class AsyncStrictMixin(AsyncMixin):
    aal, max_age = "aal2", timedelta(minutes=15)


class FreshMixin(Mixin):
    fresh = True


class AsyncFreshMixin(AsyncMixin):
    fresh = True


@method_decorator(ory_required(aal="aal2"), name="dispatch")
class Decorated(View):
    def get(self, request: OryHttpRequest) -> HttpResponse:
        return seen(request.user)


@ory_optional
def greeting(request: OryHttpRequest) -> HttpResponse:
    return JsonResponse(
        {"user": request.user.get_username(), "unavailable": getattr(request, "ory_unavailable", False)}
    )


@ory_optional
async def agreeting(request: OryHttpRequest) -> HttpResponse:
    user = await request.auser()
    return JsonResponse({"user": user.get_username(), "unavailable": getattr(request, "ory_unavailable", False)})


@cache_page(60)
def cached(request: OryHttpRequest) -> HttpResponse:
    return seen(request.user)


def stream(request: OryHttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"a", b"b"]))


def remember(request: HttpRequest) -> HttpResponse:
    """Puts something into Django's session; ``?ask=1`` also asks who it is."""
    if request.GET.get("ask"):
        str(request.user.pk)
    request.session["cart"] = request.GET["cart"]
    return HttpResponse("kept")


def recall(request: OryHttpRequest) -> HttpResponse:
    return JsonResponse({"user": request.user.get_username(), "cart": request.session.get("cart")})


@login_not_required
def django_login(request: OryHttpRequest) -> HttpResponse:
    user = authenticate(request, username=request.GET["name"], password=request.GET["password"])
    login(request, user)
    return _session(request.ory_session) if "session" in request.GET else seen(request.user)


def django_logout(request: OryHttpRequest) -> HttpResponse:
    logout(request)
    return seen(request.user)


async def django_alogin(request: OryHttpRequest) -> HttpResponse:
    user = await aauthenticate(request, username=request.GET["name"], password=request.GET["password"])
    await alogin(request, user)
    return seen(await request.auser())


async def django_alogout(request: OryHttpRequest) -> HttpResponse:
    await alogout(request)
    return seen(await request.auser())


def impersonate(request: OryHttpRequest) -> HttpResponse:
    request.user = get_user_model().objects.get(pk=request.GET["pk"])
    return seen(request.user)


async def aimpersonate(request: OryHttpRequest) -> HttpResponse:
    request.user = await get_user_model().objects.aget(pk=request.GET["pk"])
    return seen(await request.auser())


def impersonate_guarded(request: OryHttpRequest) -> HttpResponse:
    """As a project's middleware does it, before a guard is met."""
    request.user = get_user_model().objects.get(pk=request.GET["pk"])
    return guarded(request)


def asks_and_breaks(request: OryHttpRequest) -> NoReturn:
    str(request.user.pk)
    raise ValueError("a bug of the project's own, met after somebody asked")


def hides_trouble(request: OryHttpRequest) -> HttpResponse:
    try:
        return seen(request.user)
    except Exception:
        return HttpResponse("all is well, nobody is signed in")


def not_found(request: OryHttpRequest) -> NoReturn:
    raise Http404


def broken(request: OryHttpRequest) -> NoReturn:
    raise ValueError("a bug of the project's own")


def raises_aal(request: OryHttpRequest) -> NoReturn:
    raise AALRequired


def raises_refresh(request: OryHttpRequest) -> NoReturn:
    raise AALRequired(aal=None, refresh=True)


def raises_not_admitted(request: OryHttpRequest) -> NoReturn:
    raise NotAdmitted


async def araises_aal(request: OryHttpRequest) -> NoReturn:
    raise AALRequired


class ApiMe(APIView):
    authentication_classes = [OrySessionAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        session = cast("OrySession | None", request.auth)
        return Response({"user": request.user.get_username(), "session": session and str(session.id)})

    post = get
