"""``user_logged_in`` is sent once for each session at Ory, however often it is authenticated again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.signals import user_logged_in
from django.core.cache import caches
from django.utils import timezone

from ory_auth.models import OrySignIn
from ory_auth.sessions.services import reset_services
from tests.support.client import DualClient
from tests.support.ory import Ory


@pytest.fixture
def sign_ins() -> Iterator[list[Any]]:
    """The users of all ``user_logged_in`` so far."""
    users: list[Any] = []

    def receive(user: Any, **_: object) -> None:
        users.append(user)

    user_logged_in.connect(receive)
    yield users
    user_logged_in.disconnect(receive)


@pytest.mark.django_db(transaction=True)
def test_a_session_that_is_authenticated_again_is_no_new_sign_in(
    ory: Ory, web: DualClient, sign_ins: list[Any]
) -> None:
    """Kratos moves ``authenticated_at`` when the person signs in again, steps up or sets up a second factor."""
    session = ory.person().browser_session()
    web.get("/who", headers=session.headers)
    before = session.get("/sessions/whoami").json["authenticated_at"]
    flow = session.get("/self-service/login/browser?refresh=true").json
    session.submit("login", flow, session.person.password_form())
    assert session.get("/sessions/whoami").json["authenticated_at"] > before
    session.set_up_totp()
    for _ in range(2):
        reset_services()
        caches["default"].clear()
        assert web.get("/who", headers=session.headers).status_code == 200
    assert len(sign_ins) == 1


@pytest.mark.django_db(transaction=True)
def test_each_session_is_one_sign_in_in_any_order(ory: Ory, web: DualClient, sign_ins: list[Any]) -> None:
    person = ory.person()
    older, newer = person.app_session(), person.app_session()
    for session in (newer, older, newer, older):
        web.get("/who", headers=session.headers)
    assert len(sign_ins) == 2


@pytest.mark.django_db(transaction=True)
def test_sessions_that_have_ended_are_forgotten_at_the_next_sign_in(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    OrySignIn.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    session = person.app_session()
    web.get("/who", headers=session.headers)
    assert [str(pk) for pk in OrySignIn.objects.values_list("pk", flat=True)] == [session.id]
