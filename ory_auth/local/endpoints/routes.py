"""The paths of the public and the admin port, with the functions that respond."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from ..http.exchange import Exchange
from . import (
    courier,
    identities,
    identity_batch,
    identity_lists,
    mailbox_page,
    pretended_pages,
    schemas,
    server_status,
    sessions,
    webauthn_script,
)
from .flows import admin_recovery, errors, logout, social_callback
from .flows.login import Login
from .flows.recovery import Recovery
from .flows.registration import Registration
from .flows.settings import Settings
from .flows.verification import Verification
from .whoami import whoami

READ = ["GET", "HEAD"]
READ_AND_POST = [*READ, "POST"]
ANY = [*READ, "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


# ---- redirects from one port to the other


def redirect_to_public(exchange: Exchange) -> Response:
    path = exchange.path.removeprefix("/admin")
    return exchange.redirect(exchange.url_with_query(exchange.state.public_url, path), 307)


def redirect_to_admin(exchange: Exchange) -> Response:
    path = "/admin" + exchange.path.removeprefix("/admin")
    return exchange.redirect(exchange.url_with_query(exchange.state.admin_url, path), 307)


# ---- public port

FLOWS = [
    route
    for handler in (Login(), Registration(), Settings(), Recovery(), Verification())
    for route in (
        Route(f"/self-service/{handler.kind}/browser", handler.start_browser_flow, methods=READ),
        Route(f"/self-service/{handler.kind}/api", handler.start_api_flow, methods=READ),
        Route(f"/self-service/{handler.kind}/flows", handler.get_flow, methods=READ),
        Route(f"/self-service/{handler.kind}", handler.submit, methods=READ_AND_POST),
    )
]

PUBLIC = [
    Route("/health/alive", server_status.alive, methods=READ),
    Route("/health/ready", server_status.ready, methods=READ),
    *FLOWS,
    Route("/self-service/logout/browser", logout.create_logout_url, methods=READ),
    Route("/self-service/logout/api", logout.logout_api, methods=["DELETE"]),
    Route("/self-service/logout", logout.logout, methods=READ),
    Route("/self-service/methods/oidc/callback/{provider}", social_callback.handle_callback, methods=READ),
    Route("/pretend-provider/authorize", pretended_pages.show_consent, methods=READ),
    Route("/pretend-provider/authorize", pretended_pages.decide, methods=["POST"]),
    Route("/pretend-provider/pretended.css", pretended_pages.get_style, methods=READ),
    Route("/oauth2/auth", pretended_pages.show_application, methods=READ),
    Route("/self-service/errors", errors.get_error, methods=READ),
    Route("/sessions/whoami", whoami, methods=ANY),
    Route("/sessions", sessions.list_my_sessions, methods=READ),
    Route("/sessions", sessions.revoke_my_other_sessions, methods=["DELETE"]),
    Route("/sessions/{id}", sessions.revoke_my_session, methods=["DELETE"]),
    Route(webauthn_script.PATH, webauthn_script.get_script, methods=READ),
    Route("/mailbox", mailbox_page.show_mailbox, methods=READ),
    Route("/mailbox/mailbox.css", mailbox_page.get_style, methods=READ),
    Route("/mailbox/mailbox.js", mailbox_page.get_script, methods=READ),
    Route("/schemas", schemas.list_schemas, methods=READ),
    Route("/schemas/{id}", schemas.get_schema, methods=READ),
    Route("/identities", redirect_to_admin, methods=ANY),
    Route("/identities/{path:path}", redirect_to_admin, methods=ANY),
    Route("/admin/{path:path}", redirect_to_admin, methods=ANY),
]


# ---- admin port

_ADMIN_API = [
    ("/identities", identity_lists.list_identities, READ),
    ("/identities", identities.create_identity, ["POST"]),
    ("/identities", identity_batch.create_identities, ["PATCH"]),
    ("/identities/by/external/{external_id:path}", identities.get_by_external_id, READ),
    ("/identities/{id}", identities.get_identity, READ),
    ("/identities/{id}", identities.replace_identity, ["PUT"]),
    ("/identities/{id}", identities.patch_identity, ["PATCH"]),
    ("/identities/{id}", identities.delete_identity, ["DELETE"]),
    ("/identities/{id}/credentials/{type}", identities.delete_credential, ["DELETE"]),
    ("/identities/{id}/sessions", sessions.list_identity_sessions, READ),
    ("/identities/{id}/sessions", sessions.delete_identity_sessions, ["DELETE"]),
    ("/sessions", sessions.list_sessions, READ),
    ("/sessions/{id}", sessions.get_session, READ),
    ("/sessions/{id}", sessions.revoke_session, ["DELETE"]),
    ("/sessions/{id}/extend", sessions.extend_session, ["PATCH"]),
    ("/recovery/code", admin_recovery.create_code, ["POST"]),
    ("/recovery/link", admin_recovery.create_link, ["POST"]),
    ("/courier/messages", courier.list_messages, READ),
    ("/courier/messages/{id}", courier.get_message, READ),
    ("/health/alive", server_status.alive, READ),
    ("/health/ready", server_status.ready, READ),
    ("/version", server_status.version, READ),
]

ADMIN = [
    Route("/sessions/whoami", redirect_to_public, methods=ANY),
    Route("/self-service/{path:path}", redirect_to_public, methods=ANY),
    Route("/schemas", redirect_to_public, methods=READ),
    Route("/schemas/{id}", redirect_to_public, methods=READ),
]
for prefix in ("/admin", ""):
    ADMIN += [Route(prefix + path, endpoint, methods=methods) for path, endpoint, methods in _ADMIN_API]
