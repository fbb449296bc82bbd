"""Views as projects have them; each shows who it sees."""

from datetime import timedelta

from django.contrib.auth import aauthenticate, alogin, alogout, authenticate, login, logout
from django.contrib.auth.decorators import login_not_required, login_required, user_passes_test
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from ory_auth.decorators import ory_optional, ory_required
from ory_auth.exceptions import AALRequired, NotAdmitted
from ory_auth.mixins import OryRequiredMixin
from ory_auth.rest_framework import OrySessionAuthentication


def seen(user) -> JsonResponse:
    return JsonResponse({"user": user.get_username(), "email": getattr(user, "email", ""), "pk": str(user.pk)})


def home(request):
    return render(request, "home.html")


@login_not_required
def silent(request):
    return HttpResponse("nobody asked")


def who(request):
    return seen(request.user)


async def awho(request):
    return seen(await request.auser())


def _session(session):
    return JsonResponse({"session": session and str(session.id), "identity": session and str(session.identity.id)})


def session(request):
    return _session(request.ory_session)


async def asession(request):
    return _session(await request.aory_session())


def template(request):
    return render(request, "greeting.html")


async def atemplate(request):
    return render(request, "greeting.html")


def swallowing(request):
    return render(request, "swallowing.html")


@login_required
def django_guarded(request):
    return seen(request.user)


@user_passes_test(lambda user: user.is_staff)
def staff_only(request):
    return seen(request.user)


@ory_required
def guarded(request):
    return seen(request.user)


@ory_required
async def aguarded(request):
    return seen(await request.auser())


@ory_required(aal="aal2")
def aal2(request):
    return seen(request.user)


@ory_required(aal="aal2")
async def aaal2(request):
    return seen(await request.auser())


@ory_required(max_age=timedelta(minutes=15))
def recent(request):
    return seen(request.user)


@ory_required(max_age=900, aal="aal2")
def recent_aal2(request):
    return seen(request.user)


@ory_required(max_age=60)
def just_now(request):
    return seen(request.user)


@ory_required(fresh=True)
def fresh(request):
    return seen(request.user)


@ory_required(fresh=True)
async def afresh(request):
    return seen(await request.auser())


class Mixin(OryRequiredMixin, View):
    def get(self, request):
        return seen(request.user)


class AsyncMixin(OryRequiredMixin, View):
    async def get(self, request):
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
    def get(self, request):
        return seen(request.user)


@ory_optional
def greeting(request):
    return JsonResponse(
        {"user": request.user.get_username(), "unavailable": getattr(request, "ory_unavailable", False)}
    )


@ory_optional
async def agreeting(request):
    user = await request.auser()
    return JsonResponse({"user": user.get_username(), "unavailable": getattr(request, "ory_unavailable", False)})


@cache_page(60)
def cached(request):
    return seen(request.user)


def stream(request):
    return StreamingHttpResponse(iter([b"a", b"b"]))


def remember(request: HttpRequest) -> HttpResponse:
    """Puts something into Django's session; ``?ask=1`` asks who it is as well."""
    if request.GET.get("ask"):
        str(request.user.pk)
    request.session["cart"] = request.GET["cart"]
    return HttpResponse("kept")


def recall(request):
    return JsonResponse({"user": request.user.get_username(), "cart": request.session.get("cart")})


@login_not_required
def django_login(request):
    user = authenticate(request, username=request.GET["name"], password=request.GET["password"])
    login(request, user)
    return _session(request.ory_session) if "session" in request.GET else seen(request.user)


def django_logout(request):
    logout(request)
    return seen(request.user)


async def django_alogin(request):
    user = await aauthenticate(request, username=request.GET["name"], password=request.GET["password"])
    await alogin(request, user)
    return seen(await request.auser())


async def django_alogout(request):
    await alogout(request)
    return seen(await request.auser())


def impersonate(request):
    from django.contrib.auth import get_user_model

    request.user = get_user_model().objects.get(pk=request.GET["pk"])
    return seen(request.user)


async def aimpersonate(request):
    from django.contrib.auth import get_user_model

    request.user = await get_user_model().objects.aget(pk=request.GET["pk"])
    return seen(await request.auser())


def impersonate_guarded(request):
    """As a project's middleware does it, before a guard is met."""
    from django.contrib.auth import get_user_model

    request.user = get_user_model().objects.get(pk=request.GET["pk"])
    return guarded(request)


def asks_and_breaks(request):
    str(request.user.pk)
    raise ValueError("a bug of the project's own, met after somebody asked")


def hides_trouble(request):
    try:
        return seen(request.user)
    except Exception:
        return HttpResponse("all is well, nobody is signed in")


def not_found(request):
    raise Http404


def broken(request):
    raise ValueError("a bug of the project's own")


def raises_aal(request):
    raise AALRequired


def raises_refresh(request):
    raise AALRequired(aal=None, refresh=True)


def raises_not_admitted(request):
    raise NotAdmitted


async def araises_aal(request):
    raise AALRequired


class ApiMe(APIView):
    authentication_classes = [OrySessionAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"user": request.user.get_username(), "session": request.auth and str(request.auth.id)})

    post = get
