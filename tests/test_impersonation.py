"""A staff member sees the site as another user: who may, what they see, and when it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from django.contrib import messages
from django.contrib.auth.models import Permission
from django.contrib.auth.signals import user_logged_out
from django.core.signing import Signer
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import RequestContext, Template
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from pytest_django import Settings
from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView

from ory_auth import signals
from ory_auth.conf import parse
from ory_auth.decorators import ory_required
from ory_auth.exceptions import ImpersonationRefused
from ory_auth.impersonation import astart, astop, may_impersonate, no_impersonation, start, stop
from ory_auth.local import LocalOry
from ory_auth.models import Impersonation, OrySignIn
from ory_auth.request.impersonation_cookie import COOKIE
from ory_auth.rest_framework import OrySessionAuthentication
from ory_auth.types import OryHttpRequest
from tests.project import urls, views
from tests.support.client import DualClient
from tests.support.cookies import delete_ory_cookie, set_cookie, sign_in
from tests.support.logs import event_ids
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, Json, Response, User
from tests.support.users import user_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

JSON = {"Accept": "application/json"}
REASON = "Request 4711"


def whom(request: OryHttpRequest) -> HttpResponse:
    actor, session = request.actor, request.ory_session
    return JsonResponse(
        {
            "user": str(request.user.pk),
            "actor": actor and str(actor.pk),
            "identity": session and str(session.identity.id),
            "backend": getattr(request.user, "backend", None),
        }
    )


async def awhom(request: OryHttpRequest) -> HttpResponse:
    actor, session = await request.aactor(), await request.aory_session()
    user = await request.auser()
    return JsonResponse(
        {
            "user": str(user.pk),
            "actor": actor and str(actor.pk),
            "identity": session and str(session.identity.id),
            "backend": getattr(user, "backend", None),
        }
    )


@no_impersonation
def pay(request: OryHttpRequest) -> HttpResponse:
    return HttpResponse("paid")


@no_impersonation
async def apay(request: OryHttpRequest) -> HttpResponse:
    return HttpResponse("paid")


@method_decorator(no_impersonation, name="dispatch")
class PaymentApi(views.ApiMe):
    """An API that only the person themselves may call."""


class ApiWhom(APIView):
    authentication_classes = [OrySessionAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request: Any) -> HttpResponse:
        return JsonResponse({"user": str(request.user.pk), "actor": request.actor and str(request.actor.pk)})

    post = get


def change(request: OryHttpRequest) -> HttpResponse:
    return JsonResponse({"changed": str(request.user.pk)})


def put(request: HttpRequest) -> HttpResponse:
    request.session["cart"] = request.GET["thing"]
    return HttpResponse("stored")


def cart(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"cart": request.session.get("cart")})


def cart_of_user(request: OryHttpRequest) -> HttpResponse:
    return JsonResponse({"user": str(request.user.pk), "cart": request.session.get("cart")})


async def aput(request: HttpRequest) -> HttpResponse:
    await request.session.aset("cart", request.GET["thing"])
    return HttpResponse("stored")


async def acart(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"cart": await request.session.aget("cart")})


def own_start(request: OryHttpRequest) -> HttpResponse:
    """A project's own view."""
    try:
        seconds = float(request.GET.get("seconds", "60"))
        row = start(request, User.objects.get(pk=request.GET["user"]), request.GET.get("reason", ""), seconds=seconds)
    except ImpersonationRefused as refused:
        return JsonResponse({"refused": refused.reason, "explanation": refused.explanation}, status=403)
    minutes = round((row.expires_at - row.started_at) / timedelta(minutes=1))
    return JsonResponse({"user": str(request.user.pk), "actor": str(request.actor.pk), "minutes": minutes})


def own_stop(request: OryHttpRequest) -> HttpResponse:
    row = stop(request)
    return JsonResponse({"user": str(request.user.pk), "actor": request.actor, "ended": row and row.end_reason})


async def own_astart(request: OryHttpRequest) -> HttpResponse:
    await astart(request, await User.objects.aget(pk=request.GET["user"]), REASON)
    return JsonResponse({"user": str((await request.auser()).pk), "actor": str((await request.aactor()).pk)})


async def own_astop(request: OryHttpRequest) -> HttpResponse:
    row = await astop(request)
    return JsonResponse({"user": str((await request.auser()).pk), "ended": row and row.end_reason})


def ended_by_another_tab(request: OryHttpRequest) -> HttpResponse:
    """The impersonation ends after the user was read, and before the guard asks Ory."""
    assert request.user.is_authenticated
    Impersonation.objects.update(ended_at=timezone.now(), end_reason="stopped")
    response: HttpResponse = ory_required(fresh=True)(change)(request)
    return response


def reads_and_crashes(request: OryHttpRequest) -> HttpResponse:
    assert request.user.is_authenticated
    if "stop" in request.GET:
        stop(request)
    raise RuntimeError("a bug")


@method_decorator(no_impersonation, name="dispatch")
class AsyncPayment(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("paid")


def menu(request: OryHttpRequest) -> HttpResponse:
    return HttpResponse(Template("{% load ory_auth %}{% ory_user_menu %}").render(RequestContext(request)))


def button(request: OryHttpRequest) -> HttpResponse:
    return JsonResponse({"shown": may_impersonate(request, User.objects.get(pk=request.GET["user"]))})


def reads_the_user(get_response: Any) -> Any:
    def middleware(request: OryHttpRequest) -> Any:
        assert request.user.is_authenticated
        return get_response(request)

    return middleware


def say(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Your order was placed.")
    return HttpResponse("said")


def heard(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"heard": [str(message) for message in messages.get_messages(request)]})


urlpatterns = [
    path("whom", whom),
    path("awhom", awhom),
    path("pay", pay),
    path("apay", apay),
    path("change", change),
    path("put", put),
    path("cart", cart),
    path("cart-of-user", cart_of_user),
    path("aput", aput),
    path("acart", acart),
    path("own-start", own_start),
    path("own-stop", own_stop),
    path("own-astart", own_astart),
    path("own-astop", own_astop),
    path("button", button),
    path("menu", menu),
    path("say", say),
    path("reads-and-crashes", reads_and_crashes),
    path("heard", heard),
    path("ended-by-another-tab", ended_by_another_tab),
    path("class/apay", AsyncPayment.as_view()),
    path("api/whom", ApiWhom.as_view()),
    path("api/pay", PaymentApi.as_view()),
    path("gate/", include("ory_auth.gateway.urls")),
    *urls.urlpatterns,
]


# For what is the same under WSGI and ASGI.
once = pytest.mark.parametrize("web", ["wsgi"], indirect=True)


@dataclass
class Support:
    """A browser of a staff member."""

    web: DualClient
    session: Session
    user: User

    def start(self, user: User, **data: str) -> Response:
        return self.web.post("/auth/impersonate", {"user": str(user.pk), "reason": REASON, **data})

    def stop(self, **data: str) -> Response:
        return self.web.post("/auth/impersonate/stop", data)

    def sees(self, path: str = "/whom") -> Json:
        answer: Json = self.web.get(path).json()
        return answer

    def sees_as(self) -> str:
        return str(self.sees()["user"])

    @property
    def cookie(self) -> str:
        return str(self.web.cookies[COOKIE].value)

    @property
    def has_cookie(self) -> bool:
        return COOKIE in self.web.cookies and bool(self.web.cookies[COOKIE].value)


def allow(user: User, *names: str) -> None:
    for name in names:
        label, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=label, codename=codename))


@pytest.fixture
def support(ory: Ory, web: DualClient, ory_auth: ChangeSettings) -> Support:
    """A staff member who may impersonate people and change groups."""
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person(name={"first": "Sue", "last": "Port"}).browser_session()
    sign_in(web, session)
    web.get("/who")
    user = user_of(session.person)
    user.is_staff = True
    user.save()
    allow(user, "ory_auth.impersonate", "auth.change_group")
    return Support(web, session, user)


@pytest.fixture
def root(support: Support) -> Support:
    """The same, as a superuser."""
    support.user.is_superuser = True
    support.user.save()
    return support


@pytest.fixture
def ada(ory: Ory) -> User:
    """A customer who has no rights."""
    return User.objects.create_user("ada", "ada@example.org", first_name="Ada", last_name="Lovelace")


@pytest.fixture
def as_ada(support: Support, ada: User) -> Support:
    """The staff member, while they impersonate the customer."""
    assert support.start(ada).status_code == 302
    return support


def csrf_token(web: DualClient, path: str) -> str:
    """The token of the form on this page."""
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', web.get(path).content.decode())
    assert found
    return found.group(1)


def rows() -> list[Impersonation]:
    return list(Impersonation.objects.order_by("started_at"))


@pytest.fixture
def told() -> Iterator[list[tuple[str, Impersonation]]]:
    """What the signals say."""
    said: list[tuple[str, Impersonation]] = []

    def on_start(impersonation: Impersonation, **_: Any) -> None:
        said.append(("started", impersonation))

    def on_end(impersonation: Impersonation, **_: Any) -> None:
        said.append((impersonation.end_reason, impersonation))

    signals.impersonation_started.connect(on_start)
    signals.impersonation_ended.connect(on_end)
    yield said
    signals.impersonation_started.disconnect(on_start)
    signals.impersonation_ended.disconnect(on_end)


# --- what is seen -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/whom", "/awhom"])
def test_the_user_is_the_person_the_actor_the_staff_member_and_the_session_the_staff_members(
    as_ada: Support, ada: User, path: str
) -> None:
    assert as_ada.sees(path) == {
        "user": str(ada.pk),
        "actor": str(as_ada.user.pk),
        "identity": as_ada.session.person.id,
        "backend": "ory_auth.backends.OryBackend",
    }


@pytest.mark.parametrize("path", ["/who", "/awho", "/django-guarded", "/guarded", "/aguarded", "/mixin", "/amixin"])
def test_views_and_guards_without_arguments_show_the_person(as_ada: Support, path: str) -> None:
    assert as_ada.sees(path)["user"] == "ada"


@pytest.mark.parametrize("path", ["/greeting", "/agreeting", "/recall"])
def test_optional_views_show_the_person(as_ada: Support, path: str) -> None:
    assert as_ada.sees(path)["user"] == "ada"


@once
def test_templates_show_the_person(as_ada: Support) -> None:
    assert "ada" in as_ada.web.get("/template").content.decode()


def test_without_an_impersonation_there_is_no_actor(support: Support) -> None:
    assert support.sees()["actor"] is None
    assert support.sees("/awhom")["actor"] is None


@once
def test_visitors_have_no_actor(web: DualClient) -> None:
    assert web.get("/whom").json()["actor"] is None


def test_login_required_middleware_lets_the_person_in(as_ada: Support, settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    again = DualClient(as_ada.web.kind)
    again.client.cookies = as_ada.web.cookies
    assert again.get("/who").json()["user"] == "ada"


def test_apis_show_the_person(as_ada: Support, ada: User) -> None:
    assert as_ada.sees("/api/whom") == {"user": str(ada.pk), "actor": str(as_ada.user.pk)}


@once
def test_an_api_still_needs_a_csrf_token(as_ada: Support, ada: User) -> None:
    strict = DualClient(as_ada.web.kind, enforce_csrf_checks=True)
    strict.client.cookies = as_ada.web.cookies
    assert strict.post("/api/whom").status_code == 403


@pytest.mark.parametrize("path", ["/aal2", "/aaal2", "/recent", "/fresh", "/strict-mixin"])
@pytest.mark.promise("While a staff member impersonates a user, no view opens that requires more than a session")
def test_step_up_pages_are_refused(as_ada: Support, path: str) -> None:
    as_ada.session.set_up_totp()
    page = as_ada.web.get(path)
    assert (page.status_code, page["Content-Type"].split(";")[0]) == (403, "text/html")
    assert "Stop impersonating" in page.content.decode()
    assert as_ada.web.get(path, headers=JSON).json()["code"] == "impersonating"
    as_ada.stop()
    assert as_ada.web.get(path).status_code == 200


def test_an_api_that_requires_a_second_factor_is_refused(as_ada: Support) -> None:
    as_ada.session.set_up_totp()
    response = as_ada.web.get("/api/aal2")
    assert (response.status_code, response.json()["code"]) == (403, "impersonating")
    as_ada.stop()
    assert as_ada.web.get("/api/aal2").status_code == 200


@pytest.mark.parametrize("path", ["/api/aal2", "/aal2", "/aaal2"])
def test_a_step_up_that_the_cache_does_not_know_yet_opens_nothing(
    support: Support, ada: User, ory_auth: ChangeSettings, path: str
) -> None:
    """Ory is asked again before a cached session is refused. That must not forget the impersonation."""
    ory_auth(SESSION_CACHE_SECONDS=60)
    support.start(ada)
    assert support.sees_as() == str(ada.pk)
    support.session.set_up_totp()  # Ory knows a second factor, and the cache does not
    response = support.web.get(path, headers=JSON)
    assert (response.status_code, response.json()["code"]) == (403, "impersonating")


def test_a_strict_guard_serves_no_user_whose_impersonation_has_just_ended(
    as_ada: Support, ory_auth: ChangeSettings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60)
    as_ada.sees()
    assert as_ada.web.get("/ended-by-another-tab", headers=JSON).status_code == 403


@pytest.mark.parametrize("path", ["/pay", "/apay", "/api/pay", "/class/apay"])
@pytest.mark.promise("A view with no_impersonation refuses staff who impersonate another user")
def test_marked_views_are_refused(as_ada: Support, path: str) -> None:
    assert as_ada.web.get(path, headers=JSON).json()["code"] == "impersonating"
    as_ada.stop()
    assert as_ada.web.get(path).status_code == 200


def test_a_class_cannot_be_marked_by_mistake() -> None:
    with pytest.raises(TypeError, match="method_decorator"):
        no_impersonation(APIView)


@once
@pytest.mark.parametrize("name", ["settings", "security", "sessions", "security/protect", "security/data"])
@pytest.mark.promise("While a staff member impersonates a user, the account pages are refused")
def test_the_account_pages_are_refused(as_ada: Support, name: str) -> None:
    assert as_ada.web.get(f"/auth/{name}", headers=JSON).json()["code"] == "impersonating"


def test_the_account_cannot_be_deleted(as_ada: Support, ory_auth: ChangeSettings) -> None:
    ory_auth(ACCOUNT_DELETION=True)
    response = as_ada.web.post("/auth/security/delete", {"confirmation": "delete"}, headers=JSON)
    assert response.json()["code"] == "impersonating"
    assert as_ada.session.whoami()["active"]


@once
def test_the_admin_is_closed_and_its_page_leads_out(as_ada: Support) -> None:
    page = as_ada.web.get(as_ada.web.get("/admin/")["Location"])
    assert page.status_code == 403
    assert "Stop impersonating" in page.content.decode()


@once
def test_pages_are_private(as_ada: Support) -> None:
    response = as_ada.web.get("/who")
    assert "private" in response["Cache-Control"]
    assert "Cookie" in response["Vary"]


@once
def test_a_cached_page_of_the_person_is_not_shown_to_the_staff_member(as_ada: Support) -> None:
    assert as_ada.sees("/cached")["user"] == "ada"
    as_ada.stop()
    assert as_ada.sees("/cached")["user"] != "ada"


@once
def test_nothing_records_a_sign_in_of_the_person(as_ada: Support, ada: User) -> None:
    as_ada.sees()
    ada.refresh_from_db()
    assert ada.last_login is None
    assert [str(row.pk) for row in OrySignIn.objects.all()] == [as_ada.session.id]


@once
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("reader", ["view", "middleware"])
def test_receivers_of_signals_about_the_staff_member_see_them(
    as_ada: Support, ada: User, reader: str, settings: Settings
) -> None:
    if reader == "middleware":  # then the signals wait for the view
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.reads_the_user"]
    seen = []

    def on_update(user: User, request: OryHttpRequest, **_: Any) -> None:
        seen.append((user.pk, request.user.pk))

    signals.user_updated.connect(on_update)
    as_ada.session.person.patch("/traits/name/first", "Susan")
    assert as_ada.sees_as() == str(ada.pk)
    signals.user_updated.disconnect(on_update)
    assert seen == [(as_ada.user.pk, as_ada.user.pk)]


def test_a_user_that_other_code_assigns_still_counts(as_ada: Support) -> None:
    other = User.objects.create_user("other")
    assert as_ada.sees(f"/impersonate?pk={other.pk}")["user"] == "other"
    assert as_ada.web.get(f"/impersonate-guarded?pk={other.pk}").status_code == 403


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_a_request_without_an_impersonation_costs_nothing_more(support: Support) -> None:
    support.sees()
    with CaptureQueriesContext(connection) as queries:
        support.sees()
    assert len(queries) == 1  # the user


def test_a_view_that_does_not_ask_costs_nothing(as_ada: Support) -> None:
    with CaptureQueriesContext(connection) as queries:
        as_ada.web.get("/silent")
    assert len(queries) == 0


@once
def test_comparing_rights_costs_four_queries(support: Support, ada: User) -> None:
    ada.is_staff = True
    ada.save()
    support.start(ada)
    support.sees()
    with CaptureQueriesContext(connection) as queries:
        assert support.sees_as() == str(ada.pk)
    assert len(queries) == 1 + 1 + 4  # the staff member, the impersonation with the user, the permissions of both


def test_an_impersonation_costs_one_query_beside_those_for_rights(root: Support, ada: User) -> None:
    root.start(ada)
    root.sees()
    with CaptureQueriesContext(connection) as queries:
        assert root.sees_as() == str(ada.pk)
    assert len(queries) == 2


# --- who may ----------------------------------------------------------------------------------------------------------


def reason_of(support: Support, user: User) -> str:
    return str(support.web.get(f"/own-start?user={user.pk}&reason=x").json().get("refused"))


def test_without_the_permission_nothing_starts(support: Support, ada: User, caplog: pytest.LogCaptureFixture) -> None:
    support.user.user_permissions.clear()
    assert support.web.get(f"/auth/impersonate?user={ada.pk}").status_code == 403
    assert support.start(ada).status_code == 403
    assert reason_of(support, ada) == "no_permission"
    assert not rows()
    assert "impersonation_refused" in event_ids(caplog)


@once
@pytest.mark.promise("Nobody impersonates a superuser, themselves, an inactive user, or a user with more rights")
@pytest.mark.parametrize("kind", ["self", "superuser", "inactive", "more_rights"])
def test_these_people_cannot_be_impersonated(support: Support, ada: User, kind: str) -> None:
    match kind:
        case "self":
            ada = support.user
        case "superuser":
            User.objects.filter(pk=ada.pk).update(is_superuser=True)
        case "inactive":
            User.objects.filter(pk=ada.pk).update(is_active=False)
        case _:
            allow(ada, "auth.delete_user")
    assert reason_of(support, ada) == kind
    assert support.web.get(f"/auth/impersonate?user={ada.pk}").status_code == 403
    assert support.start(ada).status_code == 403
    assert not support.web.get(f"/button?user={ada.pk}").json()["shown"]
    assert not rows()


@once
def test_a_superuser_impersonates_no_other_superuser(root: Support, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_superuser=True)
    assert reason_of(root, ada) == "superuser"


@once
def test_a_person_with_the_same_rights_cannot_be_impersonated(support: Support, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    allow(ada, "ory_auth.impersonate", "auth.change_group")
    assert reason_of(support, ada) == "more_rights"
    ada.user_permissions.remove(Permission.objects.get(codename="change_group"))
    assert support.start(ada).status_code == 302


@once
def test_staff_with_fewer_rights_can_be_impersonated(root: Support, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    allow(ada, "auth.change_group")
    root.start(ada)
    assert root.sees_as() == str(ada.pk)
    assert root.web.get("/admin/").status_code == 200


@once
def test_staff_are_not_impersonated_by_people_who_are_not_staff(support: Support, ada: User) -> None:
    User.objects.filter(pk=support.user.pk).update(is_staff=False)
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    assert reason_of(support, ada) == "more_rights"


@once
@pytest.mark.parametrize("change", [{"state": "inactive"}, {"deleted_at": timezone.now()}])
def test_a_person_whose_identity_is_inactive_or_deleted_at_ory_cannot_be_impersonated(
    ory: Ory, support: Support, change: Json
) -> None:
    session = ory.person().browser_session()
    DualClient("wsgi").get("/who", headers=session.headers)
    user = user_of(session.person)
    type(user.ory_identity).objects.filter(pk=session.person.id).update(**change)
    assert reason_of(support, user) == "inactive"


@once
def test_the_handler_can_refuse(support: Support, ada: User, ory_auth: ChangeSettings) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.ProtectsAda")
    assert "Ask Ada first." in support.start(ada).content.decode()
    assert reason_of(support, ada) == "handler"
    assert not rows()


@once
def test_a_reason_is_required(support: Support, ada: User) -> None:
    page = support.start(ada, reason="  ")
    assert (page.status_code, "Please enter a reason." in page.content.decode()) == (400, True)
    assert support.web.get(f"/own-start?user={ada.pk}").json()["refused"] == "no_reason"
    assert not rows()


@once
def test_a_null_character_in_the_reason_does_no_harm(support: Support, ada: User) -> None:
    """PostgreSQL refuses it."""
    assert support.start(ada, reason="Request\0 4711").status_code == 302
    assert rows()[0].reason == "Request 4711"


@once
@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_time_that_is_over_at_once_is_a_mistake(support: Support, ada: User, seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        support.web.get(f"/own-start?user={ada.pk}&reason=x&seconds={seconds}")
    assert rows() == []


@once
def test_visitors_are_sent_to_sign_in(web: DualClient, ada: User) -> None:
    assert web.get(f"/auth/impersonate?user={ada.pk}")["Location"].startswith("/auth/login")
    assert web.get(f"/own-start?user={ada.pk}&reason=x").json()["refused"] == "not_signed_in"


def test_a_django_sign_in_cannot_impersonate(web: DualClient, ada: User) -> None:
    web.client.force_login(User.objects.create_superuser("root", "root@example.org", "x"))
    assert web.get(f"/own-start?user={ada.pk}&reason=x").json()["refused"] == "not_signed_in"
    assert web.post("/auth/impersonate", {"user": str(ada.pk), "reason": "x"})["Location"].startswith("/auth/login")


@pytest.mark.promise("A token cannot impersonate")
@pytest.mark.parametrize("header", ["X-Session-Token", "Authorization"])
def test_a_token_cannot_impersonate(ory: Ory, as_ada: Support, ada: User, header: str) -> None:
    token = as_ada.session.person.app_session()
    headers = token.headers if header == "X-Session-Token" else token.bearer
    if header == "Authorization":
        delete_ory_cookie(as_ada.web)  # it would be the credential
    assert as_ada.web.get(f"/own-start?user={ada.pk}&reason=x", headers=headers).json()["refused"] == "token"
    assert as_ada.web.get("/whom", headers=headers).json() == {
        "user": str(as_ada.user.pk),
        "actor": None,
        "identity": as_ada.session.person.id,
        "backend": "ory_auth.backends.OryBackend",
    }
    sign_in(as_ada.web, as_ada.session)
    assert as_ada.sees_as() == str(ada.pk)  # the browser's cookie still counts


@once
def test_an_unknown_user_is_not_found(support: Support) -> None:
    for key in ("", "0", "no-number", "9" * 40):
        assert support.web.get(f"/auth/impersonate?user={key}").status_code == 404


@once
def test_the_button_is_shown_for_people_who_can_be_impersonated(as_ada: Support, ada: User) -> None:
    assert not as_ada.web.get(f"/button?user={ada.pk}").json()["shown"]
    as_ada.stop()
    assert as_ada.web.get(f"/button?user={ada.pk}").json()["shown"]


# --- starting and stopping --------------------------------------------------------------------------------------------


@once
def test_the_form_names_the_person_and_starts(support: Support, ada: User) -> None:
    page = support.web.get(f"/auth/impersonate?user={ada.pk}&next=/whom").content.decode()
    assert "See the site as Ada Lovelace" in page
    assert f'name="user" value="{ada.pk}"' in page
    response = support.start(ada, next="/whom")
    assert response["Location"] == "http://testserver/whom"


@once
@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_no_link_leads_to_another_site(support: Support, ada: User, target: str) -> None:
    assert support.start(ada, next=target)["Location"] == "http://testserver/"
    assert support.stop(next=target)["Location"] == f"http://testserver/admin/auth/user/{ada.pk}/change/"


@once
def test_afterwards_the_browser_is_at_the_users_page_in_the_admin(as_ada: Support, ada: User) -> None:
    assert as_ada.stop()["Location"] == f"http://testserver/admin/auth/user/{ada.pk}/change/"
    assert as_ada.sees_as() == str(as_ada.user.pk)
    assert not as_ada.has_cookie


@once
def test_scripts_start_and_stop(support: Support, ada: User) -> None:
    data = {"user": str(ada.pk), "reason": REASON}
    assert support.web.post("/auth/impersonate", data, headers=JSON).status_code == 204
    assert support.sees_as() == str(ada.pk)
    assert support.web.post("/auth/impersonate/stop", {}, headers=JSON).status_code == 204
    User.objects.filter(pk=ada.pk).update(is_superuser=True)
    answer = support.web.post("/auth/impersonate", data, headers=JSON).json()
    assert (answer["code"], answer["reason"]) == ("impersonation_refused", "superuser")


@once
def test_stopping_twice_is_harmless(as_ada: Support) -> None:
    as_ada.stop()
    assert as_ada.stop().status_code == 302
    assert len(rows()) == 1


def test_a_project_can_start_and_stop_by_itself(support: Support, ada: User) -> None:
    started = support.web.get(f"/own-start?user={ada.pk}&reason=x").json()
    assert started == {"user": str(ada.pk), "actor": str(support.user.pk), "minutes": 1}
    assert support.sees_as() == str(ada.pk)
    assert support.sees("/own-stop") == {"user": str(support.user.pk), "actor": None, "ended": "stopped"}
    assert support.sees_as() == str(support.user.pk)


def test_coroutines_can_start_and_stop(support: Support, ada: User) -> None:
    assert support.sees(f"/own-astart?user={ada.pk}") == {"user": str(ada.pk), "actor": str(support.user.pk)}
    assert support.sees_as() == str(ada.pk)
    assert support.sees("/own-astop") == {"user": str(support.user.pk), "ended": "stopped"}
    assert support.sees_as() == str(support.user.pk)


@once
@pytest.mark.parametrize("path", ["/auth/impersonate", "/auth/impersonate/stop"])
def test_starting_and_stopping_need_a_csrf_token(support: Support, ada: User, path: str) -> None:
    strict = DualClient(support.web.kind, enforce_csrf_checks=True)
    sign_in(strict, support.session)
    assert strict.post(path, {"user": str(ada.pk), "reason": REASON}).status_code == 403
    assert not rows()


@once
def test_stopping_is_no_link(as_ada: Support, ada: User) -> None:
    assert as_ada.web.get("/auth/impersonate/stop").status_code == 405
    assert as_ada.sees_as() == str(ada.pk)


def test_an_impersonation_starts_in_no_other(as_ada: Support, ada: User) -> None:
    bob = User.objects.create_user("bob")
    assert as_ada.start(bob).status_code == 403
    assert reason_of(as_ada, bob) == "active"
    assert as_ada.sees_as() == str(ada.pk)


@once
def test_a_start_in_a_second_tab_replaces_the_first(support: Support, ada: User) -> None:
    bob = User.objects.create_user("bob")
    support.start(ada)
    first = support.cookie
    del support.web.cookies[COOKIE]  # the second tab was opened before
    support.start(bob)
    assert [row.end_reason for row in rows()] == ["replaced", ""]
    assert support.sees_as() == str(bob.pk)
    set_cookie(support.web, COOKIE, first)
    assert support.sees_as() == str(support.user.pk)


@once
def test_a_form_of_another_tab_is_refused_after_the_start_and_after_the_stop(
    support: Support, ada: User, settings: Settings
) -> None:
    strict = DualClient(support.web.kind, enforce_csrf_checks=True)
    strict.client.cookies = support.web.cookies
    support = Support(strict, support.session, support.user)

    form = f"/auth/impersonate?user={ada.pk}"
    before = csrf_token(strict, form)
    assert support.start(ada, csrfmiddlewaretoken=before).status_code == 302
    assert strict.post("/change", {"csrfmiddlewaretoken": before}).status_code == 403
    during = csrf_token(strict, form)  # of the page that refuses
    assert strict.post("/change", {"csrfmiddlewaretoken": during}).json()["changed"] == str(ada.pk)
    assert support.stop(csrfmiddlewaretoken=during).status_code == 302
    assert strict.post("/change", {"csrfmiddlewaretoken": during}).status_code == 403


# --- the cookie -------------------------------------------------------------------------------------------------------


@once
def test_the_cookie_is_protected_as_the_session_cookie(support: Support, ada: User, settings: Settings) -> None:
    settings.SESSION_COOKIE_SAMESITE, settings.SESSION_COOKIE_SECURE = "Strict", True
    settings.SESSION_COOKIE_DOMAIN, settings.SESSION_COOKIE_PATH = "testserver", "/"
    cookie = support.start(ada).cookies[COOKIE]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Strict")
    assert (cookie["domain"], cookie["path"]) == ("testserver", "/")


@pytest.mark.promise("The cookie of an impersonation is worthless in another session")
def test_a_copied_cookie_is_worthless_and_ends_the_impersonation(ory: Ory, as_ada: Support) -> None:
    thief = DualClient(as_ada.web.kind)
    session = ory.person().browser_session()
    sign_in(thief, session)
    thief.get("/who")
    other = user_of(session.person)
    allow(other, "ory_auth.impersonate", "auth.change_group")
    set_cookie(thief, COOKIE, as_ada.cookie)
    assert thief.get("/whom").json()["user"] == str(other.pk)
    assert as_ada.sees_as() == str(as_ada.user.pk)
    assert rows()[0].end_reason == "session_ended"


def test_another_session_of_the_same_person_does_not_impersonate(as_ada: Support) -> None:
    sign_in(as_ada.web, as_ada.session.person.browser_session())
    assert as_ada.sees()["actor"] is None
    assert not as_ada.has_cookie


@once
@pytest.mark.parametrize("change", ["signature", "id", "session", "empty", "rubbish", "shape"])
def test_a_changed_cookie_is_worthless(as_ada: Support, change: str, caplog: pytest.LogCaptureFixture) -> None:
    text, _, signature = as_ada.cookie.rpartition(":")
    row, _, session = text.partition(".")
    value = {
        "signature": f"{text}:{signature[:-1]}{'A' if signature[-1] != 'A' else 'B'}",
        "id": f"{UUID(int=1).hex}.{session}:{signature}",
        "session": f"{row}.{UUID(int=1).hex}:{signature}",
        "empty": "",
        "rubbish": "\x01 ; =",
        "shape": Signer(salt="ory_auth.request.impersonation_cookie").sign("1.2.3"),
    }[change]
    set_cookie(as_ada.web, COOKIE, value)
    assert as_ada.sees()["actor"] is None
    assert rows()[0].ended_at is None


@once
def test_a_rotated_secret_key_ends_nothing(as_ada: Support, ada: User, settings: Settings) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret that is long enough for the checks of Django, and new"
    assert as_ada.sees_as() == str(ada.pk)
    settings.SECRET_KEY_FALLBACKS = []
    assert as_ada.sees()["actor"] is None


def test_a_cookie_that_is_used_again_after_the_end_is_worthless(as_ada: Support, ada: User) -> None:
    old = as_ada.cookie
    as_ada.stop()
    set_cookie(as_ada.web, COOKIE, old)
    assert as_ada.sees_as() == str(as_ada.user.pk)
    assert not as_ada.has_cookie


# --- the end ----------------------------------------------------------------------------------------------------------


def expire() -> None:
    past = timezone.now() - timedelta(minutes=5)
    Impersonation.objects.update(started_at=past - timedelta(hours=1), expires_at=past)


@pytest.mark.promise("An impersonation ends after an hour at most")
def test_it_ends_after_an_hour_at_most(as_ada: Support, ada: User) -> None:
    [row] = rows()
    assert row.expires_at - row.started_at == timedelta(hours=1)
    expire()
    assert as_ada.sees()["actor"] is None
    [row] = rows()
    assert (row.end_reason, row.ended_at) == ("expired", row.expires_at)
    assert not as_ada.has_cookie


@once
def test_it_can_be_shorter(support: Support, ada: User, ory_auth: ChangeSettings) -> None:
    ory_auth(IMPERSONATION_SECONDS=600)
    assert "at most 10 minutes" in support.web.get(f"/auth/impersonate?user={ada.pk}").content.decode()
    support.start(ada)
    [row] = rows()
    assert row.expires_at - row.started_at == timedelta(minutes=10)


@pytest.mark.parametrize("seconds", [0, 3601, "600", True])
def test_it_cannot_be_longer_than_an_hour(seconds: object) -> None:
    _, [problem] = parse({"SDK_URL": "http://127.0.0.1:4433", "IMPERSONATION_SECONDS": seconds})
    assert problem.key == "IMPERSONATION_SECONDS"


@once
def test_it_never_outlives_the_session(local_ory: LocalOry, support: Support, ada: User) -> None:
    local_ory.clock.move(hours=23, minutes=55)
    support.start(ada)
    [row] = rows()
    assert row.expires_at - row.started_at <= timedelta(minutes=6)


@pytest.mark.promise("An impersonation ends with the staff member's session")
@pytest.mark.parametrize("how", ["revoked", "deactivated", "cookie"])
def test_it_ends_with_the_session_of_the_staff_member(as_ada: Support, how: str) -> None:
    match how:
        case "revoked":
            as_ada.session.revoke()
        case "deactivated":
            as_ada.session.person.deactivate()
        case _:
            delete_ory_cookie(as_ada.web)
    assert as_ada.sees() == {"user": "None", "actor": None, "identity": None, "backend": None}
    assert [row.end_reason for row in rows()] == ["session_ended"]
    assert not as_ada.has_cookie


@pytest.mark.promise("An impersonation ends when the staff member signs out")
@pytest.mark.parametrize("path", ["/auth/logout", "/django-logout", "/django-alogout"])
def test_it_ends_with_a_sign_out(as_ada: Support, path: str) -> None:
    old = as_ada.cookie
    as_ada.web.post(path)
    assert [row.end_reason for row in rows()] == ["signed_out"]
    assert as_ada.sees()["identity"] is None
    sign_in(as_ada.web, as_ada.session.person.browser_session())
    set_cookie(as_ada.web, COOKIE, old)
    assert as_ada.sees()["actor"] is None


@once
def test_it_ends_when_ory_reports_the_end_of_the_session(as_ada: Support) -> None:
    signals.session_ended.send(
        None, session_id=UUID(as_ada.session.id), identity_id=UUID(as_ada.session.person.id), user=as_ada.user
    )
    assert [row.end_reason for row in rows()] == ["session_ended"]
    assert as_ada.sees()["actor"] is None


@once
@pytest.mark.promise("An impersonation ends as soon as the rule no longer allows it")
@pytest.mark.parametrize("change", ["permission", "promoted", "superuser", "inactive", "same rights", "handler"])
def test_it_ends_when_rights_change(as_ada: Support, ada: User, change: str, ory_auth: ChangeSettings) -> None:
    match change:
        case "permission":
            as_ada.user.user_permissions.remove(Permission.objects.get(codename="impersonate"))
        case "promoted":
            allow(ada, "auth.delete_user")
        case "superuser":
            User.objects.filter(pk=ada.pk).update(is_superuser=True)
        case "inactive":
            User.objects.filter(pk=ada.pk).update(is_active=False)
        case "same rights":
            as_ada.user.user_permissions.remove(Permission.objects.get(codename="change_group"))
            User.objects.filter(pk=ada.pk).update(is_staff=True)
            allow(ada, "ory_auth.impersonate")
        case _:
            ory_auth(USER_HANDLER="tests.project.handlers.ProtectsAda")
    assert as_ada.sees()["actor"] is None
    assert [row.end_reason for row in rows()] == ["rights_changed"]


@pytest.mark.parametrize("how", ["rights_changed", "stopped"])
def test_the_end_is_stored_even_if_the_transaction_of_the_request_rolls_back(
    as_ada: Support, ada: User, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "rights_changed":
        User.objects.filter(pk=ada.pk).update(is_active=False)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    with pytest.raises(RuntimeError, match="a bug"):
        as_ada.web.get("/reads-and-crashes" + ("?stop" if how == "stopped" else ""))
    assert [row.end_reason for row in rows()] == [how]
    assert as_ada.sees()["actor"] is None


def test_an_actor_who_is_deactivated_here_sees_nothing(as_ada: Support) -> None:
    User.objects.filter(pk=as_ada.user.pk).update(is_active=False)
    assert as_ada.sees()["user"] == "None"
    assert as_ada.web.get("/guarded", headers=JSON).json()["code"] == "not_admitted"


def test_cached_users_do_not_hide_a_change_of_rights(
    as_ada: Support, ada: User, ory_auth: ChangeSettings, django_capture_on_commit_callbacks: Any
) -> None:
    ory_auth(USER_CACHE_SECONDS=60, SESSION_CACHE_SECONDS=60)
    with django_capture_on_commit_callbacks(execute=True):  # rows are cached after the commit
        assert as_ada.sees_as() == str(ada.pk)
    User.objects.filter(pk=as_ada.user.pk).update(is_active=False)
    assert as_ada.sees()["actor"] is None


@once
@pytest.mark.parametrize("who", ["person", "staff"])
def test_it_ends_when_one_of_both_is_deleted(as_ada: Support, ada: User, who: str) -> None:
    (ada if who == "person" else as_ada.user).delete()
    assert as_ada.sees()["actor"] is None
    [row] = rows()
    assert row.user_name == "ada@example.org"
    assert row.actor_name == as_ada.session.person.email


@pytest.mark.promise("A change that was meant for the person is not made for the staff member after the end")
def test_a_form_that_is_sent_after_the_end_changes_nothing(as_ada: Support) -> None:
    assert as_ada.web.post("/change").json()["changed"] != str(as_ada.user.pk)
    expire()
    page = as_ada.web.post("/change")
    assert (page.status_code, "The impersonation has ended" in page.content.decode()) == (403, True)
    assert 'href="/auth/login">Go on' in page.content.decode()
    assert as_ada.web.post("/change").json()["changed"] == str(as_ada.user.pk)


@once
@pytest.mark.parametrize("what", ["ended", "refused", "menu"])
def test_a_project_without_our_pages_has_these_responses(as_ada: Support, settings: Settings, what: str) -> None:
    """Its own views start and end impersonations."""
    settings.ROOT_URLCONF = (path("change", change), path("pay", pay), path("menu", menu))
    if what == "ended":
        expire()
        response = as_ada.web.post("/change")
    else:
        response = as_ada.web.get("/pay" if what == "refused" else "/menu")
    assert response.status_code == (200 if what == "menu" else 403)


def test_a_script_that_sends_something_after_the_end_is_refused(as_ada: Support) -> None:
    expire()
    assert as_ada.web.post("/change", headers=JSON).json()["code"] == "impersonation_ended"


@once
@pytest.mark.parametrize("how", ["expired", "session", "rights", "token in the session"])
@pytest.mark.promise("A change that was meant for the person is not made for the staff member after the end")
def test_a_form_that_is_sent_after_another_tab_has_seen_the_end_changes_nothing(
    support: Support, ada: User, how: str, settings: Settings
) -> None:
    """The other tab deletes the cookie, so that only the CSRF token says whom the form was made for."""
    settings.CSRF_USE_SESSIONS = how == "token in the session"
    strict = DualClient(support.web.kind, enforce_csrf_checks=True)
    strict.client.cookies = support.web.cookies
    support = Support(strict, support.session, support.user)
    support.start(ada, csrfmiddlewaretoken=csrf_token(strict, f"/auth/impersonate?user={ada.pk}"))
    during = csrf_token(strict, f"/auth/impersonate?user={ada.pk}")
    assert strict.post("/change", {"csrfmiddlewaretoken": during}).json()["changed"] == str(ada.pk)
    match how:
        case "expired" | "token in the session":
            expire()
        case "session":
            sign_in(strict, support.session.person.browser_session())
        case _:
            User.objects.filter(pk=ada.pk).update(is_active=False)
    assert support.sees_as() == str(support.user.pk)
    assert not support.has_cookie
    assert strict.post("/change", {"csrfmiddlewaretoken": during}).status_code == 403
    after = csrf_token(strict, f"/auth/impersonate?user={User.objects.create_user('bob').pk}")
    assert strict.post("/change", {"csrfmiddlewaretoken": after}).json()["changed"] == str(support.user.pk)


@pytest.mark.promise("A Django sign-in during an impersonation does not outlive it")
@pytest.mark.parametrize("path", ["/django-login", "/django-alogin"])
def test_a_django_sign_in_during_an_impersonation_is_undone(as_ada: Support, ada: User, path: str) -> None:
    ada.set_password("Sleipnir-8-legs")
    ada.save()
    as_ada.web.get(f"{path}?name=ada&password=Sleipnir-8-legs")
    assert as_ada.sees()["actor"] == str(as_ada.user.pk)
    expire()
    assert as_ada.sees_as() == str(as_ada.user.pk)
    delete_ory_cookie(as_ada.web)
    assert as_ada.sees_as() == "None"


@once
def test_the_staff_member_is_the_one_who_signs_out(as_ada: Support) -> None:
    left = []

    def on_logout(user: Any, **_: Any) -> None:
        left.append(user.pk)

    user_logged_out.connect(on_logout)
    as_ada.web.post("/auth/logout")
    user_logged_out.disconnect(on_logout)
    assert left == [as_ada.user.pk]


def test_it_ends_with_a_sign_out_through_the_gateway(as_ada: Support, settings: Settings) -> None:
    settings.ORY_AUTH = {**settings.ORY_AUTH, "BROWSER_URL": "/gate"}
    headers = {"Accept": "application/json"}
    token = as_ada.web.get("/gate/self-service/logout/browser", headers=headers).json()["logout_token"]
    as_ada.web.get(f"/gate/self-service/logout?token={token}", headers=headers)
    assert [row.end_reason for row in rows()] == ["signed_out"]
    assert as_ada.sees()["user"] == "None"


# --- outages ----------------------------------------------------------------------------------------------------------


def test_while_ory_is_down_nothing_is_shown(as_ada: Support, ory_down: None) -> None:
    assert as_ada.web.get("/whom").status_code == 503
    assert as_ada.web.get("/awhom").status_code == 503
    assert as_ada.web.get("/pay").status_code == 503
    assert as_ada.web.post("/change").status_code == 503
    assert as_ada.sees("/greeting") == {"user": "", "unavailable": True}
    assert as_ada.has_cookie


def test_stopping_works_while_ory_is_down(as_ada: Support, ory_down: None) -> None:
    assert as_ada.stop().status_code == 302
    assert [row.end_reason for row in rows()] == ["stopped"]
    assert not as_ada.has_cookie


def test_nothing_starts_while_ory_is_down(support: Support, ada: User, ory_down: None) -> None:
    assert support.start(ada).status_code == 503
    assert not rows()


# --- Django's session -------------------------------------------------------------------------------------------------


@pytest.mark.promise("A staff member and the user whom they impersonate never see each other's Django session")
@pytest.mark.parametrize(("put", "cart"), [("/put", "/cart"), ("/put", "/cart-of-user"), ("/aput", "/acart")])
def test_neither_sees_the_others_session(support: Support, ada: User, put: str, cart: str) -> None:
    support.web.get(f"{put}?thing=hat")
    assert support.sees(cart)["cart"] == "hat"
    support.start(ada)
    assert support.sees(cart)["cart"] is None
    support.web.get(f"{put}?thing=shoe")
    assert support.sees(cart)["cart"] == "shoe"
    support.stop()
    assert support.sees(cart)["cart"] is None


@pytest.mark.parametrize(("put", "cart"), [("/put", "/cart"), ("/put", "/cart-of-user"), ("/aput", "/acart")])
def test_what_the_person_has_stored_is_gone_after_the_end(as_ada: Support, put: str, cart: str) -> None:
    as_ada.web.get(f"{put}?thing=shoe")
    expire()
    assert as_ada.sees(cart)["cart"] is None
    as_ada.web.get(f"{put}?thing=hat")
    assert as_ada.sees(cart)["cart"] == "hat"


@pytest.mark.parametrize("cart", ["/cart", "/cart-of-user", "/acart"])
def test_without_the_cookie_nothing_of_the_person_is_seen(as_ada: Support, cart: str) -> None:
    as_ada.web.get("/put?thing=shoe")
    del as_ada.web.cookies[COOKIE]
    assert as_ada.sees(cart)["cart"] is None


@pytest.mark.parametrize("cart", ["/cart", "/cart-of-user", "/acart"])
def test_a_session_key_of_before_shows_nothing(support: Support, ada: User, cart: str) -> None:
    support.web.get("/put?thing=hat")
    key = support.web.cookies["sessionid"].value
    support.start(ada)
    set_cookie(support.web, "sessionid", key)
    assert support.sees(cart)["cart"] is None


@once
@pytest.mark.parametrize("storage", ["cookie.CookieStorage", "session.SessionStorage"])
def test_messages_reach_only_the_person_whom_they_are_for(
    support: Support, ada: User, storage: str, settings: Settings
) -> None:
    settings.MESSAGE_STORAGE = f"django.contrib.messages.storage.{storage}"
    support.web.get("/say")
    support.start(ada)
    assert support.sees("/heard") == {"heard": []}
    support.web.get("/say")
    assert support.sees("/heard") == {"heard": ["Your order was placed."]}
    support.web.get("/say")
    support.stop()
    assert support.sees("/heard") == {"heard": []}


@once
def test_messages_reach_the_next_page(as_ada: Support, settings: Settings) -> None:
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
    as_ada.web.get("/put?thing=shoe")
    assert as_ada.sees("/cart-of-user")["cart"] == "shoe"


def test_the_outage_of_ory_shows_no_session(as_ada: Support, ory_down: None) -> None:
    as_ada.web.get("/put?thing=shoe")
    assert as_ada.web.get("/cart").status_code == 503


# --- the record -------------------------------------------------------------------------------------------------------


@once
def test_the_row_says_who_as_whom_why_and_from_where(support: Support, ada: User) -> None:
    support.web.post(
        "/auth/impersonate",
        {"user": str(ada.pk), "reason": f"  {REASON} "},
        headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/141.0"},
    )
    [row] = rows()
    assert (row.actor, row.actor_name, row.actor_identity_id) == (
        support.user,
        support.session.person.email,
        UUID(support.session.person.id),
    )
    assert (row.user, row.user_name, row.identity_id) == (ada, "ada@example.org", None)
    assert (row.reason, row.address, row.session_id) == (REASON, "127.0.0.1", UUID(support.session.id))
    assert row.user_agent.endswith("Firefox/141.0")
    assert (row.ended_at, row.end_reason) == (None, "")
    support.stop()
    [row] = rows()
    assert row.end_reason == "stopped"
    assert row.ended_at is not None


@once
def test_signals_are_sent_after_the_commit(
    support: Support, ada: User, told: list[tuple[str, Impersonation]], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        support.start(ada)
        assert not told
    for callback in callbacks:
        callback()
    with django_capture_on_commit_callbacks(execute=True):
        support.stop()
        support.stop()
    assert [(word, row.user_name) for word, row in told] == [
        ("started", "ada@example.org"),
        ("stopped", "ada@example.org"),
    ]


@once
def test_the_log_has_ids_and_never_the_reason(
    support: Support, ada: User, caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: Any
) -> None:
    caplog.set_level("INFO", "ory_auth")
    with django_capture_on_commit_callbacks(execute=True):
        support.start(ada)
    support.web.post("/change")
    with django_capture_on_commit_callbacks(execute=True):
        support.stop()
    ours = [name for name in event_ids(caplog) if name.startswith("imperson")]
    assert ours == [
        "impersonation_started",
        "impersonated_request",
        "impersonation_ended",
    ]
    [facts] = [
        vars(record)["ory_facts"]
        for record in caplog.records
        if getattr(record, "ory_event", "") == "impersonated_request"
    ]
    assert facts == {"impersonation": str(rows()[0].pk), "method": "POST", "view": "tests.test_impersonation.change",
                     "status": 200}  # fmt: skip
    assert REASON not in caplog.text
    assert "ada@" not in caplog.text


# --- the banner -------------------------------------------------------------------------------------------------------


@once
def test_the_banner_names_both_and_leads_out(as_ada: Support) -> None:
    page = as_ada.web.get("/pay").content.decode()
    assert "You see this site as <strong><bdi>Ada Lovelace</bdi></strong>." in page
    assert "You are signed in as <bdi>Sue Port</bdi>. 60 minutes left." in page
    assert 'action="/auth/impersonate/stop"' in page
    assert "impersonation.css" in page


@once
def test_there_is_no_banner_without_an_impersonation(support: Support, ada: User) -> None:
    assert "impersonation.css" not in support.web.get(f"/auth/impersonate?user={ada.pk}").content.decode()


@once
def test_the_banner_is_left_out_in_an_outage(as_ada: Support, ory_down: None) -> None:
    page = as_ada.web.get("/whom")
    assert (page.status_code, "impersonation.css" in page.content.decode()) == (503, False)


@once
def test_the_user_menu_leaves_out_the_pages_of_the_account(as_ada: Support) -> None:
    assert "Your devices" not in as_ada.web.get("/menu").content.decode()
    as_ada.stop()
    assert "Your devices" in as_ada.web.get("/menu").content.decode()


# --- the list in the admin --------------------------------------------------------------------------------------------


@once
@pytest.mark.parametrize("query", ["state=open", "q=4711"])
def test_the_admin_lists_impersonations(as_ada: Support, query: str) -> None:
    auditor = DualClient(as_ada.web.kind)
    auditor.client.force_login(User.objects.create_superuser("root", "root@example.org", "x"))
    page = auditor.get(f"/admin/ory_auth/impersonation/?{query}").content.decode()
    assert (REASON in page, "1 impersonation" in page) == (True, True)
    expire()
    assert "0 impersonations" in auditor.get("/admin/ory_auth/impersonation/?state=open").content.decode()
    assert "1 impersonation" in auditor.get("/admin/ory_auth/impersonation/?state=expired").content.decode()
    assert "0 impersonations" in auditor.get("/admin/ory_auth/impersonation/?state=stopped").content.decode()


@once
def test_the_record_cannot_be_changed_in_the_admin(as_ada: Support) -> None:
    [row] = rows()
    auditor = DualClient(as_ada.web.kind)
    auditor.client.force_login(User.objects.create_superuser("root", "root@example.org", "x"))
    page = auditor.get(f"/admin/ory_auth/impersonation/{row.pk}/change/")
    assert (page.status_code, REASON in page.content.decode()) == (200, True)
    assert auditor.post(f"/admin/ory_auth/impersonation/{row.pk}/change/", {"reason": "x"}).status_code == 403
    assert auditor.get(f"/admin/ory_auth/impersonation/{row.pk}/delete/").status_code == 403
    assert auditor.get("/admin/ory_auth/impersonation/add/").status_code == 403


# --- at the same time -------------------------------------------------------------------------------------------------


@pytest.mark.django_db(databases=[])
@pytest.mark.usefixtures("own_database")
def test_two_starts_at_the_same_time_leave_one_open(ory: Ory) -> None:
    """Each tab of a staff member starts one."""
    session = ory.person().browser_session()
    web = DualClient("wsgi")
    sign_in(web, session)
    web.get("/who")
    User.objects.update(is_superuser=True, is_staff=True)
    people = [User.objects.create_user(f"customer-{number}") for number in range(4)]
    statuses: list[int] = []

    def start_one(person: User) -> None:
        tab = DualClient("wsgi")
        sign_in(tab, session)
        statuses.append(tab.post("/auth/impersonate", {"user": str(person.pk), "reason": REASON}).status_code)
        connection.close()

    threads = [Thread(target=start_one, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [302] * 4
    assert len([row for row in rows() if row.ended_at is None]) == 1
    assert sorted(row.end_reason for row in rows()) == ["", "replaced", "replaced", "replaced"]
