"""A project whose user model has constraints or required fields: ``python -m tests.support.constraints_project null``.

Prints the responses to four people: two without an address, one with one, and one with the same in other letters.
"""

from __future__ import annotations

import copy
import json
import sys
import tempfile
import types
from pathlib import Path

import django
from django.apps import AppConfig
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from ory_auth.local import Config, LocalOry
from ory_auth.local.model.person_schema import PERSON_SCHEMA

MODE = sys.argv[1]
PACKAGE = "people"


class People(AppConfig):
    name = PACKAGE
    path = tempfile.gettempdir()

    def import_models(self) -> None:
        super().import_models()
        from django.contrib.auth.models import AbstractUser
        from django.db.models import DateField, EmailField, IntegerField, Q, UniqueConstraint
        from django.db.models.functions import Lower

        ways = {
            "condition": UniqueConstraint(fields=["email"], condition=~Q(email=""), name="address"),
            "expression": UniqueConstraint(Lower("email"), condition=~Q(email=""), name="address"),
            "two fields": UniqueConstraint(fields=["organisation", "email"], name="address"),
        }

        class Person(AbstractUser):
            email = EmailField(blank=True, null=MODE == "null", unique=MODE in {"null", "plain"})
            organisation = IntegerField(default=0)
            birthday = DateField(null=MODE != "a required birthday")

            class Meta:
                app_label = PACKAGE
                constraints = [ways[MODE]] if MODE in ways else []


def me(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"email": getattr(request.user, "email", "-")})


def configure(public_url: str) -> None:
    sys.modules[PACKAGE] = types.ModuleType(PACKAGE)
    sys.modules[PACKAGE].People = People  # type: ignore[attr-defined]
    settings.configure(
        DEBUG=MODE == "a required birthday",
        SECRET_KEY="a secret for the tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "ory_auth", "people.People"],
        AUTH_USER_MODEL="people.Person",
        MIDDLEWARE=["ory_auth.middleware.OryMiddleware"],
        AUTHENTICATION_BACKENDS=["ory_auth.backends.OryBackend"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        ORY_AUTH={"SDK_URL": public_url},
    )
    django.setup()


def main() -> None:
    schema = copy.deepcopy(PERSON_SCHEMA)
    schema["properties"]["traits"].pop("required")
    ory = LocalOry(Config(public_port=0, admin_port=0, schema=schema)).start()
    configure(ory.public_url)

    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.urls import path

    from ory_auth.decorators import ory_required

    urlpatterns.append(path("", ory_required(me)))
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(get_user_model())
    responses = []
    for email in ("", "", "kim@example.org", "KIM@example.org" if MODE == "expression" else "kim@example.org"):
        ory_user = ory.create_identity(traits={"email": email} if email else {"username": "x"})
        session = ory.create_session(ory_user["id"])
        reply = Client().get("/", headers={"X-Session-Token": session.token})
        response = reply.json()
        responses.append((reply.status_code, response.get("email", response.get("reason", response.get("debug")))))
        ory.change_identity(ory_user["id"], traits={"username": "x"})  # Ory lets nobody else have the address
    print(json.dumps(responses))
    ory.stop()


urlpatterns: list[object] = []

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
