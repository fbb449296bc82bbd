"""The pytest plugin in a separate project, loaded by its entry point."""

from __future__ import annotations

from .sample import Sample

GUARDED = """
def test_people_see_their_orders(client, ory_login):
    ory_login(client, email="ada@example.org")
    assert client.get("/orders").content == b"Orders of ada@example.org"


def test_others_are_sent_to_sign_in(client, ory):
    assert client.get("/orders").status_code == 302
"""

MANY = """
import os

import pytest


@pytest.mark.parametrize("number", range(20))
def test_people_see_their_orders(client, ory, ory_login, number):
    ory_login(client, email=f"person{number}@example.org")
    assert client.get("/orders").content == f"Orders of person{number}@example.org".encode()
    assert ory.calls == ["GET /sessions/whoami"]
    print(os.environ["PYTEST_XDIST_WORKER"], ory.public_url, ory.admin_url)
"""

RESTORED = """
import pytest
from django.conf import settings


@pytest.fixture(autouse=True)
def around():
    before = dict(settings.ORY_AUTH)
    assert before["SDK_URL"] == "https://playful-name.projects.oryapis.com"
    yield
    assert settings.ORY_AUTH == before


def test_keeps_the_rest(ory, settings):
    settings.ORY_AUTH = {**settings.ORY_AUTH, "TIMEOUT": 1}
    assert settings.ORY_AUTH["SDK_URL"] == ory.public_url
    assert settings.ORY_AUTH["SESSION_COOKIE_NAME"] == "ory_session_playfulname"
    assert "production" not in str(settings.ORY_AUTH)


def test_is_as_it_was():
    assert settings.ORY_AUTH["API_KEY"] == "ory_pat_of_production"
"""

COSTS_NOTHING = """
import sys


def test_nothing_of_it_is_loaded():
    assert "ory_auth.pytest_plugin" in sys.modules
    assert not [name for name in sys.modules if name.startswith(("ory_auth.", "starlette", "uvicorn", "ory_client"))
                and name != "ory_auth.pytest_plugin"]
    assert "django.db.models" not in sys.modules
"""


def test_a_guarded_view_is_tested_in_under_ten_lines(sample: Sample) -> None:
    sample.write("test_orders.py", GUARDED)
    result = sample.pytest("-q")
    assert "2 passed" in result.output, result
    assert len([line for line in GUARDED.splitlines() if line]) < 10


def test_each_xdist_worker_has_its_own_ory(sample: Sample) -> None:
    sample.write("test_orders.py", MANY)
    result = sample.pytest("-n", "2", "-rP")
    assert "20 passed" in result.output, result
    lines = [line.split() for line in result.output.splitlines() if line.startswith("gw")]
    seen = {(worker, *urls) for worker, *urls in lines if urls and urls[0].startswith("http")}
    assert {worker for worker, *_ in seen} == {"gw0", "gw1"}, result
    assert len(seen) == 2, seen
    assert len({url for _, *urls in seen for url in urls}) == 4, seen


def test_settings_are_restored_after_the_test(sample: Sample) -> None:
    sample.write("test_settings.py", RESTORED)
    result = sample.pytest("-q")
    assert "2 passed" in result.output, result


def test_nothing_is_imported_unless_a_test_uses_a_fixture(sample: Sample) -> None:
    sample.write("test_nothing.py", COSTS_NOTHING)
    result = sample.pytest("-q", "-p", "no:django", settings="", without=["pytest_django"])
    assert "1 passed" in result.output, result


def test_it_says_that_pytest_django_is_missing(sample: Sample) -> None:
    sample.write("test_orders.py", "def test_orders(ory_login): pass")
    result = sample.pytest("-q", "-p", "no:django", settings="", without=["pytest_django"])
    assert "pip install pytest-django" in result.output, result


def test_it_says_that_the_extra_is_missing(sample: Sample) -> None:
    sample.write("test_orders.py", "def test_orders(ory): pass\ndef test_nothing(): pass")
    result = sample.pytest("-q", without=["starlette"])
    assert "starlette is not installed. Run: pip install 'django-ory[local]'" in result.output, result
    assert "1 passed, 1 error" in result.output, result


def test_it_works_in_a_project_without_settings(sample: Sample) -> None:
    sample.write("test_nothing.py", "def test_nothing(): pass\ndef test_skipped(ory): pass")
    result = sample.pytest("-q", settings="")
    assert "1 passed, 1 skipped" in result.output, result
