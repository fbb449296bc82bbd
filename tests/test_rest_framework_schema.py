"""drf-spectacular finds the security schemes by itself, and keeps the bodies of views that read ``request.user``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.types import Json

ROOT = Path(__file__).parent.parent

PROJECT = """
import sys
import django
from django.conf import settings
from django.core.management import call_command
from django.urls import include, path

settings.configure(
    SECRET_KEY="x" * 40,
    ROOT_URLCONF="__main__",
    INSTALLED_APPS=["ory_auth", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
                    "rest_framework", "drf_spectacular"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware", "ory_auth.middleware.OryMiddleware"],
    AUTHENTICATION_BACKENDS=["ory_auth.backends.OryBackend"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    LOGIN_URL="ory_auth:login",
    CSRF_HEADER_NAME="HTTP_X_XSRF_TOKEN",
    REST_FRAMEWORK={
        "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
        "DEFAULT_AUTHENTICATION_CLASSES": ["ory_auth.rest_framework.OrySessionAuthentication"],
    },
    ORY_AUTH={"SDK_URL": "http://127.0.0.1:1", "SESSION_COOKIE_NAME": "shop_session"},
)
django.setup()
needless = {"rest_framework.views", "drf_spectacular.extensions", "ory_auth.rest_framework", "ory_auth.drf_spectacular"}
assert not needless & sys.modules.keys()
"""

VIEWS = """
from django.contrib.auth.models import User
from rest_framework import permissions, serializers, viewsets
from ory_auth.rest_framework import AAL2Required, OrySessionAuthentication

class ForStaff(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "email", "is_staff"]

class ForAll(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "email"]

class Own(OrySessionAuthentication):
    '''A subclass of a project.'''

class Users(viewsets.ModelViewSet):
    permission_classes = [permissions.IsAuthenticated]
    queryset = User.objects.none()

    def get_queryset(self):
        return User.objects.filter(pk=self.request.user.pk)

    def get_serializer_class(self):
        return ForStaff if self.request.user.is_staff else ForAll

class Secrets(Users):
    authentication_classes = [Own]
    permission_classes = [AAL2Required | permissions.IsAdminUser]

from rest_framework.routers import SimpleRouter
router = SimpleRouter()
router.register("users", Users, "user")
router.register("secrets", Secrets, "secret")
urlpatterns = [path("auth/", include("ory_auth.urls")), path("api/", include(router.urls))]
"""

SCHEMA = """
call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json")
"""

SERVING = """
from django.test import Client
assert Client().get("/api/users/").status_code == 401
assert not {"drf_spectacular.extensions", "ory_auth.drf_spectacular"} & sys.modules.keys()
"""


def run(*parts: str) -> str:
    command = [sys.executable, "-W", "error", "-c", "".join(parts)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def schema() -> Json:
    found: Json = json.loads(run(PROJECT, VIEWS, SCHEMA))
    return found


def test_all_three_credentials_are_security_schemes(schema: Json) -> None:
    schemes = schema["components"]["securitySchemes"]
    assert schemes.keys() == {"oryBearer", "orySessionToken", "oryCookie"}
    assert (schemes["oryBearer"]["type"], schemes["oryBearer"]["scheme"]) == ("http", "bearer")
    assert (schemes["orySessionToken"]["in"], schemes["orySessionToken"]["name"]) == ("header", "X-Session-Token")
    assert (schemes["oryCookie"]["in"], schemes["oryCookie"]["name"]) == ("cookie", "shop_session")


def test_the_scheme_of_the_cookie_names_the_csrf_header(schema: Json) -> None:
    assert "`X-XSRF-TOKEN`" in schema["components"]["securitySchemes"]["oryCookie"]["description"]


@pytest.mark.parametrize("path", ["/api/users/", "/api/secrets/"])
def test_any_one_scheme_is_enough(schema: Json, path: str) -> None:
    assert schema["paths"][path]["get"]["security"] == [{"oryBearer": []}, {"orySessionToken": []}, {"oryCookie": []}]


@pytest.mark.parametrize("path", ["/api/users/", "/api/secrets/"])
def test_a_view_that_reads_the_user_keeps_its_body(schema: Json, path: str) -> None:
    response = schema["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert response == {"type": "array", "items": {"$ref": "#/components/schemas/ForAll"}}
    body = schema["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/ForAll"}


def test_the_schema_extension_is_loaded_only_for_schemas() -> None:
    project = PROJECT.replace('"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",', "")
    run(project, VIEWS, SERVING)
