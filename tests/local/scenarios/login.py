"""Login: browser and native, second factors, CSRF, return_to, expiry; logout and the error page."""

from __future__ import annotations

import pyotp

from tests.support.types import Json

from ..replay import Replay
from ..visits import ADA, BOB, PASSWORD, Response, Visitor

NO_TOKEN_EXCHANGE = "token exchange is for native social sign-in, which the local Ory does not have"


def by_password(email: str = ADA, password: str = PASSWORD) -> Json:
    return {"method": "password", "identifier": email, "password": password}


def by_code(code: str) -> Json:
    return {"method": "totp", "totp_code": code}


def by_totp(secret: str) -> Json:
    return by_code(pyotp.TOTP(secret).now())


def by_backup(code: str) -> Json:
    return {"method": "lookup_secret", "lookup_secret": code}


def login_browser_json(replay: Replay) -> None:
    replay.person(traits={"name": {"first": "Ada", "last": "Lovelace"}})
    browser = Visitor()
    flow = replay("starts a browser login flow", browser)
    replay("reads the flow again by its id", browser, flow)
    replay("wrong password", browser, flow, **by_password(password="wrong"))
    replay("unknown identifier", browser, flow, **by_password("nobody@example.org", "wrong"))
    replay("empty password", browser, flow, **by_password(password=""))
    replay("no identifier", browser, flow, method="password", password=PASSWORD)
    replay("no method", browser, flow, identifier=ADA, password=PASSWORD)
    replay("unknown method", browser, flow, **{**by_password(), "method": "magic"})
    replay("the flow keeps its messages", browser, flow)
    replay("right password, identifier in upper case", browser, flow, **by_password("ADA@Example.org"))
    replay("signed in", browser)
    replay("the same flow a second time", browser, flow, **by_password())
    replay("reads the finished flow", browser, flow)


def login_browser_html(replay: Replay) -> None:
    replay.person()
    browser = Visitor()
    begun = replay("navigates to the login", browser.page)
    flow = replay("the login page's server reads the flow with the browser's cookies", browser, begun)
    replay("posts a wrong password", browser.page, flow, **by_password(password="wrong"))
    replay("reads the flow with its messages", browser, flow)
    replay("posts the right password", browser.page, flow, **by_password())
    replay("signed in", browser)
    replay("navigates to the login again", browser.page)
    replay("navigates to the login again, with return_to", browser.page)
    replay("posts the finished flow again", browser.page, flow, **by_password())
    error = replay("posts without cookies and CSRF token", Visitor().page, flow.id, **by_password())
    replay("the error page's server reads the error", None, error)
    replay("posts to an unknown flow", Visitor().page, method="password")


def login_api(replay: Replay) -> None:
    replay.person()
    flow = replay("starts a native login flow")
    replay("wrong password", None, flow, **by_password(password="wrong"))
    token = replay("right password", None, flow, **by_password()).content["session_token"]
    replay("with the session_token", Visitor(token))
    replay("the same flow again", None, flow, **by_password())
    replay("native flow started with a Cookie header", headers={"Cookie": "a=b"})
    replay("native flow started with an Origin header", headers={"Origin": "http://127.0.0.1:8000"})
    flow = replay.native_flow("login")
    replay("native submit with a Cookie header", None, flow, headers={"Cookie": "a=b"}, **by_password())
    origin = {"Origin": "http://127.0.0.1:8000"}
    replay("native submit with an Origin header", None, flow, headers=origin, **by_password())
    replay("native submit with the form content type", None, replay.native_flow("login"), form=True, **by_password())
    replay(
        "native submit with Accept: text/html", Visitor().page, replay.native_flow("login"), form=False, **by_password()
    )
    replay.skip("native flow with a token exchange code", NO_TOKEN_EXCHANGE)
    replay.skip("token exchange with nonsense", NO_TOKEN_EXCHANGE)
    replay("native flow with a foreign return_to")
    replay("POST to the flow start", raw=b"{}")


def login_csrf(replay: Replay) -> None:
    replay.person()
    browser, other = Visitor(), Visitor()
    flow = replay("starts a browser login flow", browser)
    others = replay.flow("login", other)
    replay("no csrf_token in the body", browser, flow.id, **by_password())
    replay("a wrong csrf_token", browser, flow, **by_password(), csrf_token=others.csrf_token)
    replay("no cookies at all", None, flow, **by_password())
    replay("the CSRF cookie of another browser", other, flow, **by_password())
    token = {"X-CSRF-Token": flow.csrf_token}
    replay("csrf_token in the header X-CSRF-Token only", browser, flow.id, headers=token, **by_password())
    browser = Visitor()
    flow = replay.flow("login", browser)
    token = {"X-Csrf-Token": flow.csrf_token}
    replay("csrf_token in the header X-Csrf-Token (fresh flow)", browser, flow.id, headers=token, **by_password())


def login_return_to(replay: Replay) -> None:
    replay.person()
    json, page = Visitor(), Visitor()
    flow = replay("allowed (JSON)", json)
    begun = replay("allowed (HTML)", page.page)
    for case in (
        "another host",
        "allowed host, other scheme",
        "allowed host, other port",
        "relative path",
        "scheme-relative",
        "host that starts alike",
        "user part",
        "empty",
    ):
        replay(f"{case} (JSON)")
        replay(f"{case} (HTML)", Visitor().page)
    replay("signs in (JSON)", json, flow, **by_password())
    read = replay.request_public("GET", f"/self-service/login/flows?id={begun.id}", page)
    replay("signs in (form)", page.page, read, **by_password())
    replay("logout URL with return_to", page)
    replay("logout URL with a foreign return_to", page)


def login_aal2(replay: Replay) -> None:
    replay.person()
    first = replay.browser()
    secret, codes = replay.set_up_totp(first), replay.set_up_backup_codes(first)
    browser = Visitor()
    flow = replay.flow("login", browser)
    replay("first factor (JSON)", browser, flow, **by_password())
    replay("session at aal1", browser)
    flow = replay("starts the second-factor flow", browser)
    replay("wrong TOTP code", browser, flow, **by_code("000000"))
    replay("empty TOTP code", browser, flow, method="totp", totp_code="")
    replay("password in the second-factor flow", browser, flow, **by_password())
    replay("right TOTP code", browser, flow, **by_totp(secret))
    replay("session at aal2", browser)
    replay("asks for aal2 again", browser)

    def second_step() -> tuple[Visitor, Response]:
        browser = replay.browser()
        return browser, replay.flow("login", browser, "?aal=aal2")

    browser, flow = second_step()
    replay("the same TOTP code again within its window", browser, flow, **by_totp(secret))
    browser, flow = second_step()
    replay("wrong lookup code", browser, flow, **by_backup("zzzzzzzz"))
    replay("right lookup code", browser, flow, **by_backup(codes[0]))
    replay("session at aal2 by lookup code", browser)
    browser, flow = second_step()
    replay("a lookup code a second time", browser, flow, **by_backup(codes[0]))

    browser = Visitor()
    replay(
        "first factor by form post: where the browser is sent",
        browser.page,
        replay.flow("login", browser),
        **by_password(),
    )
    begun = replay("second factor by navigation", browser.page)
    flow = replay("reads the flow", browser, begun)
    replay("TOTP by form post", browser.page, flow, **by_totp(secret))


def login_api_aal2(replay: Replay) -> None:
    replay.person()
    secret = replay.set_up_totp(replay.browser())
    flow = replay("starts a native login flow")
    app = Visitor(replay("submits the password", None, flow, **by_password()).content["session_token"])
    replay("token at aal1", app)
    replay("aal2 without a token")
    flow = replay("aal2 with the token", app)
    replay("right code, but the token is left out", None, flow, **by_totp(secret))
    replay("wrong code", app, flow, **by_code("000000"))
    replay("right code", app, flow, **by_totp(secret))
    replay("token at aal2", app)
    replay("via=email although the code method is not a second factor here", replay.app())


def whoami_aal(replay: Replay) -> None:
    replay.person()
    browser = replay.browser()
    replay("before TOTP is set up", browser)
    secret = replay.set_up_totp(browser)
    replay("the session that set TOTP up", browser)
    browser, app = replay.browser(), replay.app()
    replay("cookie session at aal1", browser)
    replay("cookie session at aal1, Accept: text/html", browser.page)
    replay("token session at aal1", app)
    replay("token session at aal1, tokenize_as", app)
    replay("GET /sessions (my other sessions) with an aal1 session", browser)
    replay("settings flow with an aal1 session (JSON)", browser)
    replay("settings flow with an aal1 session (HTML)", browser.page)
    replay("logout URL with an aal1 session", browser)
    flow = replay("starts the second-factor flow", browser)
    replay("submits the TOTP code", browser, flow, **by_totp(secret))
    replay("cookie session now at aal2", browser)
    flow = replay("native second-factor flow with the token", app)
    replay("native app submits the TOTP code with its token", app, flow, **by_totp(secret))
    replay("the same token, now at aal2", app)
    replay("the token in that answer", app)


def whoami_aal1_configured(replay: Replay) -> None:
    replay.person()
    replay.set_up_totp(replay.browser())
    replay("cookie at aal1", replay.browser())
    replay("token at aal1", replay.app())


def login_already_logged_in(replay: Replay) -> None:
    replay.person(ADA)
    replay.person(BOB)
    browser = replay.browser()
    replay("before", browser)
    replay("starts a login while signed in", browser)
    replay("the same with return_to", browser)
    replay("asks for aal2 without a second factor set up", browser)
    flow = replay("refresh=true", browser)
    replay("wrong password", browser, flow, **by_password(password="wrong"))
    replay("re-authenticates", browser, flow, **by_password())
    replay("after", browser)
    flow = replay.flow("login", browser, "?refresh=true")
    replay("refresh with the credentials of another identity", browser, flow, **by_password(BOB))
    replay("after the refresh as somebody else", browser)
    late = Visitor()
    old = replay.flow("login", late)
    signed_in = replay.browser()
    signed_in.cookies = {**late.cookies, "ory_kratos_session": signed_in.cookies["ory_kratos_session"]}
    replay("an old flow is submitted although the browser signed in meanwhile", signed_in, old, **by_password())
    app = replay.app()
    replay("native login start with a valid token", app)
    replay("native refresh with a valid token", app)
    replay("asks for aal2 without any session")
    replay("asks for an unknown aal")
    replay("refresh=true without any session")
    replay("starts a registration while signed in", browser)


def login_expired_flow(replay: Replay) -> None:
    replay.person()
    browser = Visitor()
    flow = replay("starts a browser login flow", browser)
    native = replay("starts a native login flow")
    registration = replay("starts a browser registration flow", browser)
    recovery = replay("starts a browser recovery flow", browser)
    replay.ory.clock.move(2)
    replay("reads the expired browser flow", browser, flow)
    replay("submits the expired browser flow (JSON)", browser, flow, **by_password())
    replay("submits the expired browser flow (form)", browser.page, flow, **by_password())
    replay("reads the expired native flow", None, native)
    replay("submits the expired native flow", None, native, **by_password())
    replay("reads the expired registration flow", browser, registration)
    new: Json = {"method": "password", "password": PASSWORD, "traits": {"email": "new@example.org"}}
    replay("submits the expired registration flow", browser, registration, **new)
    replay("reads the expired recovery flow", browser, recovery)
    replay("submits the expired recovery flow", browser, recovery, method="code", email=ADA)


def login_flow_fetch(replay: Replay) -> None:
    replay.person()
    browser, other = Visitor(), Visitor()
    flow = replay("starts a browser login flow", browser)
    replay.flow("login", other)
    replay("own browser", browser, flow)
    replay("another browser", other, flow)
    replay("no cookies", None, flow)
    replay("unknown flow id", browser)
    replay("flow id that is no UUID", browser)
    replay("no flow id", browser)
    native = replay("starts a native login flow")
    replay("native flow, read without anything", None, native)
    replay("the admin port sends on to the public one", None, native)
    replay("a login flow's id on the registration endpoint", None, native)
    replay("submits to an unknown flow (JSON)", browser, method="password")
    replay("submits without a flow (JSON)", browser, method="password")
    as_json = {"Content-Type": "application/json"}
    replay("submits a native flow with broken JSON", None, native, headers=as_json, raw=b"{not json")
    replay("submits a native flow as text/plain", None, native, headers={"Content-Type": "text/plain"}, raw=b"hello")
    replay("submits a native flow without a body", None, native, headers=as_json)


def production_mode(replay: Replay) -> None:
    replay.person()
    browser = Visitor()
    flow = replay("starts a browser login flow", browser)
    replay("signs in", browser, flow, **by_password())
    replay("signed in", browser)
    replay("no credentials")
    other = replay.flow("login", Visitor())
    replay("no csrf_token", None, other.id, **by_password("a", "b"))
    replay("unknown admin identity")


def logout(replay: Replay) -> None:
    replay.person(ADA)
    replay.person(BOB)
    browser = replay.browser()
    replay("no session (JSON)")
    replay("no session (HTML)", Visitor().page)
    token = replay("asks for the logout URL (JSON)", browser).content["logout_token"]
    replay("asks for the logout URL (HTML)", browser.page)
    replay("logout URL without cookies (JSON)", None, token)
    replay("logout URL without cookies (HTML)", Visitor().page, token)
    replay("wrong token", browser)
    replay("no token", browser)
    replay("logout URL in somebody else's browser", replay.browser(BOB), token)
    copy = Visitor(cookies=dict(browser.cookies))
    replay("logout URL (JSON)", browser, token)
    replay("logout URL again", copy, token)
    replay("the old cookie", copy)
    for name in ("logout URL (HTML), with return_to", "logout URL (HTML)"):
        browser = replay.browser()
        token = replay.request_public("GET", "/self-service/logout/browser", browser).content["logout_token"]
        replay(name, browser.page, token)
    app = replay.app()
    replay("logout URL asked with X-Session-Token", app)
    replay("native logout", session_token=app.token)
    replay("native logout a second time", session_token=app.token)
    replay("token after logout", app)
    replay("native logout, unknown token", session_token="ory_st_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    replay("native logout, empty object", raw=b"{}")
    replay("native logout, no body")
    replay("native logout, token in the header only", replay.app())


def errors_endpoint(replay: Replay) -> None:
    error = replay("HTML navigation that ends in an error: foreign return_to", Visitor().page)
    replay("reads it", None, error)
    replay("reads it a second time", None, error)
    for name in ("stub:500", "stub:404", "unknown id", "id that is no UUID", "no id"):
        replay(name)
    replay("on the admin port", None, error)
