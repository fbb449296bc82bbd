"""Who somebody is, and what they may do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compatibility.package import Package, Verdict, expect, expect_that
from compatibility.visit import Visit, Visitor

# ---- django-guardian


def _guardian_urls() -> Sequence[Any]:
    from django.http import JsonResponse
    from django.urls import path

    from compatibility.notes.models import Note

    def may_change(request: Any, pk: int) -> JsonResponse:
        return JsonResponse({"may": request.user.has_perm("notes.change_note", Note.objects.get(pk=pk))})

    return [path("may-change/<int:pk>", may_change)]


def _guardian(visit: Visit) -> None:
    from guardian.shortcuts import assign_perm

    from compatibility.notes.models import Note

    note = Note.objects.create(text="hers")
    assign_perm("notes.change_note", visit.user_of(visit.ada), note)
    for visitor, may in ((visit.ada, True), (visit.bob, False), (visit.nobody, False)):
        expect(visitor.get(f"/may-change/{note.pk}").json["may"], may, "has_perm() for one object")


GUARDIAN = Package(
    "django-guardian",
    "Add `OryBackend` to `AUTHENTICATION_BACKENDS`, and keep `guardian.backends.ObjectPermissionBackend` there.",
    Verdict.WITH_SETTINGS,
    apps=("guardian",),
    backends=("guardian.backends.ObjectPermissionBackend",),
    urls=_guardian_urls,
    probe=_guardian,
)


# ---- rules


def _rules_urls() -> Sequence[Any]:
    import rules
    from django.http import JsonResponse
    from django.urls import path

    @rules.predicate
    def wrote(user: Any, note: Any) -> bool:
        return bool(note and note.text == user.email)

    rules.set_perm("notes.rule_note", rules.is_authenticated & wrote)

    def may_rule(request: Any, text: str) -> JsonResponse:
        from compatibility.notes.models import Note

        return JsonResponse({"may": request.user.has_perm("notes.rule_note", Note(text=text))})

    return [path("may-rule/<str:text>", may_rule)]


def _rules(visit: Visit) -> None:
    for visitor, may in ((visit.ada, True), (visit.bob, False), (visit.nobody, False)):
        expect(visitor.get(f"/may-rule/{visit.ada.email}").json["may"], may, "has_perm() with a rule")


RULES = Package(
    "rules",
    "Add `OryBackend` to `AUTHENTICATION_BACKENDS`, and keep `rules.permissions.ObjectPermissionBackend` there.",
    Verdict.WITH_SETTINGS,
    apps=("rules",),
    backends=("rules.permissions.ObjectPermissionBackend",),
    urls=_rules_urls,
    probe=_rules,
)


# ---- django-allauth, for people who sign in as before


def _use_allauth_backend(settings: dict[str, Any]) -> None:
    settings["AUTHENTICATION_BACKENDS"].append("allauth.account.auth_backends.AuthenticationBackend")
    settings["ACCOUNT_EMAIL_VERIFICATION"] = "none"


def _allauth_urls() -> Sequence[Any]:
    from django.urls import include, path

    return [path("accounts/", include("allauth.urls"))]


def _allauth(visit: Visit) -> None:
    from django.contrib.auth import get_user_model

    name = f"allauth-{visit.kind}"
    get_user_model().objects.create_user(name, f"{name}@example.org", "Sleipnir-8-legs")
    visitor = Visitor(visit.site)
    expect(visitor.get("/accounts/login/").status, 200, "allauth's log-in page")
    reply = visitor.post("/accounts/login/", {"login": name, "password": "Sleipnir-8-legs"})
    expect(reply.status, 302, "a log-in with allauth")
    expect(visitor.get("/who").json["email"], f"{name}@example.org", "somebody who signed in with allauth")
    expect(visitor.post("/accounts/logout/").status, 302, "allauth's log-out")
    expect(visitor.get("/who").json["user"], None, "after allauth's log-out")
    leaving = visit.new_visitor()
    expect(leaving.get("/who").json["email"], leaving.email, "somebody from Ory")
    expect(leaving.post("/accounts/logout/").status, 302, "allauth's log-out for somebody from Ory")
    expect(Visitor(visit.site, leaving.session).get("/who").json["user"], None, "after that, with the same cookie")


ALLAUTH = Package(
    "django-allauth",
    "People can sign in either way, and allauth's sign-out ends Ory's session. Do not include its pages for passwords "
    "(`accounts/password/…`): they would give people from Ory a local password.",
    apps=("allauth", "allauth.account"),
    middleware=("allauth.account.middleware.AccountMiddleware",),
    change=_use_allauth_backend,
    urls=_allauth_urls,
    probe=_allauth,
)


# ---- django-axes


def _axes(visit: Visit) -> None:
    from axes.models import AccessLog
    from django.contrib.auth import get_user_model

    user = visit.user_of(visit.ada)
    logs = AccessLog.objects.filter(username=user.get_username())
    expect(logs.count(), 1, "log-ins of one person in axes' log")
    visitor = visit.new_visitor(person=visit.ada.session.person if visit.ada.session else None)
    visitor.get("/who")
    expect(logs.count(), 2, "log-ins in axes' log after a second one")
    reply = visitor.post("/auth/logout")
    expect(reply.status, 302, "sign-out")
    expect(logs.filter(logout_time=None).count(), 1, "log-ins that have not ended, after the sign-out of the second")
    _local_door(visit, get_user_model())


def _local_door(visit: Visit, users: Any) -> None:
    """A local password is still guarded by axes, and somebody at Ory is not locked out with it."""
    name = f"local-{visit.kind}"
    users.objects.create_superuser(name, f"{name}@example.org", "Sleipnir-8-legs")
    visitor = Visitor(visit.site)
    statuses = [
        visitor.post("/local-login", {"username": name, "password": "wrong", "next": "/"}).status for _ in range(3)
    ]
    expect(statuses[-1], 429, "the third wrong password for a local user")
    expect(visit.bob.get("/guarded").status, 200, "somebody with a session at Ory after that")


def _axes_urls() -> Sequence[Any]:
    from django.contrib.auth.views import LoginView
    from django.urls import path

    return [path("local-login", LoginView.as_view(template_name="admin/login.html"))]


AXES = Package(
    "django-axes",
    "It logs when people from Ory sign in and out, and limits attempts with local passwords. It does not see failed "
    "attempts at Ory, which Ory limits.",
    apps=("axes",),
    middleware=("axes.middleware.AxesMiddleware",),
    backends=("axes.backends.AxesStandaloneBackend",),
    settings={"AXES_FAILURE_LIMIT": 2, "AXES_LOCKOUT_PARAMETERS": [["username", "ip_address"]]},
    urls=_axes_urls,
    probe=_axes,
)


# ---- django-otp


def _otp_urls() -> Sequence[Any]:
    from django.http import JsonResponse
    from django.urls import path

    def verified(request: Any) -> JsonResponse:
        return JsonResponse({"email": request.user.email, "verified": request.user.is_verified()})

    return [path("verified", verified)]


def _otp(visit: Visit) -> None:
    expect(visit.ada.get("/verified").json, {"email": visit.ada.email, "verified": False}, "django-otp's user")
    session = visit.ory.http.person().browser_session()
    session.set_up_totp()
    visitor = Visitor(visit.site, session)
    expect(visitor.get("/second-factor").status, 200, "a second factor at Ory, for our guard")
    expect(visitor.get("/verified").json["verified"], False, "a second factor at Ory, for django-otp")


OTP = Package(
    "django-otp",
    "`is_verified()` is about devices of django-otp only, not about second factors at Ory. Use "
    '`ory_required(aal="aal2")` instead of `otp_required`.',
    apps=("django_otp", "django_otp.plugins.otp_totp"),
    middleware=("django_otp.middleware.OTPMiddleware",),
    urls=_otp_urls,
    probe=_otp,
)


# ---- being somebody else


def _impersonate_urls() -> Sequence[Any]:
    from django.urls import include, path
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from ory_auth.rest_framework import OrySessionAuthentication

    class Api(APIView):
        authentication_classes = [OrySessionAuthentication]

        def get(self, request: Any) -> Any:
            return Response({"email": request.user.email})

    return [path("impersonate/", include("impersonate.urls")), path("api", Api.as_view())]


def _impersonate(visit: Visit) -> None:
    visit.promote(visit.ada)
    user = visit.user_of(visit.bob)
    expect(visit.ada.get(f"/impersonate/{user.pk}/").status, 302, "impersonation begins")
    for path in ("/who", "/awho", "/api"):
        expect(visit.ada.get(path).json["email"], visit.bob.email, f"while impersonating, {path}")
    expect(visit.ada.get("/guarded").status, 403, "while impersonating, a page with ory_required")
    expect(visit.ada.get("/impersonate/stop/").status, 302, "impersonation ends")
    for path in ("/who", "/awho", "/api"):
        expect(visit.ada.get(path).json["email"], visit.ada.email, f"after impersonating, {path}")
    expect(visit.bob.get(f"/impersonate/{visit.user_of(visit.ada).pk}/").status, 302, "somebody who may not")
    expect(visit.bob.get("/who").json["email"], visit.bob.email, "somebody who may not impersonate")


IMPERSONATE = Package(
    "django-impersonate",
    "Views and APIs see the impersonated user. `ory_required` refuses (403), because the session is somebody else's.",
    install=("django-impersonate", "djangorestframework"),
    apps=("impersonate", "rest_framework"),
    middleware=("impersonate.middleware.ImpersonateMiddleware",),
    urls=_impersonate_urls,
    probe=_impersonate,
)


def _hijack_urls() -> Sequence[Any]:
    from django.urls import include, path

    return [path("hijack/", include("hijack.urls"))]


def _hijack(visit: Visit) -> None:
    visit.promote(visit.ada)
    user = visit.user_of(visit.bob)
    reply = visit.ada.post("/hijack/acquire/", {"user_pk": str(user.pk), "next": "/silent"})
    expect(reply.status, 302, "hijacking begins")
    expect(visit.ada.get("/who").json["email"], visit.bob.email, "while hijacking")


HIJACK = Package(
    "django-hijack",
    "It needs a Django session to return to, and there is none: a 500. Use `ory_auth.impersonation`.",
    Verdict.FAILS,
    apps=("hijack",),
    middleware=("hijack.middleware.HijackUserMiddleware",),
    urls=_hijack_urls,
    probe=_hijack,
)


# ---- flags


def _waffle_urls() -> Sequence[Any]:
    from django.http import JsonResponse
    from django.urls import path

    def flag(request: Any) -> JsonResponse:
        import waffle

        return JsonResponse({"on": bool(waffle.flag_is_active(request, "beta"))})

    return [path("flag", flag)]


def _waffle(visit: Visit) -> None:
    from waffle.models import Flag

    flag, _ = Flag.objects.get_or_create(name="beta")
    flag.users.set([visit.user_of(visit.ada)])
    flag.flush()
    for visitor, on in ((visit.ada, True), (visit.bob, False), (visit.nobody, False)):
        expect(visitor.get("/flag").json["on"], on, "a flag for one user")


def _waffle_outage(visit: Visit) -> None:
    expect_that(visit.stranger.get("/flag").status == 503, "a flag for one user, in an outage")


WAFFLE = Package(
    "django-waffle",
    "A flag for users or groups asks who the user is. In an outage such a page is a 503.",
    apps=("waffle",),
    middleware=("waffle.middleware.WaffleMiddleware",),
    urls=_waffle_urls,
    probe=_waffle,
    outage=_waffle_outage,
)


# ---- limits for each user


def _ratelimit_urls() -> Sequence[Any]:
    from django.http import JsonResponse
    from django.urls import path
    from django_ratelimit.decorators import ratelimit

    @ratelimit(key="user_or_ip", rate="3/h", block=False)
    def limited(request: Any) -> JsonResponse:
        return JsonResponse({"limited": request.limited})

    return [path("limited", limited)]


def _ratelimit(visit: Visit) -> None:
    visitor, other = visit.new_visitor(), visit.new_visitor()
    expect([visitor.get("/limited").json["limited"] for _ in range(4)], [False] * 3 + [True], "the limit of one user")
    expect(other.get("/limited").json["limited"], False, "the limit of another user at the same address")


RATELIMIT = Package(
    "django-ratelimit",
    "A limit for each user asks who the user is. In an outage such a view is a 503.",
    urls=_ratelimit_urls,
    probe=_ratelimit,
)
