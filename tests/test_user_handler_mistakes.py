"""A project's handler with a mistake in it: the error names the field, and carries nothing of the person."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.urls import path

from ory_auth.types import Identity
from ory_auth.users import UserHandler
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.types import ChangeSettings
from tests.support.users import new_address

from .project import urls as project

TRAIT = "Canary-of-a-trait"

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def error_report(request: HttpRequest) -> HttpResponse:
    """What an error collector sends: the trace with the variables of every frame."""
    try:
        return HttpResponse(str(request.user))
    except ImproperlyConfigured as error:
        lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
        return HttpResponse("".join(lines), status=500)


urlpatterns = [path("error-report", error_report), *project.urlpatterns]


class UnknownField(UserHandler):
    def values(self, identity: Identity) -> dict[str, Any]:
        return {**super().values(identity), "nickname": identity.traits["name"]["first"]}


class ManyToMany(UserHandler):
    def values(self, identity: Identity) -> dict[str, Any]:
        return {**super().values(identity), "groups": [identity.traits["name"]["first"]]}


MISTAKES = pytest.mark.parametrize(
    ("handler", "field"), [(UnknownField, "nickname"), (ManyToMany, "groups")], ids=["unknown", "many to many"]
)


@MISTAKES
def test_a_value_for_no_field_of_a_new_user_is_named_without_any_trait(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, handler: type[UserHandler], field: str
) -> None:
    ory_auth(USER_HANDLER=f"{__name__}.{handler.__name__}")
    person = ory.person(name={"first": TRAIT})
    report = web.get("/error-report", headers=person.app_session().headers).content.decode()
    assert f"USER_HANDLER'] values() returned '{field}'" in report
    assert TRAIT not in report
    assert person.email not in report


@MISTAKES
def test_a_value_for_no_field_of_a_known_user_is_named_without_any_trait(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, handler: type[UserHandler], field: str
) -> None:
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    ory_auth(USER_HANDLER=f"{__name__}.{handler.__name__}")
    address = new_address()
    person.patch("/traits", {"email": address, "name": {"first": TRAIT}})
    person.email = address
    report = web.get("/error-report", headers=person.app_session().headers).content.decode()
    assert f"USER_HANDLER'] values() returned '{field}'" in report
    assert TRAIT not in report
    assert address not in report
