"""Login: browser and native, second factors, CSRF, return_to, expiry; logout and the error page."""

from __future__ import annotations

import pyotp

from tests.support.types import Json

from ..replay import Walk
from ..visits import ADA, BOB, PASSWORD, Answer, Visitor

NO_TOKEN_EXCHANGE = "token exchange is for native social sign-in, which the local Ory does not have"


def by_password(email: str = ADA, password: str = PASSWORD) -> Json:
    return {"method": "password", "identifier": email, "password": password}


def by_code(code: str) -> Json:
    return {"method": "totp", "totp_code": code}


def by_totp(secret: str) -> Json:
    return by_code(pyotp.TOTP(secret).now())


def by_backup(code: str) -> Json:
    return {"method": "lookup_secret", "lookup_secret": code}


def login_browser_json(walk: Walk) -> None:
    walk.person(traits={"name": {"first": "Ada", "last": "Lovelace"}})
    browser = Visitor()
    flow = walk("starts a browser login flow", browser)
    walk("reads the flow again by its id", browser, flow)
    walk("wrong password", browser, flow, **by_password(password="wrong"))
    walk("unknown identifier", browser, flow, **by_password("nobody@example.org", "wrong"))
    walk("empty password", browser, flow, **by_password(password=""))
    walk("no identifier", browser, flow, method="password", password=PASSWORD)
    walk("no method", browser, flow, identifier=ADA, password=PASSWORD)
    walk("unknown method", browser, flow, **{**by_password(), "method": "magic"})
    walk("the flow keeps its messages", browser, flow)
    walk("right password, identifier in upper case", browser, flow, **by_password("ADA@Example.org"))
    walk("signed in", browser)
    walk("the same flow a second time", browser, flow, **by_password())
    walk("reads the finished flow", browser, flow)


def login_browser_html(walk: Walk) -> None:
    walk.person()
    browser = Visitor()
    begun = walk("navigates to the login", browser.page)
    flow = walk("the login page's server reads the flow with the browser's cookies", browser, begun)
    walk("posts a wrong password", browser.page, flow, **by_password(password="wrong"))
    walk("reads the flow with its messages", browser, flow)
    walk("posts the right password", browser.page, flow, **by_password())
    walk("signed in", browser)
    walk("navigates to the login again", browser.page)
    walk("navigates to the login again, with return_to", browser.page)
    walk("posts the finished flow again", browser.page, flow, **by_password())
    error = walk("posts without cookies and CSRF token", Visitor().page, flow.id, **by_password())
    walk("the error page's server reads the error", None, error)
    walk("posts to an unknown flow", Visitor().page, method="password")


def login_api(walk: Walk) -> None:
    walk.person()
    flow = walk("starts a native login flow")
    walk("wrong password", None, flow, **by_password(password="wrong"))
    token = walk("right password", None, flow, **by_password()).content["session_token"]
    walk("with the session_token", Visitor(token))
    walk("the same flow again", None, flow, **by_password())
    walk("native flow started with a Cookie header", headers={"Cookie": "a=b"})
    walk("native flow started with an Origin header", headers={"Origin": "http://127.0.0.1:8000"})
    flow = walk.native_flow("login")
    walk("native submit with a Cookie header", None, flow, headers={"Cookie": "a=b"}, **by_password())
    origin = {"Origin": "http://127.0.0.1:8000"}
    walk("native submit with an Origin header", None, flow, headers=origin, **by_password())
    walk("native submit with the form content type", None, walk.native_flow("login"), form=True, **by_password())
    walk("native submit with Accept: text/html", Visitor().page, walk.native_flow("login"), form=False, **by_password())
    walk.skip("native flow with a token exchange code", NO_TOKEN_EXCHANGE)
    walk.skip("token exchange with nonsense", NO_TOKEN_EXCHANGE)
    walk("native flow with a foreign return_to")
    walk("POST to the flow start", raw=b"{}")


def login_csrf(walk: Walk) -> None:
    walk.person()
    browser, other = Visitor(), Visitor()
    flow = walk("starts a browser login flow", browser)
    others = walk.flow("login", other)
    walk("no csrf_token in the body", browser, flow.id, **by_password())
    walk("a wrong csrf_token", browser, flow, **by_password(), csrf_token=others.csrf_token)
    walk("no cookies at all", None, flow, **by_password())
    walk("the CSRF cookie of another browser", other, flow, **by_password())
    token = {"X-CSRF-Token": flow.csrf_token}
    walk("csrf_token in the header X-CSRF-Token only", browser, flow.id, headers=token, **by_password())
    browser = Visitor()
    flow = walk.flow("login", browser)
    token = {"X-Csrf-Token": flow.csrf_token}
    walk("csrf_token in the header X-Csrf-Token (fresh flow)", browser, flow.id, headers=token, **by_password())


def login_return_to(walk: Walk) -> None:
    walk.person()
    json, page = Visitor(), Visitor()
    flow = walk("allowed (JSON)", json)
    begun = walk("allowed (HTML)", page.page)
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
        walk(f"{case} (JSON)")
        walk(f"{case} (HTML)", Visitor().page)
    walk("signs in (JSON)", json, flow, **by_password())
    read = walk.quietly("GET", f"/self-service/login/flows?id={begun.id}", page)
    walk("signs in (form)", page.page, read, **by_password())
    walk("logout URL with return_to", page)
    walk("logout URL with a foreign return_to", page)


def login_aal2(walk: Walk) -> None:
    walk.person()
    first = walk.browser()
    secret, codes = walk.set_up_totp(first), walk.set_up_backup_codes(first)
    browser = Visitor()
    flow = walk.flow("login", browser)
    walk("first factor (JSON)", browser, flow, **by_password())
    walk("session at aal1", browser)
    flow = walk("starts the second-factor flow", browser)
    walk("wrong TOTP code", browser, flow, **by_code("000000"))
    walk("empty TOTP code", browser, flow, method="totp", totp_code="")
    walk("password in the second-factor flow", browser, flow, **by_password())
    walk("right TOTP code", browser, flow, **by_totp(secret))
    walk("session at aal2", browser)
    walk("asks for aal2 again", browser)

    def second_step() -> tuple[Visitor, Answer]:
        browser = walk.browser()
        return browser, walk.flow("login", browser, "?aal=aal2")

    browser, flow = second_step()
    walk("the same TOTP code again within its window", browser, flow, **by_totp(secret))
    browser, flow = second_step()
    walk("wrong lookup code", browser, flow, **by_backup("zzzzzzzz"))
    walk("right lookup code", browser, flow, **by_backup(codes[0]))
    walk("session at aal2 by lookup code", browser)
    browser, flow = second_step()
    walk("a lookup code a second time", browser, flow, **by_backup(codes[0]))

    browser = Visitor()
    walk(
        "first factor by form post: where the browser is sent",
        browser.page,
        walk.flow("login", browser),
        **by_password(),
    )
    begun = walk("second factor by navigation", browser.page)
    flow = walk("reads the flow", browser, begun)
    walk("TOTP by form post", browser.page, flow, **by_totp(secret))


def login_api_aal2(walk: Walk) -> None:
    walk.person()
    secret = walk.set_up_totp(walk.browser())
    flow = walk("starts a native login flow")
    app = Visitor(walk("submits the password", None, flow, **by_password()).content["session_token"])
    walk("token at aal1", app)
    walk("aal2 without a token")
    flow = walk("aal2 with the token", app)
    walk("right code, but the token is left out", None, flow, **by_totp(secret))
    walk("wrong code", app, flow, **by_code("000000"))
    walk("right code", app, flow, **by_totp(secret))
    walk("token at aal2", app)
    walk("via=email although the code method is not a second factor here", walk.app())


def whoami_aal(walk: Walk) -> None:
    walk.person()
    browser = walk.browser()
    walk("before TOTP is set up", browser)
    secret = walk.set_up_totp(browser)
    walk("the session that set TOTP up", browser)
    browser, app = walk.browser(), walk.app()
    walk("cookie session at aal1", browser)
    walk("cookie session at aal1, Accept: text/html", browser.page)
    walk("token session at aal1", app)
    walk("token session at aal1, tokenize_as", app)
    walk("GET /sessions (my other sessions) with an aal1 session", browser)
    walk("settings flow with an aal1 session (JSON)", browser)
    walk("settings flow with an aal1 session (HTML)", browser.page)
    walk("logout URL with an aal1 session", browser)
    flow = walk("starts the second-factor flow", browser)
    walk("submits the TOTP code", browser, flow, **by_totp(secret))
    walk("cookie session now at aal2", browser)
    flow = walk("native second-factor flow with the token", app)
    walk("native app submits the TOTP code with its token", app, flow, **by_totp(secret))
    walk("the same token, now at aal2", app)
    walk("the token in that answer", app)


def whoami_aal1_configured(walk: Walk) -> None:
    walk.person()
    walk.set_up_totp(walk.browser())
    walk("cookie at aal1", walk.browser())
    walk("token at aal1", walk.app())


def login_already_logged_in(walk: Walk) -> None:
    walk.person(ADA)
    walk.person(BOB)
    browser = walk.browser()
    walk("before", browser)
    walk("starts a login while signed in", browser)
    walk("the same with return_to", browser)
    walk("asks for aal2 without a second factor set up", browser)
    flow = walk("refresh=true", browser)
    walk("wrong password", browser, flow, **by_password(password="wrong"))
    walk("re-authenticates", browser, flow, **by_password())
    walk("after", browser)
    flow = walk.flow("login", browser, "?refresh=true")
    walk("refresh with the credentials of another identity", browser, flow, **by_password(BOB))
    walk("after the refresh as somebody else", browser)
    late = Visitor()
    old = walk.flow("login", late)
    signed_in = walk.browser()
    signed_in.cookies = {**late.cookies, "ory_kratos_session": signed_in.cookies["ory_kratos_session"]}
    walk("an old flow is submitted although the browser signed in meanwhile", signed_in, old, **by_password())
    app = walk.app()
    walk("native login start with a valid token", app)
    walk("native refresh with a valid token", app)
    walk("asks for aal2 without any session")
    walk("asks for an unknown aal")
    walk("refresh=true without any session")
    walk("starts a registration while signed in", browser)


def login_expired_flow(walk: Walk) -> None:
    walk.person()
    browser = Visitor()
    flow = walk("starts a browser login flow", browser)
    native = walk("starts a native login flow")
    registration = walk("starts a browser registration flow", browser)
    walk.skip("starts a browser recovery flow", "the local Ory has no recovery")
    walk.ory.clock.move(2)
    walk("reads the expired browser flow", browser, flow)
    walk("submits the expired browser flow (JSON)", browser, flow, **by_password())
    walk("submits the expired browser flow (form)", browser.page, flow, **by_password())
    walk("reads the expired native flow", None, native)
    walk("submits the expired native flow", None, native, **by_password())
    walk("reads the expired registration flow", browser, registration)
    new: Json = {"method": "password", "password": PASSWORD, "traits": {"email": "new@example.org"}}
    walk("submits the expired registration flow", browser, registration, **new)
    walk.skip("reads the expired recovery flow", "the local Ory has no recovery")
    walk.skip("submits the expired recovery flow", "the local Ory has no recovery")


def login_flow_fetch(walk: Walk) -> None:
    walk.person()
    browser, other = Visitor(), Visitor()
    flow = walk("starts a browser login flow", browser)
    walk.flow("login", other)
    walk("own browser", browser, flow)
    walk("another browser", other, flow)
    walk("no cookies", None, flow)
    walk("unknown flow id", browser)
    walk("flow id that is no UUID", browser)
    walk("no flow id", browser)
    native = walk("starts a native login flow")
    walk("native flow, read without anything", None, native)
    walk("the admin port sends on to the public one", None, native)
    walk("a login flow's id on the registration endpoint", None, native)
    walk("submits to an unknown flow (JSON)", browser, method="password")
    walk("submits without a flow (JSON)", browser, method="password")
    as_json = {"Content-Type": "application/json"}
    walk("submits a native flow with broken JSON", None, native, headers=as_json, raw=b"{not json")
    walk("submits a native flow as text/plain", None, native, headers={"Content-Type": "text/plain"}, raw=b"hello")
    walk("submits a native flow without a body", None, native, headers=as_json)


def production_mode(walk: Walk) -> None:
    walk.person()
    browser = Visitor()
    flow = walk("starts a browser login flow", browser)
    walk("signs in", browser, flow, **by_password())
    walk("signed in", browser)
    walk("no credentials")
    other = walk.flow("login", Visitor())
    walk("no csrf_token", None, other.id, **by_password("a", "b"))
    walk("unknown admin identity")


def logout(walk: Walk) -> None:
    walk.person(ADA)
    walk.person(BOB)
    browser = walk.browser()
    walk("no session (JSON)")
    walk("no session (HTML)", Visitor().page)
    token = walk("asks for the logout URL (JSON)", browser).content["logout_token"]
    walk("asks for the logout URL (HTML)", browser.page)
    walk("logout URL without cookies (JSON)", None, token)
    walk("logout URL without cookies (HTML)", Visitor().page, token)
    walk("wrong token", browser)
    walk("no token", browser)
    walk("logout URL in somebody else's browser", walk.browser(BOB), token)
    copy = Visitor(cookies=dict(browser.cookies))
    walk("logout URL (JSON)", browser, token)
    walk("logout URL again", copy, token)
    walk("the old cookie", copy)
    for name in ("logout URL (HTML), with return_to", "logout URL (HTML)"):
        browser = walk.browser()
        token = walk.quietly("GET", "/self-service/logout/browser", browser).content["logout_token"]
        walk(name, browser.page, token)
    app = walk.app()
    walk("logout URL asked with X-Session-Token", app)
    walk("native logout", session_token=app.token)
    walk("native logout a second time", session_token=app.token)
    walk("token after logout", app)
    walk("native logout, unknown token", session_token="ory_st_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    walk("native logout, empty object", raw=b"{}")
    walk("native logout, no body")
    walk("native logout, token in the header only", walk.app())


def errors_endpoint(walk: Walk) -> None:
    error = walk("HTML navigation that ends in an error: foreign return_to", Visitor().page)
    walk("reads it", None, error)
    walk("reads it a second time", None, error)
    for name in ("stub:500", "stub:404", "unknown id", "id that is no UUID", "no id"):
        walk(name)
    walk("on the admin port", None, error)
