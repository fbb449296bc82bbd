"""A project that is checked with mypy's strictness: each public name, as its users write it. Nobody runs this."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, assert_type
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client, TestCase
from django.urls import include, path
from django.views import View
from ninja import NinjaAPI

from ory_auth.admin import OryIdentityActions, OryIdentityAdmin, OryIdentityInline, login_through_ory
from ory_auth.backends import OryBackend
from ory_auth.cache_serializer import BytesSerializer
from ory_auth.channels import OryAuthMiddleware, OryAuthMiddlewareStack, OryRequired, recheck
from ory_auth.decorators import ory_optional, ory_required
from ory_auth.exceptions import (
    AALRequired,
    Conflict,
    ImpersonationRefused,
    InvalidIdentity,
    InvitationNotSent,
    MethodDisabled,
    NotAdmitted,
    NotFound,
    NotWhileImpersonating,
    OryAuthError,
    OryResponseInvalid,
    OryUnavailable,
    RateLimited,
)
from ory_auth.forms import FlowForm, FlowForms
from ory_auth.identities import (
    Invitation,
    RecoveryCode,
    RecoveryLink,
    aactivate,
    acreate,
    activate,
    adeactivate,
    adelete,
    afind,
    aget,
    aget_by_external_id,
    ainvite,
    arecovery_code,
    arecovery_link,
    aremove_second_factor,
    aresend_verification,
    arevoke_session,
    arevoke_sessions,
    asend_recovery,
    asessions,
    aset_metadata,
    aupdate,
    create,
    deactivate,
    delete,
    find,
    get,
    get_by_external_id,
    invite,
    recovery_code,
    recovery_link,
    remove_second_factor,
    resend_verification,
    revoke_session,
    revoke_sessions,
    send_recovery,
    sessions,
    set_metadata,
    update,
)
from ory_auth.impersonation import astart, astop, may_impersonate, no_impersonation, start, stop
from ory_auth.middleware import OryMiddleware
from ory_auth.mixins import OryRequiredMixin
from ory_auth.models import Impersonation, OryIdentity
from ory_auth.moving import ImportRefused, MoveOptions, aimport_user, import_user
from ory_auth.ninja import OryAuth
from ory_auth.rest_framework import AAL2Required, OrySessionAuthentication
from ory_auth.signals import (
    identity_changed,
    identity_deleted,
    impersonation_ended,
    impersonation_started,
    session_ended,
    user_created,
    user_linked,
    user_updated,
)
from ory_auth.synchronization import Drift, Summary, SyncStopped, synchronize
from ory_auth.testing import Ory, OryLogin, OryTestMixin, Person, SignIn, prepare_request
from ory_auth.types import AAL, AuthenticationMethod, Identity, OryHttpRequest, OrySession
from ory_auth.users import UserHandler, delete_user
from ory_auth.views import LoginView, RecoveryView, RegistrationView, SettingsView, VerificationView
from ory_auth.webhooks import BlockingHook, Changes, Refusal, change_identity, change_traits, refuse


@ory_required
def bare(request: OryHttpRequest) -> HttpResponse:
    assert_type(request.ory_session, OrySession | None)
    return HttpResponse(request.user.get_username())


@ory_required(aal="aal2", max_age=timedelta(minutes=15))
async def strict(request: OryHttpRequest, number: int) -> JsonResponse:
    session = await request.aory_session()
    assert_type(session, OrySession | None)
    return JsonResponse({"number": number, "aal": session and session.aal >= AAL.AAL2})


@no_impersonation
def pay(request: OryHttpRequest) -> HttpResponse:
    if request.actor is not None:
        raise NotWhileImpersonating
    return HttpResponse("paid")


@no_impersonation
async def apay(request: OryHttpRequest) -> HttpResponse:
    return HttpResponse(str(await request.aactor()))


def support(request: OryHttpRequest, user: User) -> HttpResponse:
    try:
        assert_type(start(request, user, "Request 4711", seconds=600), Impersonation)
    except ImpersonationRefused as refused:
        assert_type(refused.reason, str)
    assert_type(may_impersonate(request, user), bool)
    assert_type(stop(request), Impersonation | None)
    return HttpResponse()


async def asupport(request: OryHttpRequest, user: User) -> HttpResponse:
    assert_type(await astart(request, user, "Request 4711"), Impersonation)
    assert_type(await astop(request), Impersonation | None)
    return HttpResponse()


@ory_required(fresh=True, max_age=900, aal=AAL.AAL1)
def fresh(request: HttpRequest) -> HttpResponse:
    raise AALRequired(aal=None, refresh=True)


@ory_optional
def greeting(request: OryHttpRequest) -> HttpResponse:
    assert_type(request.ory_unavailable, bool)
    return HttpResponse("hello")


assert_type(bare(OryHttpRequest()), HttpResponse)
assert_type(fresh(HttpRequest()), HttpResponse)


class ShopForm(FlowForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"


class ShopLogin(LoginView):
    template_name = "shop/login.html"
    form_class = ShopForm

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        forms = context["forms"]
        assert isinstance(forms, FlowForms)
        return super().get_context_data(names=[button.label for form in forms for button in form.buttons], **context)


flow_pages = [
    path("auth/login", ShopLogin.as_view()),
    *(path("x", view.as_view()) for view in (RegistrationView, RecoveryView, VerificationView, SettingsView)),
]


class Page(OryRequiredMixin, View):
    aal, max_age = "aal2", timedelta(hours=1)

    def get(self, request: OryHttpRequest) -> HttpResponse:
        return HttpResponse("let in")


class Handler(UserHandler):
    def admit(self, session: OrySession, user: User | None) -> bool:
        return super().admit(session, user) and session.identity.schema_id == "person"

    def values(self, identity: Identity) -> dict[str, Any]:
        return {**super().values(identity), "first_name": identity.traits.get("name", "")}

    def may_link(self, identity: Identity, user: User) -> bool:
        return super().may_link(identity, user) and user.date_joined < datetime(2026, 1, 1)


def read(session: OrySession) -> None:
    assert_type(session.id, UUID)
    assert_type(session.identity.id, UUID)
    assert_type(session.expires_at, datetime)
    assert_type(session.issued_at, datetime | None)
    assert_type(session.authentication_methods, tuple[AuthenticationMethod, ...])
    assert_type(session.aal == AAL.AAL2, bool)


def linked(user: User) -> UUID:
    return OryIdentity.objects.get(user=user).pk  # type: ignore[no-any-return,unused-ignore]  # django-stubs without its plugin


def trouble(error: OryAuthError) -> str:
    match error:
        case OryResponseInvalid() | OryUnavailable():
            assert_type(error.retry_after, int | None)
            return "unavailable"
        case AALRequired() | NotAdmitted():
            assert_type(error.code, str)
            return error.code
    return "unknown"


def welcome(user: User, identity: Identity, **_: object) -> None:
    print(user.pk, identity.id)


def test_a_guarded_view(client: Client, ory: Ory, ory_login: OryLogin) -> None:
    signed_in = ory_login(client, traits={"name": {"first": "Ada"}}, aal="aal2")
    assert_type(signed_in, SignIn)
    assert_type(ory.person("bob@example.org"), Person)
    with ory.failing():
        assert client.get("/bare").status_code == 503
    assert_type(prepare_request(HttpRequest()), HttpRequest)


class BareTests(OryTestMixin, TestCase):
    def test_a_guarded_view(self) -> None:
        self.ory_login(self.client)


def goodbye(request: HttpRequest) -> HttpResponse:
    delete_user(request.user)
    return HttpResponse("gone")


user_created.connect(welcome)
user_linked.connect(welcome)
user_updated.connect(welcome)
api = NinjaAPI(auth=OryAuth(aal=AAL.AAL2, max_age=900, fresh=True))


@api.get("me", auth=[*OryAuth(max_age=timedelta(minutes=15)), lambda request: None])
async def me(request: HttpRequest) -> str:
    return request.user.get_username()


async def consumer(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    assert_type(await recheck(scope), bool)


public_sockets = OryAuthMiddleware(consumer, optional=True)
sockets = OryAuthMiddlewareStack(OryRequired(consumer, aal="aal2", max_age=timedelta(hours=1), fresh=True))


class SupportedUserAdmin(OryIdentityActions, UserAdmin[User]):
    inlines = (OryIdentityInline,)


login: Callable[..., HttpResponse] = login_through_ory(admin.AdminSite("second"))
classes: list[type] = [
    OryBackend,
    OryMiddleware,
    OryIdentityAdmin,
    SupportedUserAdmin,
    OrySessionAuthentication,
    AAL2Required,
    BytesSerializer,
]
urlpatterns = [
    path("bare", bare),
    path("strict/<int:number>", strict),
    path("page", Page.as_view()),
    path("auth/", include("ory_auth.urls")),
]

identity_changed.connect(welcome)
identity_deleted.connect(welcome)
session_ended.connect(welcome)
impersonation_started.connect(welcome)
impersonation_ended.connect(welcome)


def call_the_admin_api(call: Callable[[], None]) -> str:
    try:
        call()
    except NotFound:
        return "unknown"
    except Conflict:
        return "taken"
    except InvalidIdentity as error:
        return ", ".join(error.fields)
    except RateLimited as error:
        assert_type(error.retry_after, int | None)
    except MethodDisabled:
        return "turned off"
    except InvitationNotSent as error:
        assert_type(error.cause, str | None)
    return ""


def help_people(user: User, someone: AnonymousUser | User) -> None:
    identity = create(traits={"email": "ada@example.org"}, external_id="1", create_user=True)
    assert_type(identity, Identity)
    assert_type(find(email="ada@example.org"), Identity | None)
    assert_type(get(someone), Identity)
    get_by_external_id("1")
    update(identity.id, traits={"name": None})
    set_metadata(str(identity.id), public={"plan": "pro"}, admin=["any"], merge=False)
    assert_type(sessions(user, active=True), list[OrySession])
    revoke_session(identity.id)
    assert_type(revoke_sessions(user), int)
    deactivate(user)
    activate(user)
    assert_type(recovery_code(user), RecoveryCode)
    assert_type(recovery_link(user, expires_in=timedelta(hours=1)), RecoveryLink)
    assert_type(resend_verification(user), int)
    assert_type(remove_second_factor(user), tuple[str, ...])
    send_recovery(user, method="link")
    assert_type(invite("ada@example.org", traits={"name": "Ada"}), Invitation)
    delete(user)


async def help_people_asynchronously(user: User) -> None:
    identity = await acreate(traits={"email": "ada@example.org"})
    assert_type(identity, Identity)
    assert_type(await afind(external_id="1"), Identity | None)
    assert_type(await aget(user), Identity)
    await aget_by_external_id("1")
    await aupdate(identity, traits={})
    await aset_metadata(identity, public={})
    assert_type(await asessions(user), list[OrySession])
    await arevoke_session(identity.id)
    await arevoke_sessions(user)
    await adeactivate(user)
    await aactivate(user)
    assert_type(await arecovery_code(user), RecoveryCode)
    await arecovery_link(user)
    await aresend_verification(user)
    await aremove_second_factor(user)
    await asend_recovery(user)
    assert_type(await ainvite("ada@example.org"), Invitation)
    await adelete(user)


def last_reason(user: User) -> str:
    impersonation = Impersonation.objects.filter(user=user).first()
    return str(impersonation.reason) if impersonation else ""


def decide(hook: BlockingHook) -> Refusal | Changes | None:
    assert_type(hook.identity_id, UUID | None)
    if hook.flow == "registration" and not hook.traits.get("email"):
        return refuse("Please enter an address.", field="traits.email")
    if hook.transient_payload:
        return change_identity(metadata_public={"invited": True})
    return change_traits({"name": {"first": "Ada"}}) if hook.method == "profile" else None


def move(user: User, password: str) -> UUID | None:
    options = MoveOptions(traits=lambda user: {"email": user.email}, providers={"google": "google-eu"})
    try:
        return import_user(user, password=password, options=options)
    except ImportRefused as refusal:
        assert_type(refusal.code, str)
        return None


async def amove(user: User) -> None:
    assert_type(await aimport_user(user), UUID)


def synchronize_users() -> int:
    try:
        summary = synchronize(deleted="keep", on_progress=lambda done, total, note: None)
    except SyncStopped:
        return 0
    assert_type(summary, Summary)
    return summary.identities + summary.counts[Drift.DELETED]
