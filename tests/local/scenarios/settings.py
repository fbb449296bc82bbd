"""Settings: profile, password, second factors, and the age of a session at which they need a new sign-in."""

from __future__ import annotations

from typing import Any

import pyotp

from tests.support.types import Json

from ..replay import Replay
from ..visits import ADA, BOB, Visitor
from .login import by_password

NEW_ADDRESS = "augusta@example.org"
NEW_PASSWORD: Json = {"method": "password", "password": "another horse 8"}


def profile(**traits: Any) -> Json:
    return {"method": "profile", "traits": traits}


def settings_profile_password(replay: Replay) -> None:
    replay.person(ADA, traits={"name": {"first": "Ada"}})
    replay.person(BOB)
    replay("without a session (JSON)")
    replay("without a session (HTML)", Visitor().page)
    browser, app = replay.browser(), replay.app()
    flow = replay("starts a browser settings flow", browser)
    replay("reads the flow", browser, flow)
    replay("reads the flow without the session", None, flow)
    replay("profile: new name", browser, flow, **profile(email=ADA, name={"first": "Augusta", "last": "King"}))
    replay("whoami at once after", browser)
    replay("profile: only the e-mail is sent", browser, flow, **profile(email=ADA))
    replay("profile: e-mail removed", browser, flow, **profile())
    replay("profile: new e-mail", browser, flow, **profile(email=NEW_ADDRESS))
    replay("after the e-mail change", browser)
    flow = replay.flow("settings", browser)
    replay("password: too short", browser, flow, method="password", password="short")
    replay("password: new one", browser, flow, **NEW_PASSWORD)
    replay("this browser stays signed in", browser)
    replay("a session elsewhere after the password change", app)
    native = replay("starts a native login flow")
    replay("submits the password", None, native, **by_password(NEW_ADDRESS, "another horse 8"))
    replay("no csrf_token", browser, flow.id, **profile(email=NEW_ADDRESS))
    bob = replay.browser(BOB)
    replay("the flow in the browser of somebody else", bob, flow, **profile(email=BOB))
    replay("reads it in the browser of somebody else", bob, flow)
    form: Json = {"method": "profile", "traits.email": NEW_ADDRESS, "traits.name.first": "Ada"}
    replay("HTML: profile", browser.page, replay.flow("settings", browser), **form)


def settings_privileged(replay: Replay) -> None:
    replay.person()
    browser, app = replay.browser(), replay.app()
    flow, native = replay.flow("settings", browser), replay.flow("settings", app)
    replay.ory.clock.move(2)
    replay("profile without credentials in it", browser, flow, **profile(email=ADA, username="ada"))
    replay("new e-mail (JSON)", browser, flow, **profile(email=NEW_ADDRESS))
    replay("password (JSON)", browser, flow, **NEW_PASSWORD)
    replay("password (form)", browser.page, flow, **NEW_PASSWORD)
    replay("TOTP (JSON)", browser, flow, method="totp", totp_code="000000")
    login = replay("follows redirect_browser_to", browser, flow)
    replay("re-authenticates", browser, login, **by_password())
    replay("the first settings flow, at once after that", browser, flow, **NEW_PASSWORD)
    replay("native: password", app, native, method="password", password="third horse 77")


def settings_totp_lookup(replay: Replay) -> None:
    replay.person()
    browser = replay.browser()
    flow = replay("starts a browser settings flow", browser)
    secret = flow.node("totp_secret_key")["text"]["context"]["secret"]
    replay("TOTP: wrong code", browser, flow, method="totp", totp_code="000000")
    replay("TOTP: right code", browser, flow, method="totp", totp_code=pyotp.TOTP(secret).now())
    replay("the session after setting TOTP up", browser)
    flow = replay("flow with TOTP set up", browser)

    def backup(action: str) -> Json:
        return {"method": "lookup_secret", f"lookup_secret_{action}": True}

    replay("lookup: reveals new codes", browser, flow, **backup("regenerate"))
    replay("lookup: confirms", browser, flow, **backup("confirm"))
    flow = replay.flow("settings", browser)
    replay("lookup: reveals the existing codes", browser, flow, **backup("reveal"))
    replay("lookup: disables", browser, flow, **backup("disable"))
    replay("TOTP: unlinks", browser, replay.flow("settings", browser), method="totp", totp_unlink=True)
    replay("this session after unlinking", browser)
    replay("a new login after unlinking", replay.browser())


def settings_api(replay: Replay) -> None:
    replay.person()
    app = replay.app()
    replay("without a token")
    flow = replay("starts a native settings flow", app)
    replay("reads the flow", app, flow)
    replay("profile", app, flow, **profile(email=ADA, username="ada"))
    replay("password", app, flow, **NEW_PASSWORD)
    replay("profile without the token", None, flow, **profile(email=ADA))
