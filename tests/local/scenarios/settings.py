"""Settings: profile, password, second factors, and how fresh a session has to be for them."""

from __future__ import annotations

from typing import Any

import pyotp

from tests.support.types import Json

from ..replay import Walk
from ..visits import ADA, BOB, Visitor
from .login import by_password

NEW_ADDRESS = "augusta@example.org"
NEW_PASSWORD: Json = {"method": "password", "password": "another horse 8"}


def profile(**traits: Any) -> Json:
    return {"method": "profile", "traits": traits}


def settings_profile_password(walk: Walk) -> None:
    walk.person(ADA, traits={"name": {"first": "Ada"}})
    walk.person(BOB)
    walk("without a session (JSON)")
    walk("without a session (HTML)", Visitor().page)
    browser, app = walk.browser(), walk.app()
    flow = walk("starts a browser settings flow", browser)
    walk("reads the flow", browser, flow)
    walk("reads the flow without the session", None, flow)
    walk("profile: new name", browser, flow, **profile(email=ADA, name={"first": "Augusta", "last": "King"}))
    walk("whoami at once after", browser)
    walk("profile: only the e-mail is sent", browser, flow, **profile(email=ADA))
    walk("profile: e-mail removed", browser, flow, **profile())
    walk("profile: new e-mail", browser, flow, **profile(email=NEW_ADDRESS))
    walk("after the e-mail change", browser)
    flow = walk.flow("settings", browser)
    walk("password: too short", browser, flow, method="password", password="short")
    walk("password: new one", browser, flow, **NEW_PASSWORD)
    walk("this browser stays signed in", browser)
    walk("a session elsewhere after the password change", app)
    native = walk("starts a native login flow")
    walk("submits the password", None, native, **by_password(NEW_ADDRESS, "another horse 8"))
    walk("no csrf_token", browser, flow.id, **profile(email=NEW_ADDRESS))
    bob = walk.browser(BOB)
    walk("the flow in the browser of somebody else", bob, flow, **profile(email=BOB))
    walk("reads it in the browser of somebody else", bob, flow)
    form: Json = {"method": "profile", "traits.email": NEW_ADDRESS, "traits.name.first": "Ada"}
    walk("HTML: profile", browser.page, walk.flow("settings", browser), **form)


def settings_privileged(walk: Walk) -> None:
    walk.person()
    browser, app = walk.browser(), walk.app()
    flow, native = walk.flow("settings", browser), walk.flow("settings", app)
    walk.ory.clock.move(2)
    walk("profile without credentials in it", browser, flow, **profile(email=ADA, username="ada"))
    walk("new e-mail (JSON)", browser, flow, **profile(email=NEW_ADDRESS))
    walk("password (JSON)", browser, flow, **NEW_PASSWORD)
    walk("password (form)", browser.page, flow, **NEW_PASSWORD)
    walk("TOTP (JSON)", browser, flow, method="totp", totp_code="000000")
    login = walk("follows redirect_browser_to", browser, flow)
    walk("re-authenticates", browser, login, **by_password())
    walk("the first settings flow, at once after that", browser, flow, **NEW_PASSWORD)
    walk("native: password", app, native, method="password", password="third horse 77")


def settings_totp_lookup(walk: Walk) -> None:
    walk.person()
    browser = walk.browser()
    flow = walk("starts a browser settings flow", browser)
    secret = flow.node("totp_secret_key")["text"]["context"]["secret"]
    walk("TOTP: wrong code", browser, flow, method="totp", totp_code="000000")
    walk("TOTP: right code", browser, flow, method="totp", totp_code=pyotp.TOTP(secret).now())
    walk("the session after setting TOTP up", browser)
    flow = walk("flow with TOTP set up", browser)

    def backup(action: str) -> Json:
        return {"method": "lookup_secret", f"lookup_secret_{action}": True}

    walk("lookup: reveals new codes", browser, flow, **backup("regenerate"))
    walk("lookup: confirms", browser, flow, **backup("confirm"))
    flow = walk.flow("settings", browser)
    walk("lookup: reveals the existing codes", browser, flow, **backup("reveal"))
    walk("lookup: disables", browser, flow, **backup("disable"))
    walk("TOTP: unlinks", browser, walk.flow("settings", browser), method="totp", totp_unlink=True)
    walk("this session after unlinking", browser)
    walk("a new login after unlinking", walk.browser())


def settings_api(walk: Walk) -> None:
    walk.person()
    app = walk.app()
    walk("without a token")
    flow = walk("starts a native settings flow", app)
    walk("reads the flow", app, flow)
    walk("profile", app, flow, **profile(email=ADA, username="ada"))
    walk("password", app, flow, **NEW_PASSWORD)
    walk("profile without the token", None, flow, **profile(email=ADA))
