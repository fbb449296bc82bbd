"""The admin API, and the small endpoints of both ports."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.types import Json

from ..replay import Walk
from ..visits import ADA, BOB, HTML, PASSWORD, Answer, Visitor
from .login import by_password
from .settings import profile
from .whoami import refused_login, state

NO_PASSKEYS = "a script for passkeys, which the local Ory does not have"
OWN_VERSION = "the recorded build calls itself master"
NO_METRICS = "metrics of a server that nobody operates"


def person(**more: Any) -> Json:
    return {"schema_id": "person", **more}


def admin_identity_crud(walk: Walk) -> None:
    ada_traits = {"email": ADA, "name": {"first": "Ada", "last": "Lovelace"}}
    credentials = {"password": {"config": {"password": PASSWORD}}}
    ada = walk(
        "create with a plain password",
        **person(
            traits=ada_traits,
            credentials=credentials,
            metadata_public={"plan": "pro"},
            metadata_admin={"note": "vip"},
        ),
    ).id

    def create(name: str, email: str = "b@example.org", **more: Any) -> None:
        walk(name, **person(traits={"email": email}, **more))

    walk("duplicate e-mail", **person(traits=ada_traits))
    create("duplicate e-mail in other case", "ADA@example.org")
    walk("no e-mail", **person(traits={}))
    walk("trait that the schema does not know", **person(traits={"email": "b@example.org", "is_staff": True}))
    walk("unknown schema", schema_id="nope", traits={"email": "b@example.org"})
    walk("no schema_id", traits={"email": "noschema@example.org"})
    create("unknown member in the body", colour="red")
    create("an id of one's own choice", id="10000000-0000-4000-8000-000000000000")
    create("weak password", "weak@example.org", credentials={"password": {"config": {"password": "x"}}})
    create("state inactive", "inactive@example.org", state="inactive")
    create("unknown state", state="sleeping")
    create("external_id", "ext@example.org", external_id="django-17")
    create("external_id a second time", "ext2@example.org", external_id="django-17")
    walk("get by external_id")
    walk("get by unknown external_id")
    walk("create with broken JSON", raw=b"{")
    walk("create with an empty body")
    walk("get", None, ada)
    for included in ("password", "totp", "nonsense"):
        walk(f"get with include_credential={included}", None, ada)
    walk("get unknown")
    walk("get with an id that is no UUID")

    def patch(name: str, op: str, path: str, value: Any = None) -> None:
        walk(name, None, ada, patch=[{"op": op, "path": path, "value": value}])

    patch("patch one trait", "replace", "/traits/name/first", "Augusta")
    patch("patch metadata_public", "add", "/metadata_public/seats", 3)
    patch("patch with test that fails", "test", "/traits/name/first", "Nobody")
    patch("patch a path that is missing", "replace", "/traits/nothing/there", 1)
    patch("patch the id", "replace", "/id", "10000000-0000-4000-8000-000000000000")
    patch("patch /credentials/password", "add", "/credentials/password", {})
    walk("get with include_credential=password after that", None, ada)
    refused_login(walk)
    patch("patch /credentials", "remove", "/credentials")
    patch("patch to an e-mail that is taken", "replace", "/traits/email", "noschema@example.org")
    patch("patch to a value that the schema refuses", "replace", "/traits/email", "nonsense")
    walk("patch that is no array", None, ada, state="inactive")
    walk("patch unknown identity", patch=state("inactive"))
    patch("patch to another e-mail", "replace", "/traits/email", "augusta@example.org")
    traits = {"traits": {"email": "augusta@example.org"}}
    walk("put", None, ada, **person(**traits, state="active"))
    walk("put without state", None, ada, **person(**traits))
    walk("put without traits", None, ada, **person(state="active"))
    changed = {"password": {"config": {"password": "another horse 8"}}}
    walk("put with a new password", None, ada, **person(state="active", **traits, credentials=changed))
    flow = walk("starts a native login flow")
    walk("submits the password", None, flow, **by_password("augusta@example.org", "another horse 8"))
    taken = {"email": "noschema@example.org"}
    walk("put to an e-mail that is taken", None, ada, **person(state="active", traits=taken))
    walk("put unknown identity", **person(state="active", traits={"email": "q@example.org"}))
    walk("delete", None, ada)
    walk("delete a second time", None, ada)
    walk("get after delete", None, ada)


def admin_identity_list(walk: Walk) -> None:
    walk("empty filter result")
    for number in range(5):
        walk.person(f"user{number}@example.org", password=PASSWORD if number < 4 else None)
    ids = [identity["id"] for identity in walk("all, defaults").content]
    walk("first page of 2")
    walk("page 2, by the Link header's next", None, ids[1])
    walk("page 3, by the Link header's next", None, ids[3])
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
        walk(name)
    walk("ids, two of them", None, ids[0], ids[1])
    walk("ids with an unknown one", None, ids[0])
    walk("ids with nonsense")
    walk("ids and credentials_identifier together", None, ids[0])
    walk("consistency=strong")


def next_token(answer: Answer) -> str:
    link = next(part for part in answer.headers["Link"].split(",") if 'rel="next"' in part)
    return parse_qs(urlsplit(link[1 : link.index(">")]).query)["page_token"][0]


def admin_sessions(walk: Walk) -> None:
    ada = walk.person(ADA)
    walk.person(BOB)
    browser, *_ = walk.browser(), walk.app(), walk.app()
    walk.app(BOB)
    bobs = walk("all").content[0]["id"]
    first = walk("first page of 2")
    walk("page 2 by the Link header", None, next_token(first))
    for name in ("expand=identity", "expand=devices and identity", "expand=nonsense", "active=nonsense"):
        walk(name)
    walk("one", None, bobs)
    walk("one with expand", None, bobs)
    walk("unknown")
    walk("no UUID")
    walk("of an identity", None, ada)
    walk("of an identity, active=true", None, ada)
    walk("of an unknown identity")
    for number in (1, 2, 3):
        walk(f"of an unknown identity: follows rel=next, {number}")
    walk("of an identity, page_size=1", None, ada)
    walk("follows rel=next as it stands, 1", None, ada)
    walk("follows rel=next as it stands, 2", None, ada)
    walk("extend", None, bobs)
    walk("disable", None, bobs)
    walk("disable again", None, bobs)
    walk("disable unknown")
    walk("active=false")
    walk("of the identity after disabling one", None, ada)
    walk("delete all of an identity", None, ada)
    walk("delete all of an identity again", None, ada)
    walk("delete all of an unknown identity")
    walk("of the identity after that", None, ada)
    walk("the browser's cookie after that", browser)


def admin_credentials_delete(walk: Walk) -> None:
    ada = walk.person()
    browser = walk.browser()
    walk.set_up_totp(browser)
    walk.set_up_backup_codes(browser)
    walk("aal1 session before", walk.app())
    walk("identity with totp", None, ada)
    for kind in ("totp", "totp", "lookup_secret", "code", "password", "nonsense"):
        walk(f"delete {kind}", None, ada)
    walk("of an unknown identity")
    walk("identity afterwards", None, ada)
    walk("the aal2 session afterwards", browser)
    flow = walk("starts a native login flow")
    token = walk("submits the password", None, flow, **by_password()).content["session_token"]
    walk("a new session at aal1", Visitor(token))


def admin_metadata(walk: Walk) -> None:
    metadata = {"metadata_public": {"plan": "pro"}, "metadata_admin": {"note": "vip"}}
    credentials = {"password": {"config": {"password": PASSWORD}}}
    traits = {"traits": {"email": ADA}}
    ada = walk("admin creates an identity", **person(**traits, **metadata, credentials=credentials)).id
    flow = walk("starts a native login flow")
    app = Visitor(walk("submits the password", None, flow, **by_password()).content["session_token"])
    walk("whoami", app)
    walk("admin get", None, ada)
    walk("admin list")
    walk("admin session with expand=identity")
    flow = walk("settings flow", app)
    walk("settings answer", app, flow, **profile(email=ADA, username="ada"))
    own = {**profile(email=ADA), "metadata_public": {"plan": "x"}}
    walk("a user cannot write metadata_public", app, flow, **own)
    walk("admin puts without metadata", None, ada, **person(state="active", **traits))
    walk("whoami after that", app)


def health_version_misc(walk: Walk) -> None:
    for name in ("alive (public)", "ready (public)", "version (public)", "unknown path (public, JSON)"):
        walk(name)
    walk("unknown path (public, HTML)", Visitor().page)
    for name in ("root (public)", "alive (admin)", "ready (admin)"):
        walk(name)
    walk.skip("version (admin)", OWN_VERSION)
    walk("unknown path (admin, JSON)")
    walk("unknown path (admin, HTML)", Visitor().page)
    walk("root (admin)")
    walk("health on the admin port under /admin")
    walk.skip("version under /admin", OWN_VERSION)
    walk("wrong method")
    walk.skip("webauthn.js", NO_PASSKEYS)
    walk("well-known change-password", headers={"Accept": HTML})
    origin = {"Origin": "http://127.0.0.1:8000"}
    walk("CORS preflight for whoami", headers={**origin, "Access-Control-Request-Method": "GET"})
    walk("Origin on whoami", headers=origin)
    for name in (
        "admin API asked on the public port",
        "public flow asked on the admin port",
        "identities without /admin on the admin port",
        "identities without /admin on the public port",
    ):
        walk(name)
    walk.skip("metrics", NO_METRICS)


def schemas(walk: Walk) -> None:
    for name in (
        "lists",
        "one, by the base64 id that schema_url uses",
        "one, by its plain id",
        "unknown",
        "lists with page_size",
        "lists on the admin port",
        "one on the admin port",
    ):
        walk(name)
