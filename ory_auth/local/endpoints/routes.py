"""Which path leads where, on which port."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from ..http.exchange import Call
from ..model.clock import NEVER, rfc3339
from ..model.errors import OryError, not_found
from . import identities, sessions
from .flows import logout
from .flows.login import Login
from .flows.registration import Registration
from .flows.settings import Settings
from .paging import offset_page
from .whoami import whoami

READ = ["GET", "HEAD"]
ANY = [*READ, "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
KINDS = (Login(), Registration(), Settings())


# ---- small endpoints


def alive(call: Call) -> Response:
    return call.json({"status": "ok"})


def ready(call: Call) -> Response:
    """GET /health/ready: says so when the database is down, unless told to hide it."""
    if call.state.database_is_up or call.state.ready_status == 200:
        return call.json({"status": "ok"})
    return call.json({"errors": {"database": "the database is down"}}, call.state.ready_status)


def version(call: Call) -> Response:
    return call.json({"version": "local"})


def error(call: Call) -> Response:
    """GET /self-service/errors?id=: what went wrong in a browser; anyone may read it, more than once."""
    error_id = call.query.get("id", "")
    if error_id == "stub:500":
        stub, moment = OryError(500, reason="an example of an error"), NEVER
        error_id = "00000000-0000-0000-0000-000000000000"
    elif error_id in call.state.errors:
        stub, moment = call.state.errors[error_id]
    else:
        raise not_found()
    stamp = rfc3339(moment)
    return call.json({"id": error_id, "error": stub.content(), "created_at": stamp, "updated_at": stamp})


def no_mail(call: Call) -> Response:
    """Recovery and verification: as Kratos answers where they are switched off."""
    return call.error_page(
        OryError(400, reason="the local Ory sends no mail, so it has neither recovery nor verification")
    )


def list_schemas(call: Call) -> Response:
    config = call.state.config
    page, headers = offset_page(call, [{"id": config.schema_id, "schema": config.schema}])
    return call.json(page, headers=headers)


def schema(call: Call) -> Response:
    """GET /schemas/{id}, by the plain id or as it stands in `schema_url`."""
    config = call.state.config
    if call.path_params["id"] not in (config.schema_id, config.encoded_schema_id):
        raise OryError(404, reason="there is no such identity schema")
    return call.json(config.schema)


# ---- from one port to the other


def to_public(call: Call) -> Response:
    return call.redirect(call.at(call.state.public_url, call.path.removeprefix("/admin")), 307)


def to_admin(call: Call) -> Response:
    return call.redirect(call.at(call.state.admin_url, f"/admin{call.path.removeprefix('/admin')}"), 307)


# ---- the tables

HEALTH = [Route("/health/alive", alive, methods=READ), Route("/health/ready", ready, methods=READ)]

FLOWS = [
    route
    for kind in KINDS
    for route in (
        Route(f"/self-service/{kind.name}/browser", kind.start_browser, methods=READ),
        Route(f"/self-service/{kind.name}/api", kind.start_api, methods=READ),
        Route(f"/self-service/{kind.name}/flows", kind.read, methods=READ),
        Route(f"/self-service/{kind.name}", kind.submit, methods=[*READ, "POST"]),
    )
]

PUBLIC = [
    *HEALTH,
    *FLOWS,
    *(
        Route(f"/self-service/{kind}{step}", no_mail, methods=[*READ, "POST"])
        for kind in ("recovery", "verification")
        for step in ("/browser", "/api", "/flows", "")
    ),
    Route("/self-service/logout/browser", logout.logout_url, methods=READ),
    Route("/self-service/logout/api", logout.logout_native, methods=["DELETE"]),
    Route("/self-service/logout", logout.logout, methods=READ),
    Route("/self-service/errors", error, methods=READ),
    Route("/sessions/whoami", whoami, methods=ANY),
    Route("/sessions", sessions.list_mine, methods=READ),
    Route("/sessions", sessions.revoke_my_others, methods=["DELETE"]),
    Route("/sessions/{id}", sessions.revoke_mine, methods=["DELETE"]),
    Route("/schemas", list_schemas, methods=READ),
    Route("/schemas/{id}", schema, methods=READ),
    Route("/identities", to_admin, methods=ANY),
    Route("/identities/{path:path}", to_admin, methods=ANY),
    Route("/admin/{path:path}", to_admin, methods=ANY),
]

_ADMIN = [
    ("/identities", identities.list_identities, READ),
    ("/identities", identities.create, ["POST"]),
    ("/identities/by/external/{external_id}", identities.get_by_external_id, READ),
    ("/identities/{id}", identities.get, READ),
    ("/identities/{id}", identities.put, ["PUT"]),
    ("/identities/{id}", identities.patch, ["PATCH"]),
    ("/identities/{id}", identities.delete, ["DELETE"]),
    ("/identities/{id}/credentials/{type}", identities.delete_credential, ["DELETE"]),
    ("/identities/{id}/sessions", sessions.list_of_identity, READ),
    ("/identities/{id}/sessions", sessions.delete_of_identity, ["DELETE"]),
    ("/sessions", sessions.list_all, READ),
    ("/sessions/{id}", sessions.get, READ),
    ("/sessions/{id}", sessions.revoke, ["DELETE"]),
    ("/sessions/{id}/extend", sessions.extend, ["PATCH"]),
    ("/health/alive", alive, READ),
    ("/health/ready", ready, READ),
    ("/version", version, READ),
]

ADMIN = [
    Route("/sessions/whoami", to_public, methods=ANY),
    Route("/self-service/{path:path}", to_public, methods=ANY),
    Route("/schemas", to_public, methods=READ),
    Route("/schemas/{id}", to_public, methods=READ),
    *(Route(prefix + path, handler, methods=methods) for prefix in ("/admin", "") for path, handler, methods in _ADMIN),
]
