"""whoami: which credential counts, and when a session ends."""

from __future__ import annotations

from ..replay import Replay
from ..visits import ADA, BOB, HTML, Headers, Visitor

UNKNOWN_TOKEN = "ory_st_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
NO_TOKENIZER = "the local Ory signs no JWTs"
COOKIE = "ory_kratos_session"


def whoami_credentials(replay: Replay) -> None:
    replay.person(ADA)
    replay.person(BOB)
    cookie_of = {visitor: replay.browser(visitor).cookies[COOKIE] for visitor in (ADA, BOB)}
    token_of = {visitor: replay.app(visitor).token for visitor in (ADA, BOB)}
    revoked = replay.browser(ADA)
    logout = replay.request_public("GET", "/self-service/logout/browser", revoked).content["logout_token"]
    revoked_cookie = revoked.cookies[COOKIE]
    replay.request_public("GET", f"/self-service/logout?token={logout}", revoked)
    ada, bob, token, bobs = cookie_of[ADA], cookie_of[BOB], token_of[ADA], token_of[BOB]
    broken = ada[:-6] + ("AAAAA=" if ada.endswith("=") else "AAAAAA")

    def cookie(*values: str) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{COOKIE}={value}" for value in values)}

    def bearer(value: str, scheme: str = "Bearer ") -> dict[str, str]:
        return {"Authorization": scheme + value}

    def header(value: str) -> dict[str, str]:
        return {"X-Session-Token": value}

    requests: dict[str, dict[str, str] | Headers] = {
        "no credentials at all": {},
        "no credentials, no Accept header": {},
        "no credentials, Accept: text/html": {"Accept": HTML},
        "session cookie": cookie(ada),
        "session cookie, Accept: text/html": {"Accept": HTML, **cookie(ada)},
        "session cookie together with other cookies": {"Cookie": f"sessionid=abc; {COOKIE}={ada}; theme=dark"},
        "X-Session-Token": header(token),
        "Authorization: Bearer": bearer(token),
        "Authorization: bearer": bearer(token, "bearer "),
        "Authorization: BEARER": bearer(token, "BEARER "),
        "Authorization: Bearer with two blanks": bearer(token, "Bearer  "),
        "Authorization: the token without a scheme": bearer(token, ""),
        "Authorization: Token scheme": bearer(token, "Token "),
        "Authorization: Basic with the token as user": bearer("b3J5X3N0X3A6", "Basic "),
        "Authorization: Basic of somebody else's, with a valid cookie": bearer("YTpi", "Basic ") | cookie(ada),
        "Authorization: Basic, with a valid X-Session-Token": bearer("YTpi", "Basic ") | header(token),
        "X-Session-Token empty": header(""),
        "X-Session-Token empty, valid cookie": header("") | cookie(ada),
        "X-Session-Token with blanks around it": header(f"  {token}  "),
        "Authorization empty": bearer("", ""),
        "Authorization: Bearer without a token": bearer(""),
        "cookie with an empty value": cookie(""),
        "cookie with an empty value, valid bearer": cookie("") | bearer(token),
        "X-Session-Token unknown": header(UNKNOWN_TOKEN),
        "Authorization: Bearer unknown": bearer(UNKNOWN_TOKEN),
        "X-Session-Token that does not look like a token": header("not a token"),
        "cookie malformed (not base64)": cookie("%%%not-a-cookie"),
        "cookie malformed (signature broken: last characters changed)": cookie(broken),
        "cookie cut in half": cookie(ada[: len(ada) // 2]),
        "cookie well-formed, but its session was revoked": cookie(revoked_cookie),
        "the cookie's value sent as X-Session-Token": header(ada),
        "the session token sent as the cookie": cookie(token),
        "X-Session-Cookie header (old name)": {"X-Session-Cookie": ada},
        "cookie of ada, X-Session-Token of bob": cookie(ada) | header(bobs),
        "cookie of ada, bearer of bob": cookie(ada) | bearer(bobs),
        "X-Session-Token of ada, bearer of bob": header(token) | bearer(bobs),
        "valid cookie, unknown X-Session-Token": cookie(ada) | header(UNKNOWN_TOKEN),
        "valid cookie, unknown bearer": cookie(ada) | bearer(UNKNOWN_TOKEN),
        "malformed cookie, valid bearer": cookie("garbage") | bearer(token),
        "cookie of a revoked session, valid bearer": cookie(revoked_cookie) | bearer(token),
        "malformed cookie, valid X-Session-Token": cookie("garbage") | header(token),
        "cookie with a broken signature, valid X-Session-Token": cookie(broken) | header(token),
        "cookie of a revoked session, valid X-Session-Token": cookie(revoked_cookie) | header(token),
        "cookie with an empty value, valid X-Session-Token": cookie("") | header(token),
        "malformed cookie, unknown X-Session-Token": cookie("garbage") | header(UNKNOWN_TOKEN),
        "unknown X-Session-Token, valid bearer": header(UNKNOWN_TOKEN) | bearer(token),
        "two cookies of the same name in one header: ada then bob": cookie(ada, bob),
        "two cookies of the same name in one header: bob then ada": cookie(bob, ada),
        "two cookies of the same name: malformed then ada": cookie("garbage", ada),
        "two cookies of the same name: ada then malformed": cookie(ada, "garbage"),
        "two cookies of the same name: revoked then ada": cookie(revoked_cookie, ada),
        "two Cookie headers: bob then ada": [*cookie(bob).items(), *cookie(ada).items()],
        "two X-Session-Token headers: bob then ada": [*header(bobs).items(), *header(token).items()],
        "two X-Session-Token headers: empty then ada": [*header("").items(), *header(token).items()],
        "cookie in double quotes": cookie(f'"{ada}"'),
        "cookie name in upper case": {"Cookie": f"{COOKIE.upper()}={ada}"},
        "X-Session-Token of 16 KiB": header("x" * 16384),
        "Authorization: Bearer of 16 KiB": bearer("x" * 16384),
        "cookie of 16 KiB": cookie("x" * 16384),
        "X-Session-Token with a byte outside ASCII": header("töken"),
        "X-Session-Token with a quote and SQL in it": header("' OR 1=1 --"),
        "HEAD instead of GET, valid token": header(token),
        "POST instead of GET, valid token": header(token),
        "PUT instead of GET, valid token": header(token),
        "DELETE instead of GET, valid token": header(token),
        "OPTIONS instead of GET, valid token": header(token),
        "Accept-Encoding: gzip": {"Accept-Encoding": "gzip"} | header(token),
        "If-None-Match": {"If-None-Match": "*"} | header(token),
        "whoami on the admin port": header(token),
        "whoami with a trailing slash": header(token),
        "whoami with the token in the query": {},
    }
    for name, headers in requests.items():
        replay(name, headers=headers)


def whoami_session_states(replay: Replay) -> None:
    ada = replay.person()
    browser, app = replay.browser(), replay.app()
    session = replay("cookie session, still active", browser)
    replay("admin revokes that session", None, session)
    replay("cookie of the revoked session", browser)
    replay("admin reads the revoked session", None, session)
    session = replay("token session, still active", app)
    replay("admin revokes the token's session", None, session)
    replay("token of the revoked session", app)

    browser = replay.browser()
    logout = replay("browser asks for its logout URL", browser)
    copy = Visitor(cookies=dict(browser.cookies))
    replay("browser logs out", browser, logout.content["logout_token"])
    replay("the browser after logout (cookie removed)", browser)
    replay("the old cookie after logout (a copy of it)", copy)
    app = replay.app()
    replay("native app logs out", session_token=app.token)
    replay("token after native logout", app)

    browser, app = replay.browser(), replay.app()
    replay("admin sets the identity inactive", None, ada, patch=state("inactive"))
    replay("cookie of an inactive identity", browser)
    replay("token of an inactive identity", app)
    refused_login(replay)
    replay("admin lists the sessions of the inactive identity", None, ada)
    replay("admin sets the identity active again", None, ada, patch=state("active"))
    replay("cookie after re-activation: does the old session come back?", browser)
    replay("token after re-activation", app)
    replay("admin deletes the identity", None, ada)
    replay("cookie of a deleted identity", browser)
    replay("token of a deleted identity", app)
    refused_login(replay)


def state(value: str) -> list[dict[str, str]]:
    return [{"op": "replace", "path": "/state", "value": value}]


def refused_login(replay: Replay, email: str = ADA) -> None:
    flow = replay("starts a native login flow")
    replay("submits the password", None, flow, method="password", identifier=email, password="correct horse 9")


def whoami_session_body(replay: Replay) -> None:
    replay.person("least@example.org")
    replay("identity with an e-mail only", replay.app("least@example.org"))
    replay(
        "admin creates an identity",
        schema_id="person",
        traits={
            "email": "most@example.org",
            "username": "most",
            "name": {"first": "Möst", "last": "Ünïcode"},
            "groups": ["editors", "staff"],
        },
        metadata_public={"plan": "pro", "n": 1.0},
        metadata_admin={"secret_note": "vip"},
        state="active",
        verifiable_addresses=[{"value": "most@example.org", "verified": True, "via": "email", "status": "completed"}],
        credentials={"password": {"config": {"password": "correct horse 9"}}},
    )
    replay("identity with everything", replay.app("most@example.org"))
    replay(
        "admin creates an identity without credentials",
        schema_id="person",
        traits={"email": "nopassword@example.org"},
    )
    refused_login(replay, "nopassword@example.org")


def whoami_expired(replay: Replay) -> None:
    replay.person()
    browser, app = replay.browser(), replay.app()
    session = replay("fresh cookie session", browser)
    replay("fresh token session", app)
    replay.ory.clock.move(5)
    replay("expired cookie session", browser)
    replay("expired token session", app)
    replay("admin reads the expired session", None, session)
    replay("admin lists sessions that are active")
    replay("admin lists sessions that are not active")
    replay("admin extends the expired session", None, session)
    replay("cookie after the extension of an expired session", browser)


def session_extend(replay: Replay) -> None:
    replay.person()
    browser = replay.browser()
    session = replay("before", browser)
    replay("admin extends", None, session)
    replay("after", browser)
    replay("admin extends an unknown session")
    replay("admin extends with an id that is no UUID")
    replay("admin disables the session", None, session)
    replay("admin extends the disabled session", None, session)
    replay("after extending a disabled session", browser)


def session_extend_window(replay: Replay) -> None:
    replay.person()
    browser = replay.browser()
    session = replay("before", browser)
    replay("admin extends too early", None, session)
    replay("after", browser)


def whoami_caching_off(replay: Replay) -> None:
    replay.person()
    replay("cookie", replay.browser())
    replay("token", replay.app())
    replay("no credentials")
    replay("unknown token", Visitor(UNKNOWN_TOKEN))


def whoami_cache_header_default_age(replay: Replay) -> None:
    replay.person()
    replay("cookie", replay.browser())
    replay("no credentials")


def whoami_tokenize(replay: Replay) -> None:
    replay.person(traits={"name": {"first": "Ada", "last": "Lovelace"}, "groups": ["editors"]})
    app = replay.app()
    replay.skip("tokenize_as=django with a cookie", NO_TOKENIZER)
    replay.skip("tokenize_as=django with a token", NO_TOKENIZER)
    replay("tokenize_as=unknown", app)
    replay("tokenize_as empty", app)
    replay("tokenize_as=django without credentials")
    replay("tokenize_as=unknown without credentials")
    jwt = {"Authorization": "Bearer eyJhbGciOiJFUzI1NiJ9.e30.c2ln"}
    replay("the JWT is not itself a credential", headers=jwt)


def whoami_huge_header(replay: Replay) -> None:
    replay("X-Session-Token of 2 MiB", headers={"X-Session-Token": "x" * (2 << 20)})


def device_headers(replay: Replay) -> None:
    replay.person()
    named = {"User-Agent": "R/1"}
    for name, headers in {
        "login with no User-Agent": {},
        "login with User-Agent": {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Recorder/1.0"},
        "login with X-Forwarded-For": named | {"X-Forwarded-For": "203.0.113.9, 10.0.0.1"},
        "login with True-Client-IP and X-Real-IP": named
        | {"True-Client-IP": "203.0.113.7", "X-Real-IP": "203.0.113.8"},
    }.items():
        flow = replay.native_flow("login")
        replay(name, None, flow, headers=headers, method="password", identifier=ADA, password="correct horse 9")


def user_sessions(replay: Replay) -> None:
    replay.person(ADA)
    replay.person(BOB)
    browser = replay.browser()
    app, *_ = [replay.app() for _ in range(3)]
    bob = replay.app(BOB)
    bobs_session = replay.request_public("GET", "/sessions/whoami", bob)
    current = replay("the current session", browser)
    replay("no session")
    others = replay("lists my other sessions", browser).content
    replay("lists with a page size of 1", browser)
    replay("lists with page_size=1 and page=2", browser)
    replay("follows rel=next as it stands, 1", browser)
    replay("follows rel=next as it stands, 2", browser)
    replay("lists with per_page=1, page=1", browser)
    replay("lists with per_page=1, page=2", browser)
    replay("revokes one of them", browser, others[0]["id"])
    replay("revokes it again", browser, others[0]["id"])
    replay("lists again", browser)
    replay("revokes the current one", browser, current)
    replay("revokes a session of somebody else", browser, bobs_session)
    replay("whoami of that session afterwards", bob)
    replay("revokes with an id that is no UUID", browser)
    replay("revokes all others", browser)
    replay("revokes all others again", browser)
    replay("revokes all others without a session")
    replay("this browser afterwards", browser)
    replay("a token session elsewhere afterwards", app)


def database_outage(replay: Replay) -> None:
    replay.person()
    app = replay.app()
    replay("before", app)
    with replay.ory.database_down(ready=200):
        replay("alive")
        replay("ready")
        replay("whoami with a token", app)
        replay("whoami without credentials")
        replay("starts a native login flow")
    replay("afterwards", app)
