"""No error about ``ORY_AUTH`` carries a secret of it: error collectors send the local variables of every frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.core.wsgi import get_wsgi_application
from django.views.debug import ExceptionReporter
from pytest_django import Settings

from ory_auth.conf import KEYS, Secret, conf
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.types import ChangeSettings

SECRET = "ory_pat_canaryOfTheApiKey"
PASSWORD = "canaryOfAPassword"
WRONG: dict[str, Any] = {
    **dict.fromkeys(KEYS, object()),
    "SDK_URL": f"http://user:{PASSWORD}@127.0.0.1:4433",
    "ADMIN_URL": f"http://user:{PASSWORD}@127.0.0.1:x",
    "API_KEY": f"{SECRET}\n",
    "TIMEOUT": "3",
}

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[*KEYS, "no SDK_URL", "misspelt SDK_URL", "misspelt API_KEY"])
def wrong(request: pytest.FixtureRequest, ory: Ory, settings: Settings) -> dict[str, Any]:
    """``ORY_AUTH`` with one mistake in it, and a secret beside that."""
    good = {**settings.ORY_AUTH, "API_KEY": SECRET}
    url = good["SDK_URL"]
    mistakes: dict[str, dict[str, Any]] = {
        "no SDK_URL": {"API_KEY": SECRET},
        "misspelt SDK_URL": {"SDK_ULR": url, "API_KEY": SECRET},
        "misspelt API_KEY": {"SDK_URL": url, "APIKEY": SECRET, "TIMEOUT": 0},
    }
    return mistakes.get(request.param) or {**good, request.param: WRONG[request.param]}


def frames(error: BaseException) -> Iterator[FrameType]:
    """Every frame of this error and of those that it came from, also where Python would not print them."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename != __file__:
            yield trace.tb_frame
        trace = trace.tb_next
    for origin in (error.__cause__, error.__context__):
        if origin is not None:
            yield from frames(origin)


def leaks(error: BaseException) -> list[str]:
    """The functions whose local variables show a secret; ``error`` where its text does."""
    found = [f.f_code.co_qualname for f in frames(error) if any(map(is_secret, f.f_locals.values()))]
    return found + ["error"] * is_secret(error)


def is_secret(value: object) -> bool:
    text = f"{value!r} {value}"
    return SECRET in text or PASSWORD in text


def raised(action: Callable[[], object]) -> BaseException:
    with pytest.raises((ImproperlyConfigured, SystemCheckError, SystemExit)) as info:
        action()
    return info.value


@pytest.mark.promise("An error about a setting shows no secret")
def test_a_wrong_setting_leaks_nothing(wrong: dict[str, Any], settings: Settings) -> None:
    settings.ORY_AUTH = wrong
    error = raised(conf)
    assert "ORY_AUTH" in str(error)
    assert leaks(error) == []


@pytest.mark.parametrize("make", [get_wsgi_application, get_asgi_application])
def test_a_wrong_setting_leaks_nothing_at_start(
    wrong: dict[str, Any], settings: Settings, make: Callable[[], object]
) -> None:
    settings.ORY_AUTH = wrong
    error = raised(make)
    assert isinstance(error, ImproperlyConfigured)
    assert leaks(error) == []


def test_a_wrong_setting_leaks_nothing_in_a_request(
    web: DualClient, wrong: dict[str, Any], ory_auth: ChangeSettings, settings: Settings
) -> None:
    """The settings of a process do not change, but tests of a project change them."""
    web.get("/who")
    settings.ORY_AUTH = wrong
    error = raised(lambda: web.get("/who", headers={"X-Session-Token": "ory_st_x"}))
    assert isinstance(error, ImproperlyConfigured)
    assert leaks(error) == []


def test_a_wrong_setting_leaks_nothing_on_the_debug_page(
    web: DualClient, wrong: dict[str, Any], settings: Settings
) -> None:
    web.get("/who")
    settings.DEBUG = True
    settings.ORY_AUTH = wrong
    web.client.raise_request_exception = False
    page = web.get("/who", headers={"X-Session-Token": "ory_st_x"})
    assert page.status_code == 500
    assert "ImproperlyConfigured" in page.content.decode()
    assert SECRET not in page.content.decode()


@pytest.mark.parametrize("command", ["check", "ory_check"])
def test_a_wrong_setting_leaks_nothing_in_a_command(
    wrong: dict[str, Any], settings: Settings, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.ORY_AUTH = wrong
    error = raised(lambda: call_command(command))
    assert leaks(error) == []
    assert not is_secret(capsys.readouterr())


def test_a_failing_check_leaks_nothing_in_ory_check(ory_auth: ChangeSettings, settings: Settings) -> None:
    """A router of the project's own raises while the settings are looked at."""
    ory_auth(API_KEY=SECRET)
    settings.DATABASE_ROUTERS = [f"{__name__}.BrokenRouter"]
    with pytest.raises(RuntimeError) as info:
        call_command("ory_check")
    assert leaks(info.value) == []


class BrokenRouter:
    def db_for_write(self, model: type, **hints: Any) -> str:
        raise RuntimeError("a bug of the project's own")

    db_for_read = db_for_write


@pytest.mark.promise("An error about a setting shows no secret")
def test_a_secret_setting_has_a_safe_repr(ory_auth: ChangeSettings) -> None:
    ory_auth(API_KEY=SECRET)
    key = conf().api_key
    assert isinstance(key, Secret)
    assert key.reveal() == SECRET
    assert not is_secret(key)
    assert not is_secret({"conf": conf(), "key": [key]})
    assert not is_secret(f"{key:>40}")


def test_djangos_exception_reporter_shows_no_secret(wrong: dict[str, Any], settings: Settings) -> None:
    settings.ORY_AUTH = wrong
    error = raised(conf)
    reporter = ExceptionReporter(None, type(error), error, error.__traceback__)
    assert not is_secret([f["vars"] for f in reporter.get_traceback_frames() if f["filename"] != __file__])
