"""Sessions: a person's own ones (public API), and everybody's (admin API).

https://www.ory.com/docs/kratos/reference/api#tag/identity
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..http.exchange import Exchange
from ..model.clock import SECOND
from ..model.errors import OryError, not_found, unauthorized
from ..model.session import Session
from .paging import keyset_page, offset_page
from .whoami import require_aal

JSON_WITHOUT_BODY = "application/json; charset=utf-8"
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


# ---- public API


def list_my_sessions(exchange: Exchange) -> Response:
    """GET /sessions: the person's other active sessions."""
    current = _require_session(exchange)
    require_aal(exchange, current, exchange.state.config.whoami_required_aal)
    now = exchange.state.clock.now()
    active = [session for session in _other_sessions(exchange, current) if session.is_active(now)]
    page, headers = offset_page(exchange, active)
    return exchange.json([_list_item(exchange, session) for session in page], headers=headers)


def revoke_my_session(exchange: Exchange) -> Response:
    """DELETE /sessions/{id}: 204 even if the session is another person's, which stays as it is."""
    current = _require_session(exchange)
    if exchange.path_params["id"] == current.id:
        raise OryError(400, message="this is the current session")
    try:
        session = exchange.state.get_session(exchange.path_params["id"])
    except OryError as error:
        if error.code != 404:
            raise
    else:
        if session.identity is current.identity:
            exchange.state.revoke_session(session)
    return exchange.empty(content_type=JSON_WITHOUT_BODY)


def revoke_my_other_sessions(exchange: Exchange) -> Response:
    """DELETE /sessions: the response counts all other sessions, even those that had ended before."""
    others = _other_sessions(exchange, _require_session(exchange))
    for session in others:
        exchange.state.revoke_session(session)
    return exchange.json({"count": len(others)})


def _require_session(exchange: Exchange) -> Session:
    if exchange.session is None:
        raise unauthorized()
    return exchange.session


def _other_sessions(exchange: Exchange, current: Session) -> list[Session]:
    return [session for session in exchange.state.sessions_of(current.identity.id) if session is not current]


def _list_item(exchange: Exchange, session: Session) -> dict[str, Any]:
    identity = session.identity.to_json("", with_addresses=False)
    devices = [device.to_json() for device in session.devices]
    return session.to_json(exchange.state.clock.now(), identity=identity, devices=devices)


# ---- admin API


def list_sessions(exchange: Exchange) -> Response:
    """GET /admin/sessions, the latest first, in pages."""
    expand, active = _expand_parameter(exchange), _active_parameter(exchange)
    all_sessions = reversed(exchange.state.sessions.values())
    sessions = [session for session in all_sessions if _has_state(exchange, session, active)]
    page, link = keyset_page(exchange, sessions, [session.id for session in sessions])
    content = [_expanded_json(exchange, session, expand, None, with_addresses=False) for session in page]
    return exchange.json(content, headers={"Link": link})


def get_session(exchange: Exchange) -> Response:
    """GET /admin/sessions/{id}"""
    return exchange.json(_expanded_json(exchange, _find_session(exchange), _expand_parameter(exchange), []))


def extend_session(exchange: Exchange) -> Response:
    """PATCH /admin/sessions/{id}/extend: a new full lifespan, unless it is too early. 200 in both cases."""
    session = _find_session(exchange)
    earliest = exchange.state.config.earliest_possible_extend
    if earliest is None or session.expires_at - exchange.state.clock.now() <= earliest * SECOND:
        session.expires_at = exchange.state.new_session_expiry()
    return exchange.json(_expanded_json(exchange, session, {"identity"}, []))


def revoke_session(exchange: Exchange) -> Response:
    """DELETE /admin/sessions/{id}"""
    exchange.state.revoke_session(_find_session(exchange))
    return exchange.empty(content_type=JSON_WITHOUT_BODY)


def list_identity_sessions(exchange: Exchange) -> Response:
    """GET /admin/identities/{id}/sessions: an empty list if the identity does not exist."""
    active = _active_parameter(exchange)
    all_sessions = exchange.state.sessions_of(exchange.path_params["id"])
    sessions = [session for session in all_sessions if _has_state(exchange, session, active)]
    page, headers = offset_page(exchange, sessions)
    return exchange.json([_list_item(exchange, session) for session in page], headers=headers)


def delete_identity_sessions(exchange: Exchange) -> Response:
    """DELETE /admin/identities/{id}/sessions"""
    sessions = list(exchange.state.sessions_of(exchange.path_params["id"]))
    if not sessions:
        raise not_found()
    for session in sessions:
        exchange.state.delete_session(session)
    return exchange.empty()


def _find_session(exchange: Exchange) -> Session:
    return exchange.state.get_session(exchange.path_params["id"])


def _expand_parameter(exchange: Exchange) -> set[str]:
    expand = {value for name, value in exchange.query_pairs if name == "expand"}
    if unknown := expand - {"identity", "devices"}:
        raise OryError(400, reason=f"{min(unknown)!r} cannot be expanded")
    return expand


def _active_parameter(exchange: Exchange) -> bool | None:
    text = exchange.query.get("active", "").lower()
    if text and text not in BOOLEANS:
        raise OryError(400, message="active is neither true nor false")
    return BOOLEANS.get(text)


def _has_state(exchange: Exchange, session: Session, active: bool | None) -> bool:
    """Whether the session is active, or inactive, as the parameter `active` demands.

    As in Kratos, the state of the identity does not matter here.
    """
    return active is None or session.is_current(exchange.state.clock.now()) == active


def _expanded_json(
    exchange: Exchange,
    session: Session,
    expand: set[str],
    devices: list[dict[str, Any]] | None,
    *,
    with_addresses: bool = True,
) -> dict[str, Any]:
    """The session with the identity and the devices if `expand` contains them, otherwise with `devices`."""
    identity = None
    if "identity" in expand:
        identity = session.identity.to_json(exchange.state.public_url, with_addresses=with_addresses)
    if "devices" in expand:
        devices = [device.to_json() for device in session.devices]
    return session.to_json(exchange.state.clock.now(), identity=identity, devices=devices)
