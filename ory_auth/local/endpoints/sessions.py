"""Lists of sessions: people's own, and the admin's. https://www.ory.com/docs/kratos/reference/api#tag/identity"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..http.exchange import Call
from ..model.clock import SECOND
from ..model.errors import OryError, not_found, unauthorized
from ..model.session import Session
from .paging import keyset_page, offset_page
from .whoami import require_aal

JSON_WITHOUT_BODY = "application/json; charset=utf-8"
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


# ---- people's own


def list_mine(call: Call) -> Response:
    """GET /sessions: the others that are active, not the one that asks."""
    current = _mine(call)
    require_aal(call, current, call.state.config.whoami_required_aal)
    now = call.state.clock.now()
    page, headers = offset_page(call, [one for one in _others(call, current) if one.is_active(now)])
    return call.json([_listed(call, session) for session in page], headers=headers)


def revoke_mine(call: Call) -> Response:
    """DELETE /sessions/{id}: 204 even for somebody else's, which it leaves alone."""
    current = _mine(call)
    if call.path_params["id"] == current.id:
        raise OryError(400, message="this is the current session")
    try:
        session = call.state.session(call.path_params["id"])
    except OryError as error:
        if error.code != 404:
            raise
    else:
        session.revoked |= session.identity is current.identity
    return call.empty(content_type=JSON_WITHOUT_BODY)


def revoke_my_others(call: Call) -> Response:
    """DELETE /sessions: how many there were, those that had ended before among them."""
    others = _others(call, _mine(call))
    for session in others:
        session.revoked = True
    return call.json({"count": len(others)})


def _mine(call: Call) -> Session:
    if call.session is None:
        raise unauthorized()
    return call.session


def _others(call: Call, current: Session) -> list[Session]:
    return [one for one in call.state.sessions_of(current.identity.id) if one is not current]


def _listed(call: Call, session: Session) -> dict[str, Any]:
    identity = session.identity.json("", associated=False)
    return session.json(call.state.clock.now(), identity=identity, devices=[one.json() for one in session.devices])


# ---- the admin's


def list_all(call: Call) -> Response:
    """GET /admin/sessions: latest first; `active`, `expand`, and pages by opaque tokens."""
    expand, active = _expand(call), _active(call)
    now = call.state.clock.now()
    found = [one for one in reversed(call.state.sessions.values()) if active in (None, one.is_active(now))]
    page, link = keyset_page(call, found, [session.id for session in found])
    return call.json([_expanded(call, one, expand, None, associated=False) for one in page], headers={"Link": link})


def get(call: Call) -> Response:
    return call.json(_expanded(call, _session(call), _expand(call), []))


def extend(call: Call) -> Response:
    """PATCH /admin/sessions/{id}/extend: a new full lifespan, unless it is too early for that; 200 either way."""
    session, config = _session(call), call.state.config
    earliest = config.earliest_possible_extend
    if earliest is None or session.expires_at - call.state.clock.now() <= earliest * SECOND:
        session.expires_at = call.state.session_end()
    return call.json(_expanded(call, session, {"identity"}, []))


def revoke(call: Call) -> Response:
    _session(call).revoked = True
    return call.empty(content_type=JSON_WITHOUT_BODY)


def list_of_identity(call: Call) -> Response:
    """GET /admin/identities/{id}/sessions: an unknown identity has none."""
    active, now = _active(call), call.state.clock.now()
    found = [one for one in call.state.sessions_of(call.path_params["id"]) if active in (None, one.is_active(now))]
    page, headers = offset_page(call, found)
    return call.json([_listed(call, session) for session in page], headers=headers)


def delete_of_identity(call: Call) -> Response:
    found = list(call.state.sessions_of(call.path_params["id"]))
    if not found:
        raise not_found()
    for session in found:
        del call.state.sessions[session.id]
    return call.empty()


def _session(call: Call) -> Session:
    return call.state.session(call.path_params["id"])


def _expand(call: Call) -> set[str]:
    wanted = {value for name, value in call.parameters if name == "expand"}
    if unknown := wanted - {"identity", "devices"}:
        raise OryError(400, reason=f"{min(unknown)!r} cannot be expanded")
    return wanted


def _active(call: Call) -> bool | None:
    wanted = call.query.get("active", "").lower()
    if wanted and wanted not in BOOLEANS:
        raise OryError(400, message="active is neither true nor false")
    return BOOLEANS.get(wanted)


def _expanded(
    call: Call, session: Session, expand: set[str], no_devices: list[Any] | None, *, associated: bool = True
) -> dict[str, Any]:
    identity = session.identity.json(call.state.public_url, associated=associated) if "identity" in expand else None
    devices = [device.json() for device in session.devices] if "devices" in expand else no_devices
    return session.json(call.state.clock.now(), identity=identity, devices=devices)
