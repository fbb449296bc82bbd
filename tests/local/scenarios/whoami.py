"""Who is asking: credentials, their order, the life of a session."""

from __future__ import annotations

from ..replay import Walk
from ..visits import ADA, BOB, HTML, Headers, Visitor

UNKNOWN_TOKEN = "ory_st_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
NO_TOKENIZER = "the local Ory signs no JWTs"
COOKIE = "ory_kratos_session"


def whoami_credentials(walk: Walk) -> None:
    walk.person(ADA)
    walk.person(BOB)
    cookie_of = {who: walk.browser(who).cookies[COOKIE] for who in (ADA, BOB)}
    token_of = {who: walk.app(who).token for who in (ADA, BOB)}
    revoked = walk.browser(ADA)
    logout = walk.quietly("GET", "/self-service/logout/browser", revoked).content["logout_token"]
    revoked_cookie = revoked.cookies[COOKIE]
    walk.quietly("GET", f"/self-service/logout?token={logout}", revoked)
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
        walk(name, headers=headers)


def whoami_session_states(walk: Walk) -> None:
    ada = walk.person()
    browser, app = walk.browser(), walk.app()
    session = walk("cookie session, still active", browser)
    walk("admin revokes that session", None, session)
    walk("cookie of the revoked session", browser)
    walk("admin reads the revoked session", None, session)
    session = walk("token session, still active", app)
    walk("admin revokes the token's session", None, session)
    walk("token of the revoked session", app)

    browser = walk.browser()
    logout = walk("browser asks for its logout URL", browser)
    copy = Visitor(cookies=dict(browser.cookies))
    walk("browser logs out", browser, logout.content["logout_token"])
    walk("the browser after logout (cookie removed)", browser)
    walk("the old cookie after logout (a copy of it)", copy)
    app = walk.app()
    walk("native app logs out", session_token=app.token)
    walk("token after native logout", app)

    browser, app = walk.browser(), walk.app()
    walk("admin sets the identity inactive", None, ada, patch=state("inactive"))
    walk("cookie of an inactive identity", browser)
    walk("token of an inactive identity", app)
    refused_login(walk)
    walk("admin lists the sessions of the inactive identity", None, ada)
    walk("admin sets the identity active again", None, ada, patch=state("active"))
    walk("cookie after re-activation: does the old session come back?", browser)
    walk("token after re-activation", app)
    walk("admin deletes the identity", None, ada)
    walk("cookie of a deleted identity", browser)
    walk("token of a deleted identity", app)
    refused_login(walk)


def state(value: str) -> list[dict[str, str]]:
    return [{"op": "replace", "path": "/state", "value": value}]


def refused_login(walk: Walk, email: str = ADA) -> None:
    flow = walk("starts a native login flow")
    walk("submits the password", None, flow, method="password", identifier=email, password="correct horse 9")


def whoami_session_body(walk: Walk) -> None:
    walk.person("least@example.org")
    walk("identity with an e-mail only", walk.app("least@example.org"))
    walk(
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
    walk("identity with everything", walk.app("most@example.org"))
    walk(
        "admin creates an identity without credentials",
        schema_id="person",
        traits={"email": "nopassword@example.org"},
    )
    refused_login(walk, "nopassword@example.org")


def whoami_expired(walk: Walk) -> None:
    walk.person()
    browser, app = walk.browser(), walk.app()
    session = walk("fresh cookie session", browser)
    walk("fresh token session", app)
    walk.ory.clock.move(5)
    walk("expired cookie session", browser)
    walk("expired token session", app)
    walk("admin reads the expired session", None, session)
    walk("admin lists sessions that are active")
    walk("admin lists sessions that are not active")
    walk("admin extends the expired session", None, session)
    walk("cookie after the extension of an expired session", browser)


def session_extend(walk: Walk) -> None:
    walk.person()
    browser = walk.browser()
    session = walk("before", browser)
    walk("admin extends", None, session)
    walk("after", browser)
    walk("admin extends an unknown session")
    walk("admin extends with an id that is no UUID")
    walk("admin disables the session", None, session)
    walk("admin extends the disabled session", None, session)
    walk("after extending a disabled session", browser)


def session_extend_window(walk: Walk) -> None:
    walk.person()
    browser = walk.browser()
    session = walk("before", browser)
    walk("admin extends too early", None, session)
    walk("after", browser)


def whoami_caching_off(walk: Walk) -> None:
    walk.person()
    walk("cookie", walk.browser())
    walk("token", walk.app())
    walk("no credentials")
    walk("unknown token", Visitor(UNKNOWN_TOKEN))


def whoami_cache_header_default_age(walk: Walk) -> None:
    walk.person()
    walk("cookie", walk.browser())
    walk("no credentials")


def whoami_tokenize(walk: Walk) -> None:
    walk.person(traits={"name": {"first": "Ada", "last": "Lovelace"}, "groups": ["editors"]})
    app = walk.app()
    walk.skip("tokenize_as=django with a cookie", NO_TOKENIZER)
    walk.skip("tokenize_as=django with a token", NO_TOKENIZER)
    walk("tokenize_as=unknown", app)
    walk("tokenize_as empty", app)
    walk("tokenize_as=django without credentials")
    walk("tokenize_as=unknown without credentials")
    jwt = {"Authorization": "Bearer eyJhbGciOiJFUzI1NiJ9.e30.c2ln"}
    walk("the JWT is not itself a credential", headers=jwt)


def whoami_huge_header(walk: Walk) -> None:
    walk("X-Session-Token of 2 MiB", headers={"X-Session-Token": "x" * (2 << 20)})


def device_headers(walk: Walk) -> None:
    walk.person()
    named = {"User-Agent": "R/1"}
    for name, headers in {
        "login with no User-Agent": {},
        "login with User-Agent": {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Recorder/1.0"},
        "login with X-Forwarded-For": named | {"X-Forwarded-For": "203.0.113.9, 10.0.0.1"},
        "login with True-Client-IP and X-Real-IP": named
        | {"True-Client-IP": "203.0.113.7", "X-Real-IP": "203.0.113.8"},
    }.items():
        flow = walk.native_flow("login")
        walk(name, None, flow, headers=headers, method="password", identifier=ADA, password="correct horse 9")


def user_sessions(walk: Walk) -> None:
    walk.person(ADA)
    walk.person(BOB)
    browser = walk.browser()
    app, *_ = [walk.app() for _ in range(3)]
    bob = walk.app(BOB)
    bobs_session = walk.quietly("GET", "/sessions/whoami", bob)
    current = walk("the current session", browser)
    walk("no session")
    others = walk("lists my other sessions", browser).content
    walk("lists with a page size of 1", browser)
    walk("lists with page_size=1 and page=2", browser)
    walk("follows rel=next as it stands, 1", browser)
    walk("follows rel=next as it stands, 2", browser)
    walk("lists with per_page=1, page=1", browser)
    walk("lists with per_page=1, page=2", browser)
    walk("revokes one of them", browser, others[0]["id"])
    walk("revokes it again", browser, others[0]["id"])
    walk("lists again", browser)
    walk("revokes the current one", browser, current)
    walk("revokes a session of somebody else", browser, bobs_session)
    walk("whoami of that session afterwards", bob)
    walk("revokes with an id that is no UUID", browser)
    walk("revokes all others", browser)
    walk("revokes all others again", browser)
    walk("revokes all others without a session")
    walk("this browser afterwards", browser)
    walk("a token session elsewhere afterwards", app)


def database_outage(walk: Walk) -> None:
    walk.person()
    app = walk.app()
    walk("before", app)
    with walk.ory.database_down(ready=200):
        walk("alive")
        walk("ready")
        walk("whoami with a token", app)
        walk("whoami without credentials")
        walk("starts a native login flow")
    walk("afterwards", app)
