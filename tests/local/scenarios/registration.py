"""Registration, in the browser and native."""

from __future__ import annotations

from typing import Any

from tests.support.types import Json

from ..replay import Replay
from ..visits import ADA, BOB, PASSWORD, Visitor


def with_password(password: str = PASSWORD, **traits: Any) -> Json:
    return {"method": "password", "password": password, "traits": traits}


def registration_browser(replay: Replay) -> None:
    browser = Visitor()
    named: Json = {"email": ADA, "name": {"first": "Ada"}}
    flow = replay("starts a browser registration flow", browser)
    replay("password too short", browser, flow, **with_password("short", **named))
    replay("password like the e-mail", browser, flow, **with_password(ADA, **named))
    replay("no e-mail", browser, flow, **with_password())
    replay("e-mail malformed", browser, flow, **with_password(email="not-an-address"))
    replay("trait that the schema does not know", browser, flow, **with_password(email=ADA, is_staff=True))
    replay("no password", browser, flow, method="password", traits={"email": ADA})
    replay("success (JSON)", browser, flow, **with_password(**named))
    replay("whoami after registration", browser)
    browser = Visitor()
    flow = replay.flow("registration", browser)
    replay("duplicate e-mail", browser, flow, **with_password(**named))
    replay("duplicate e-mail in other case", browser, flow, **with_password(email="ADA@example.org"))
    browser = Visitor()
    begun = replay("HTML: navigates", browser.page)
    flow = replay("HTML: reads the flow", browser, begun)
    form: Json = {"method": "password", "password": PASSWORD}
    replay("HTML: duplicate", browser.page, flow, **{**form, "traits.email": ADA})
    replay("HTML: success", browser.page, flow, **{**form, "traits.email": BOB, "traits.name.first": "Bob"})
    replay("HTML: signed in", browser)
    replay("the mails that registration queued")


def registration_api(replay: Replay) -> None:
    flow = replay("starts a native registration flow")
    replay("password too short", None, flow, **with_password("short", email=ADA))
    replay("no e-mail", None, flow, **with_password())
    token = replay("success", None, flow, **with_password(email=ADA)).content["session_token"]
    replay("with the token", Visitor(token))
    replay("duplicate e-mail", None, replay.native_flow("registration"), **with_password(email=ADA))
    flow = replay.native_flow("registration")
    replay("two-step registration: profile first", None, flow, method="profile", traits={"email": BOB})


def registration_no_session_hook(replay: Replay) -> None:
    browser = Visitor()
    replay("browser (JSON)", browser, replay.flow("registration", browser), **with_password(email=ADA))
    replay("not signed in", browser)
    browser = Visitor()
    form: Json = {"method": "password", "password": PASSWORD, "traits.email": BOB}
    replay("browser (form)", browser.page, replay.flow("registration", browser), **form)
    replay("native", None, replay.native_flow("registration"), **with_password(email="eve@example.org"))
