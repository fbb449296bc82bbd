"""Where the browser goes after a flow. https://www.ory.com/docs/kratos/concepts/browser-redirect-flow-completion"""

from __future__ import annotations

from urllib.parse import urlsplit

from ...http.exchange import Exchange
from ...model.errors import OryError


def resolve_return_to(exchange: Exchange, return_to: str) -> str:
    """The absolute URL of `return_to`, the default URL if it is empty. Raises `OryError` if it is not allowed."""
    state = exchange.state
    if not return_to:
        return state.default_return_url
    try:
        url = urlsplit(return_to)
        url.port  # noqa: B018 - raises ValueError if the port is invalid
    except ValueError:
        raise OryError(400, reason="return_to is not a valid URL") from None
    default = urlsplit(state.default_return_url)
    url = url._replace(scheme=url.scheme or default.scheme, netloc=url.netloc or default.netloc)
    for allowed_url in state.allowed_return_urls:
        allowed = urlsplit(allowed_url)
        same_site = (allowed.scheme, allowed.netloc.lower()) == (url.scheme, url.netloc.lower())
        if same_site and (url.path or "/").startswith(allowed.path or "/"):
            return url.geturl()
    raise OryError(400, "self_service_flow_return_to_forbidden", reason=f"return_to {return_to!r} is not allowed")


def redirect_browser_to(url: str) -> dict[str, str]:
    """An item of `continue_with`: a single-page app navigates the browser to this URL."""
    return {"action": "redirect_browser_to", "redirect_browser_to": url}
