"""APIs of every kind."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from compatibility.package import Package, Verdict, expect, expect_that
from compatibility.visit import Visit, Visitor

OURS = "ory_auth.rest_framework.OrySessionAuthentication"


def rest_framework(*authentication: str, **options: Any) -> dict[str, Any]:
    return {
        "REST_FRAMEWORK": {
            "DEFAULT_AUTHENTICATION_CLASSES": list(authentication or (OURS,)),
            "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
            **options,
        }
    }


def whoami_view(**options: Any) -> Any:
    from rest_framework.response import Response
    from rest_framework.views import APIView

    class Whoami(APIView):
        def get(self, request: Any) -> Response:
            return Response({"email": request.user.email})

        post = get

    return Whoami.as_view(**options)


def _api_urls() -> Sequence[Any]:
    from django.urls import path

    return [path("api/whoami", whoami_view())]


def api_in_an_outage(visit: Visit) -> None:
    reply = visit.stranger.get("/api/whoami")
    expect((reply.status, reply.json.get("code")), (503, "ory_unavailable"), "the API in an outage")


# ---- drf-spectacular


def spectacular_urls() -> Sequence[Any]:
    from django.urls import path
    from drf_spectacular.utils import extend_schema
    from drf_spectacular.views import SpectacularAPIView
    from rest_framework.generics import ListCreateAPIView
    from rest_framework.response import Response
    from rest_framework.serializers import CharField, EmailField, ModelSerializer, Serializer
    from rest_framework.views import APIView

    from compatibility.notes.models import Note
    from ory_auth.rest_framework import AAL2Required

    class NoteSerializer(ModelSerializer):  # type: ignore[type-arg]
        class Meta:
            model = Note
            fields = ["id", "text"]

    class StaffNoteSerializer(NoteSerializer):
        note = CharField(read_only=True)

    class Notes(ListCreateAPIView):  # type: ignore[type-arg]
        """Who asks decides what they see: the schema is made with a request that nobody sent."""

        def get_queryset(self) -> Any:
            return Note.objects.filter(text=self.request.user.get_username())

        def get_serializer_class(self) -> Any:
            return StaffNoteSerializer if self.request.user.is_staff else NoteSerializer

    class Me(Serializer):  # type: ignore[type-arg]
        email = EmailField()

    class Whoami(APIView):
        @extend_schema(responses=Me)
        def get(self, request: Any) -> Response:
            return Response({"email": request.user.email})

    class Vault(Whoami):
        permission_classes = [AAL2Required]

    return [
        path("schema", SpectacularAPIView.as_view(permission_classes=[])),
        path("api/whoami", Whoami.as_view()),
        path("api/notes", Notes.as_view()),
        path("api/vault", Vault.as_view()),
    ]


def spectacular(visit: Visit) -> None:
    from django.core.management import call_command

    call_command("spectacular", "--validate", "--fail-on-warn", file=os.devnull)
    schema = visit.nobody.get("/schema", Accept="application/vnd.oai.openapi+json").json
    schemes = schema["components"].get("securitySchemes", {})
    kinds = {(each["type"], each.get("in"), each.get("scheme")) for each in schemes.values()}
    wanted = {("apiKey", "cookie", None), ("apiKey", "header", None), ("http", None, "bearer")}
    expect_that(wanted <= kinds, f"security schemes: {json.dumps(schemes)}")
    expect_that(schema["paths"]["/api/notes"]["post"].get("requestBody"), "the schema has no body for /api/notes")
    expect(visit.ada.get("/api/whoami").json["email"], visit.ada.email, "the API by cookie")
    by_token = visit.new_visitor(by_token=True)
    expect(by_token.get("/api/whoami").json["email"], by_token.email, "the API by token")
    expect(visit.nobody.get("/api/whoami").status, 401, "the API without a credential")


SPECTACULAR = Package(
    "drf-spectacular",
    "The schema has all three credentials, without a setting.",
    apps=("rest_framework", "drf_spectacular"),
    settings=rest_framework(DEFAULT_SCHEMA_CLASS="drf_spectacular.openapi.AutoSchema"),
    urls=spectacular_urls,
    probe=spectacular,
    outage=api_in_an_outage,
)


# ---- async views of DRF


def _adrf_urls() -> Sequence[Any]:
    from adrf.views import APIView
    from django.urls import path
    from rest_framework.response import Response

    from ory_auth.rest_framework import AAL2Required

    class Whoami(APIView):
        async def get(self, request: Any) -> Response:
            return Response({"email": request.user.email})

        post = get

    class Vault(Whoami):
        permission_classes = [AAL2Required]

    return [path("api/whoami", Whoami.as_view()), path("api/vault", Vault.as_view())]


def _adrf(visit: Visit) -> None:
    by_token = visit.new_visitor(by_token=True)
    for visitor in (visit.ada, visit.bob, by_token):
        expect(visitor.get("/api/whoami").json["email"], visitor.email, "an async view of DRF")
    expect(visit.nobody.get("/api/whoami").status, 401, "an async view of DRF, anonymous")
    expect(visit.ada.send("POST", "/api/whoami").status, 403, "a form by cookie without a CSRF token")
    expect(visit.ada.post("/api/whoami").status, 200, "a form by cookie")
    reply = visit.ada.get("/api/vault")
    expect((reply.status, reply.json.get("code")), (403, "session_aal2_required"), "a second factor is missing")


ADRF = Package(
    "adrf",
    "Async views of Django REST framework. Ory is asked in a thread.",
    apps=("rest_framework", "adrf"),
    settings=rest_framework(),
    urls=_adrf_urls,
    probe=_adrf,
    outage=api_in_an_outage,
)


# ---- django-oauth-toolkit


def _oauth_urls() -> Sequence[Any]:
    from django.urls import include, path
    from oauth2_provider.contrib.rest_framework import OAuth2Authentication

    from ory_auth.rest_framework import OrySessionAuthentication

    other_order = [OAuth2Authentication, OrySessionAuthentication]
    return [
        path("api/whoami", whoami_view()),
        path("api/other-order", whoami_view(authentication_classes=other_order)),
        path("o/", include("oauth2_provider.urls")),
    ]


def _oauth(visit: Visit) -> None:
    from datetime import timedelta

    from django.contrib.auth import get_user_model
    from django.utils.timezone import now
    from oauth2_provider.models import AccessToken, Application

    application = Application.objects.create(
        name="an app",
        client_type="confidential",
        authorization_grant_type="authorization-code",
        redirect_uris="https://app.example.org/callback",
    )
    local = get_user_model().objects.create_user(f"oauth-{visit.kind}", f"oauth-{visit.kind}@example.org")
    token = f"token-of-{visit.kind}"
    AccessToken.objects.create(
        user=local, token=token, application=application, expires=now() + timedelta(hours=1), scope="read write"
    )
    by_oauth = Visitor(visit.site)
    by_oauth.headers["Authorization"] = f"Bearer {token}"
    by_token = visit.new_visitor(by_token=True)
    for path in ("/api/whoami", "/api/other-order"):
        expect(by_oauth.get(path).json["email"], local.email, f"{path} by an access token")
        expect(by_token.get(path).json["email"], by_token.email, f"{path} by Ory's token")
    query = urlencode(
        {
            "response_type": "code",
            "client_id": application.client_id,
            "redirect_uri": "https://app.example.org/callback",
            "scope": "read",
            "code_challenge": "a" * 43,
            "code_challenge_method": "plain",
        }
    )
    page = visit.ada.get(f"/o/authorize/?{query}")
    expect(page.status, 200, "the page that asks for consent")
    replies = visit.nobody.follow(f"/o/authorize/?{query}")
    expect_that(visit.ory.public_url in replies[-1].location, "strangers are not led to Ory before they consent")


OAUTH_TOOLKIT = Package(
    "django-oauth-toolkit",
    "List `OrySessionAuthentication` and `OAuth2Authentication` in any order.",
    apps=("rest_framework", "oauth2_provider"),
    settings=rest_framework(OURS, "oauth2_provider.contrib.rest_framework.OAuth2Authentication"),
    urls=_oauth_urls,
    probe=_oauth,
    outage=api_in_an_outage,
)


# ---- dj-rest-auth


def _dj_rest_auth_urls() -> Sequence[Any]:
    from django.urls import include, path

    return [path("api/whoami", whoami_view()), path("rest/", include("dj_rest_auth.urls"))]


def _dj_rest_auth(visit: Visit) -> None:
    expect(visit.ada.get("/rest/user/").json["email"], visit.ada.email, "dj-rest-auth's user")
    expect(visit.nobody.get("/rest/user/").status, 401, "dj-rest-auth's user, anonymous")
    visitor = visit.new_visitor()
    expect(visitor.get("/who").json["email"], visitor.email, "before the log-out")
    expect(visitor.post("/rest/logout/").status, 200, "dj-rest-auth's log-out")
    assert visitor.session
    again = Visitor(visit.site, visitor.session)
    expect(again.get("/who").json["user"], None, "after the log-out, with the same cookie")


DJ_REST_AUTH = Package(
    "dj-rest-auth",
    "`user/` and `logout/` work, and `logout/` ends Ory's session. Do not include its URLs for passwords: they "
    "would give people from Ory a local password.",
    apps=("rest_framework", "rest_framework.authtoken", "dj_rest_auth"),
    settings=rest_framework(),
    urls=_dj_rest_auth_urls,
    probe=_dj_rest_auth,
    outage=api_in_an_outage,
)


# ---- simplejwt


def _simplejwt(visit: Visit) -> None:
    from django.contrib.auth import get_user_model
    from rest_framework_simplejwt.tokens import AccessToken

    local = get_user_model().objects.create_user(f"jwt-{visit.kind}", f"jwt-{visit.kind}@example.org")
    by_jwt = Visitor(visit.site)
    by_jwt.headers["Authorization"] = f"Bearer {AccessToken.for_user(local)}"
    expect(by_jwt.get("/api/whoami").json["email"], local.email, "the API by a JWT")
    by_token = visit.new_visitor(by_token=True)
    expect(by_token.get("/api/whoami").json["email"], by_token.email, "the API by Ory's token")
    expect(visit.ada.get("/api/whoami").json["email"], visit.ada.email, "the API by cookie")
    by_jwt.headers["Authorization"] = "Bearer not.a.jwt"
    expect(by_jwt.get("/api/whoami").status, 401, "the API by a broken JWT")


SIMPLEJWT = Package(
    "djangorestframework-simplejwt",
    "List `OrySessionAuthentication` before `JWTAuthentication`, which refuses Ory's tokens.",
    Verdict.WITH_SETTINGS,
    apps=("rest_framework",),
    settings={
        **rest_framework(OURS, "rest_framework_simplejwt.authentication.JWTAuthentication"),
        "SIMPLE_JWT": {"SIGNING_KEY": "a key for these tests that is as long as HS256 wants it"},
    },
    urls=_api_urls,
    probe=_simplejwt,
    outage=api_in_an_outage,
)


# ---- Strawberry


def _strawberry_urls() -> Sequence[Any]:
    import strawberry
    from django.urls import path
    from strawberry.django.views import AsyncGraphQLView, GraphQLView

    @strawberry.type
    class Query:
        @strawberry.field
        def email(self, info: strawberry.Info) -> str:
            return str(getattr(info.context.request.user, "email", ""))

    @strawberry.type
    class AsyncQuery:
        @strawberry.field
        async def email(self, info: strawberry.Info) -> str:
            return str(getattr(await info.context.request.auser(), "email", ""))

    return [
        path("graphql", GraphQLView.as_view(schema=strawberry.Schema(Query))),
        path("agraphql", AsyncGraphQLView.as_view(schema=strawberry.Schema(AsyncQuery))),
    ]


def _strawberry(visit: Visit) -> None:
    for path in ("/graphql", "/agraphql"):
        for visitor in (visit.ada, visit.bob, visit.nobody):
            reply = visitor.post(path, {"query": "{ email }"}, Content_Type="application/json")
            expect(reply.json.get("data"), {"email": visitor.email}, f"the user at {path}")


def _strawberry_outage(visit: Visit) -> None:
    for path in ("/graphql", "/agraphql"):
        reply = visit.stranger.post(path, {"query": "{ email }"}, Content_Type="application/json")
        expect(reply.status, 503, f"in an outage at {path}")
    visit.noticed.records[:] = [each for each in visit.noticed.records if each.name != "strawberry.execution"]


STRAWBERRY = Package(
    "strawberry-graphql-django",
    "In async resolvers use `await info.context.request.auser()`. In an outage the response is a 503, and "
    "Strawberry logs the resolver's error.",
    install=("strawberry-graphql-django", "strawberry-graphql"),
    apps=("strawberry_django",),
    urls=_strawberry_urls,
    probe=_strawberry,
    outage=_strawberry_outage,
)


# ---- django-ninja


def _ninja_urls() -> Sequence[Any]:
    from django.urls import path
    from ninja import NinjaAPI

    from ory_auth.ninja import OryAuth

    api = NinjaAPI(auth=OryAuth(), urls_namespace="ninja")

    @api.get("/whoami")
    def whoami(request: Any) -> dict[str, str]:
        return {"email": request.user.email}

    @api.post("/whoami")
    def write(request: Any) -> dict[str, str]:
        return {"email": request.user.email}

    @api.get("/awhoami")
    async def awhoami(request: Any) -> dict[str, str]:
        return {"email": (await request.auser()).email}

    @api.get("/vault", auth=OryAuth(aal="aal2"))
    def vault(request: Any) -> dict[str, str]:
        return {"email": request.user.email}

    return [path("ninja/", api.urls)]


def _ninja(visit: Visit) -> None:
    by_token = visit.new_visitor(by_token=True)
    for path in ("/ninja/whoami", "/ninja/awhoami"):
        for visitor in (visit.ada, visit.bob, by_token):
            reply = visitor.get(path)
            expect((reply.status, reply.json.get("email")), (200, visitor.email), f"signed in at {path}")
        expect(visit.nobody.get(path).status, 401, f"anonymous at {path}")
    expect(visit.ada.post("/ninja/whoami").status, 200, "a form by cookie")
    expect(visit.ada.send("POST", "/ninja/whoami").status, 403, "a form by cookie without a CSRF token")
    expect(by_token.send("POST", "/ninja/whoami").status, 200, "a form by token without a CSRF token")
    reply = visit.ada.get("/ninja/vault")
    expect((reply.status, reply.json.get("code")), (403, "session_aal2_required"), "a second factor is missing")
    schemes = visit.nobody.get("/ninja/openapi.json").json["components"].get("securitySchemes", {})
    expect(len(schemes), 3, "security schemes in the schema")


def _ninja_outage(visit: Visit) -> None:
    for path in ("/ninja/whoami", "/ninja/awhoami"):
        reply = visit.stranger.get(path)
        expect((reply.status, reply.json.get("code")), (503, "ory_unavailable"), f"in an outage at {path}")


NINJA = Package(
    "django-ninja",
    "Use `ory_auth.ninja.OryAuth`. A callable of your own that looks at `request.user` has no CSRF protection.",
    urls=_ninja_urls,
    probe=_ninja,
    outage=_ninja_outage,
)


# ---- Channels


def channels_application(application: Any) -> Any:
    from channels.generic.websocket import AsyncJsonWebsocketConsumer
    from channels.routing import ProtocolTypeRouter, URLRouter
    from django.urls import path

    from ory_auth.channels import OryAuthMiddlewareStack, OryRequired

    class Who(AsyncJsonWebsocketConsumer):
        async def connect(self) -> None:
            await self.accept()
            await self.send_json({"email": getattr(self.scope["user"], "email", "")})
            await self.close()

    sockets = URLRouter(
        [
            path("ws/who", Who.as_asgi()),
            path("ws/guarded", OryRequired(Who.as_asgi())),
            path("ws/vault", OryRequired(Who.as_asgi(), aal="aal2")),
        ]
    )
    return ProtocolTypeRouter({"http": application, "websocket": OryAuthMiddlewareStack(sockets)})


def socket(visitor: Visitor, path: str, origin: str = "") -> Any:
    """What the consumer sends first, or the status of the response that refuses the connection."""
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    headers = dict(visitor.headers)
    if visitor.cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    url = visitor.site.replace("http", "ws", 1) + path
    try:
        with connect(url, additional_headers=headers, origin=origin or visitor.site) as connection:
            return json.loads(connection.recv(timeout=10))["email"]
    except InvalidStatus as refusal:
        return refusal.response.status_code


def channels(visit: Visit) -> None:
    by_token = visit.new_visitor(by_token=True)
    for visitor in (visit.ada, visit.bob, by_token):
        for path in ("/ws/who", "/ws/guarded"):
            expect(socket(visitor, path), visitor.email, f"who is seen at {path}")
    expect(socket(visit.nobody, "/ws/who"), "", "an anonymous socket")
    expect(socket(visit.nobody, "/ws/guarded"), 401, "an anonymous socket that is guarded")
    expect(socket(visit.ada, "/ws/who", "https://elsewhere.example"), 403, "a socket that another site opens")
    expect(socket(visit.ada, "/ws/vault"), 403, "a socket without a second factor")
    session = visit.ory.http.person().browser_session()
    session.set_up_totp()
    expect(socket(Visitor(visit.site, session), "/ws/vault"), session.person.email, "a socket with a second factor")


def channels_outage(visit: Visit) -> None:
    for path in ("/ws/who", "/ws/guarded"):
        expect(socket(visit.stranger, path), 503, f"in an outage at {path}")


CHANNELS = Package(
    "channels",
    "Use `ory_auth.channels.OryAuthMiddlewareStack`. Channels' own `AuthMiddlewareStack` knows Django's sessions only. "
    "uvicorn with `websockets` logs an error for each refused connection (uvicorn #3138); with `--ws wsproto` it does "
    "not.",
    install=("channels", "websockets", "wsproto"),
    asgi=channels_application,
    kinds=("asgi",),
    probe=channels,
    outage=channels_outage,
)
