"""Where a browser goes when a flow is done. https://www.ory.com/docs/kratos/concepts/browser-redirect-flow-completion"""

from __future__ import annotations

from urllib.parse import urlsplit

from ...http.exchange import Call
from ...model.errors import OryError


def allowed_return_to(call: Call, return_to: str) -> str:
    """Where the browser goes in the end: the given URL if it is allowed, the default if none is given."""
    if not return_to:
        return call.state.config.default_return_url
    try:
        wanted = urlsplit(return_to)
        wanted.port  # noqa: B018 - raises where the port is none
    except ValueError:
        raise OryError(400, reason="return_to is no URL") from None
    default = urlsplit(call.state.config.default_return_url)
    wanted = wanted._replace(scheme=wanted.scheme or default.scheme, netloc=wanted.netloc or default.netloc)
    for allowed in (*call.state.config.allowed_return_urls, f"{call.state.public_url}/self-service"):
        base = urlsplit(allowed)
        same_site = (base.scheme, base.netloc.lower()) == (wanted.scheme, wanted.netloc.lower())
        if same_site and (wanted.path or "/").startswith(base.path or "/"):
            return wanted.geturl()
    raise OryError(400, "self_service_flow_return_to_forbidden", reason=f"return_to {return_to!r} is not allowed")


def redirect_browser_to(url: str) -> dict[str, str]:
    """What a single-page app finds in `continue_with`: where the browser goes next."""
    return {"action": "redirect_browser_to", "redirect_browser_to": url}
