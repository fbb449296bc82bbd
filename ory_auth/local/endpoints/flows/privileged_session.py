"""Changes that need a recent sign-in: they wait until the person has signed in again.

https://www.ory.com/docs/kratos/session-management/session-lifespan#privileged-sessions
"""

from __future__ import annotations

from urllib.parse import urlencode

from ...http.exchange import Exchange
from ...model.clock import SECOND
from ...model.errors import OryError
from ...model.flow import Body, Flow
from ...model.session import Session


def require_privileged_session(exchange: Exchange, flow: Flow, session: Session, body: Body) -> None:
    """Raises `OryError` if the sign-in is too old. After the person has signed in again, the change continues."""
    age = exchange.state.clock.now() - session.authenticated_at
    if age <= exchange.state.config.privileged_session_max_age * SECOND:
        return
    _store_pending_submission(exchange, flow, body)
    public_url = exchange.state.public_url
    query = {"refresh": "true", "return_to": f"{public_url}/self-service/settings?flow={flow.id}"}
    login_url = f"{public_url}/self-service/login/browser?{urlencode(query)}"
    raise OryError(
        403,
        "session_refresh_required",
        reason="the session is too old for this change",
        extra={"redirect_browser_to": login_url},
        browser_url=login_url,
    )


def _store_pending_submission(exchange: Exchange, flow: Flow, body: Body) -> None:
    """Store a submission. A browser gets the cookie that Kratos uses for it; the local Ory needs only the flow's ID."""
    flow.pending_submission = body
    if flow.type == "browser":
        exchange.set_continuity_cookie()


def clear_pending_submission(exchange: Exchange, flow: Flow) -> None:
    """Delete a stored submission. As in Kratos, the response sets the cookie twice (`settings_privileged`)."""
    was_stored, flow.pending_submission = bool(flow.pending_submission), {}
    if was_stored and exchange.continuity_cookie:
        exchange.set_continuity_cookie()
        exchange.set_continuity_cookie()
