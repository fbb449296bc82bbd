"""The admin API, and endpoints that both ports have."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.types import Json

from ..replay import Replay
from ..visits import ADA, BOB, HTML, PASSWORD, Response, Visitor
from .login import by_password
from .settings import profile
from .whoami import refused_login, state

NO_PASSKEYS = "a script for passkeys, which the local Ory does not have"
OWN_VERSION = "the recorded build calls itself master"
NO_METRICS = "metrics of a server that nobody operates"


def person(**more: Any) -> Json:
    return {"schema_id": "person", **more}


def admin_identity_crud(replay: Replay) -> None:
    ada_traits = {"email": ADA, "name": {"first": "Ada", "last": "Lovelace"}}
    credentials = {"password": {"config": {"password": PASSWORD}}}
    ada = replay(
        "create with a plain password",
        **person(
            traits=ada_traits,
            credentials=credentials,
            metadata_public={"plan": "pro"},
            metadata_admin={"note": "vip"},
        ),
    ).id

    def create(name: str, email: str = "b@example.org", **more: Any) -> None:
        replay(name, **person(traits={"email": email}, **more))

    replay("duplicate e-mail", **person(traits=ada_traits))
    create("duplicate e-mail in other case", "ADA@example.org")
    replay("no e-mail", **person(traits={}))
    replay("trait that the schema does not know", **person(traits={"email": "b@example.org", "is_staff": True}))
    replay("unknown schema", schema_id="nope", traits={"email": "b@example.org"})
    replay("no schema_id", traits={"email": "noschema@example.org"})
    create("unknown member in the body", colour="red")
    create("an id of one's own choice", id="10000000-0000-4000-8000-000000000000")
    create("weak password", "weak@example.org", credentials={"password": {"config": {"password": "x"}}})
    create("state inactive", "inactive@example.org", state="inactive")
    create("unknown state", state="sleeping")
    create("external_id", "ext@example.org", external_id="django-17")
    create("external_id a second time", "ext2@example.org", external_id="django-17")
    replay("get by external_id")
    replay("get by unknown external_id")
    replay("create with broken JSON", raw=b"{")
    replay("create with an empty body")
    replay("get", None, ada)
    for included in ("password", "totp", "nonsense"):
        replay(f"get with include_credential={included}", None, ada)
    replay("get unknown")
    replay("get with an id that is no UUID")

    def patch(name: str, op: str, path: str, value: Any = None) -> None:
        replay(name, None, ada, patch=[{"op": op, "path": path, "value": value}])

    patch("patch one trait", "replace", "/traits/name/first", "Augusta")
    patch("patch metadata_public", "add", "/metadata_public/seats", 3)
    patch("patch with test that fails", "test", "/traits/name/first", "Nobody")
    patch("patch a path that is missing", "replace", "/traits/nothing/there", 1)
    patch("patch the id", "replace", "/id", "10000000-0000-4000-8000-000000000000")
    patch("patch /credentials/password", "add", "/credentials/password", {})
    replay("get with include_credential=password after that", None, ada)
    refused_login(replay)
    patch("patch /credentials", "remove", "/credentials")
    patch("patch to an e-mail that is taken", "replace", "/traits/email", "noschema@example.org")
    patch("patch to a value that the schema refuses", "replace", "/traits/email", "nonsense")
    replay("patch that is no array", None, ada, state="inactive")
    replay("patch unknown identity", patch=state("inactive"))
    patch("patch to another e-mail", "replace", "/traits/email", "augusta@example.org")
    traits = {"traits": {"email": "augusta@example.org"}}
    replay("put", None, ada, **person(**traits, state="active"))
    replay("put without state", None, ada, **person(**traits))
    replay("put without traits", None, ada, **person(state="active"))
    changed = {"password": {"config": {"password": "another horse 8"}}}
    replay("put with a new password", None, ada, **person(state="active", **traits, credentials=changed))
    flow = replay("starts a native login flow")
    replay("submits the password", None, flow, **by_password("augusta@example.org", "another horse 8"))
    taken = {"email": "noschema@example.org"}
    replay("put to an e-mail that is taken", None, ada, **person(state="active", traits=taken))
    replay("put unknown identity", **person(state="active", traits={"email": "q@example.org"}))
    replay("delete", None, ada)
    replay("delete a second time", None, ada)
    replay("get after delete", None, ada)


def admin_identity_list(replay: Replay) -> None:
    replay("empty filter result")
    for number in range(5):
        replay.person(f"user{number}@example.org", password=PASSWORD if number < 4 else None)
    ids = [identity["id"] for identity in replay("all, defaults").content]
    replay("first page of 2")
    replay("page 2, by the Link header's next", None, ids[1])
    replay("page 3, by the Link header's next", None, ids[3])
    for name in (
        "page_size=0",
        "page_size=-1",
        "page_size=5000 (above the maximum)",
        "page_size=abc",
        "page_token=nonsense",
        "page 0 with per_page (old style)",
        "page 1 with per_page (old style)",
        "page 9 with per_page (beyond the end)",
        "credentials_identifier",
        "credentials_identifier in other case",
        "credentials_identifier of an identity without a password",
        "credentials_identifier and include_credential=password",
        "preview_credentials_identifier_similar",
    ):
        replay(name)
    replay("ids, two of them", None, ids[0], ids[1])
    replay("ids with an unknown one", None, ids[0])
    replay("ids with nonsense")
    replay("ids and credentials_identifier together", None, ids[0])
    replay("consistency=strong")


def next_token(response: Response) -> str:
    link = next(part for part in response.headers["Link"].split(",") if 'rel="next"' in part)
    return parse_qs(urlsplit(link[1 : link.index(">")]).query)["page_token"][0]


def admin_sessions(replay: Replay) -> None:
    ada = replay.person(ADA)
    replay.person(BOB)
    browser, *_ = replay.browser(), replay.app(), replay.app()
    replay.app(BOB)
    bobs = replay("all").content[0]["id"]
    first = replay("first page of 2")
    replay("page 2 by the Link header", None, next_token(first))
    for name in ("expand=identity", "expand=devices and identity", "expand=nonsense", "active=nonsense"):
        replay(name)
    replay("one", None, bobs)
    replay("one with expand", None, bobs)
    replay("unknown")
    replay("no UUID")
    replay("of an identity", None, ada)
    replay("of an identity, active=true", None, ada)
    replay("of an unknown identity")
    for number in (1, 2, 3):
        replay(f"of an unknown identity: follows rel=next, {number}")
    replay("of an identity, page_size=1", None, ada)
    replay("follows rel=next as it stands, 1", None, ada)
    replay("follows rel=next as it stands, 2", None, ada)
    replay("extend", None, bobs)
    replay("disable", None, bobs)
    replay("disable again", None, bobs)
    replay("disable unknown")
    replay("active=false")
    replay("of the identity after disabling one", None, ada)
    replay("delete all of an identity", None, ada)
    replay("delete all of an identity again", None, ada)
    replay("delete all of an unknown identity")
    replay("of the identity after that", None, ada)
    replay("the browser's cookie after that", browser)


def admin_credentials_delete(replay: Replay) -> None:
    ada = replay.person()
    browser = replay.browser()
    replay.set_up_totp(browser)
    replay.set_up_backup_codes(browser)
    replay("aal1 session before", replay.app())
    replay("identity with totp", None, ada)
    for kind in ("totp", "totp", "lookup_secret", "code", "password", "nonsense"):
        replay(f"delete {kind}", None, ada)
    replay("of an unknown identity")
    replay("identity afterwards", None, ada)
    replay("the aal2 session afterwards", browser)
    flow = replay("starts a native login flow")
    token = replay("submits the password", None, flow, **by_password()).content["session_token"]
    replay("a new session at aal1", Visitor(token))


def admin_metadata(replay: Replay) -> None:
    metadata = {"metadata_public": {"plan": "pro"}, "metadata_admin": {"note": "vip"}}
    credentials = {"password": {"config": {"password": PASSWORD}}}
    traits = {"traits": {"email": ADA}}
    ada = replay("admin creates an identity", **person(**traits, **metadata, credentials=credentials)).id
    flow = replay("starts a native login flow")
    app = Visitor(replay("submits the password", None, flow, **by_password()).content["session_token"])
    replay("whoami", app)
    replay("admin get", None, ada)
    replay("admin list")
    replay("admin session with expand=identity")
    flow = replay("settings flow", app)
    replay("settings answer", app, flow, **profile(email=ADA, username="ada"))
    own = {**profile(email=ADA), "metadata_public": {"plan": "x"}}
    replay("a user cannot write metadata_public", app, flow, **own)
    replay("admin puts without metadata", None, ada, **person(state="active", **traits))
    replay("whoami after that", app)


def health_version_misc(replay: Replay) -> None:
    for name in ("alive (public)", "ready (public)", "version (public)", "unknown path (public, JSON)"):
        replay(name)
    replay("unknown path (public, HTML)", Visitor().page)
    for name in ("root (public)", "alive (admin)", "ready (admin)"):
        replay(name)
    replay.skip("version (admin)", OWN_VERSION)
    replay("unknown path (admin, JSON)")
    replay("unknown path (admin, HTML)", Visitor().page)
    replay("root (admin)")
    replay("health on the admin port under /admin")
    replay.skip("version under /admin", OWN_VERSION)
    replay("wrong method")
    replay.skip("webauthn.js", NO_PASSKEYS)
    replay("well-known change-password", headers={"Accept": HTML})
    origin = {"Origin": "http://127.0.0.1:8000"}
    replay("CORS preflight for whoami", headers={**origin, "Access-Control-Request-Method": "GET"})
    replay("Origin on whoami", headers=origin)
    for name in (
        "admin API asked on the public port",
        "public flow asked on the admin port",
        "identities without /admin on the admin port",
        "identities without /admin on the public port",
    ):
        replay(name)
    replay.skip("metrics", NO_METRICS)


def schemas(replay: Replay) -> None:
    for name in (
        "lists",
        "one, by the base64 id that schema_url uses",
        "one, by its plain id",
        "unknown",
        "lists with page_size",
        "lists on the admin port",
        "one on the admin port",
    ):
        replay(name)
