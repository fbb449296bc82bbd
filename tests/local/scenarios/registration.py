"""Registration, in the browser and native."""

from __future__ import annotations

from typing import Any

from tests.support.types import Json

from ..replay import Walk
from ..visits import ADA, BOB, PASSWORD, Visitor

COURIER = "the local Ory sends no mails"


def with_password(password: str = PASSWORD, **traits: Any) -> Json:
    return {"method": "password", "password": password, "traits": traits}


def registration_browser(walk: Walk) -> None:
    browser = Visitor()
    named: Json = {"email": ADA, "name": {"first": "Ada"}}
    flow = walk("starts a browser registration flow", browser)
    walk("password too short", browser, flow, **with_password("short", **named))
    walk("password like the e-mail", browser, flow, **with_password(ADA, **named))
    walk("no e-mail", browser, flow, **with_password())
    walk("e-mail malformed", browser, flow, **with_password(email="not-an-address"))
    walk("trait that the schema does not know", browser, flow, **with_password(email=ADA, is_staff=True))
    walk("no password", browser, flow, method="password", traits={"email": ADA})
    walk("success (JSON)", browser, flow, **with_password(**named))
    walk("whoami after registration", browser)
    browser = Visitor()
    flow = walk.flow("registration", browser)
    walk("duplicate e-mail", browser, flow, **with_password(**named))
    walk("duplicate e-mail in other case", browser, flow, **with_password(email="ADA@example.org"))
    browser = Visitor()
    begun = walk("HTML: navigates", browser.page)
    flow = walk("HTML: reads the flow", browser, begun)
    form: Json = {"method": "password", "password": PASSWORD}
    walk("HTML: duplicate", browser.page, flow, **{**form, "traits.email": ADA})
    walk("HTML: success", browser.page, flow, **{**form, "traits.email": BOB, "traits.name.first": "Bob"})
    walk("HTML: signed in", browser)
    walk.skip("the mails that registration queued", COURIER)


def registration_api(walk: Walk) -> None:
    flow = walk("starts a native registration flow")
    walk("password too short", None, flow, **with_password("short", email=ADA))
    walk("no e-mail", None, flow, **with_password())
    token = walk("success", None, flow, **with_password(email=ADA)).content["session_token"]
    walk("with the token", Visitor(token))
    walk("duplicate e-mail", None, walk.native_flow("registration"), **with_password(email=ADA))
    flow = walk.native_flow("registration")
    walk("two-step registration: profile first", None, flow, method="profile", traits={"email": BOB})


def registration_no_session_hook(walk: Walk) -> None:
    browser = Visitor()
    walk("browser (JSON)", browser, walk.flow("registration", browser), **with_password(email=ADA))
    walk("not signed in", browser)
    browser = Visitor()
    form: Json = {"method": "password", "password": PASSWORD, "traits.email": BOB}
    walk("browser (form)", browser.page, walk.flow("registration", browser), **form)
    walk("native", None, walk.native_flow("registration"), **with_password(email="eve@example.org"))
