"""A person signs in at Ory and is there as ``request.user``."""

import pytest

pytestmark = pytest.mark.django_db

WHO = ["/who", "/awho", "/guarded", "/aguarded", "/django-guarded", "/mixin", "/amixin", "/api/me"]


@pytest.mark.parametrize("path", WHO)
def test_a_person_with_a_token_is_there_as_the_user(ory, web, path) -> None:
    person = ory.person()
    answer = web.get(path, headers=person.token().headers)
    assert answer.status_code == 200
    assert answer.json()["user"] in {person.id, person.email}


@pytest.mark.parametrize("path", WHO)
def test_a_person_with_the_cookie_is_there_as_the_user(ory, web, path) -> None:
    person = ory.person()
    answer = web.get(path, headers=person.cookie().headers)
    assert answer.json()["user"] in {person.id, person.email}
