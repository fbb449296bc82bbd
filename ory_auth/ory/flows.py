"""URLs of Ory's self-service flows for browsers, built here and never taken from a response.

Follows https://www.ory.com/docs/kratos/self-service.
"""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import urlencode, urljoin

from ..conf import Conf


class FlowKind(StrEnum):
    """A kind of self-service flow. The value is Ory's name for it, and the name of our URL and template."""

    LOGIN = "login"
    REGISTRATION = "registration"
    SETTINGS = "settings"
    RECOVERY = "recovery"
    VERIFICATION = "verification"

    @property
    def url_name(self) -> str:
        return f"ory_auth:{self.value}"

    def start_url(self, conf: Conf, return_to: str = "", *, aal: str | None = None, refresh: bool = False) -> str:
        """The URL at which the browser starts such a flow. ``return_to`` must be empty, or absolute and checked."""
        query = {"aal": aal or "", "refresh": "true" if refresh else "", "return_to": return_to}
        non_empty = {name: value for name, value in query.items() if value}
        return _url(conf.browser_url, f"self-service/{self.value}/browser", non_empty)

    def submit_url(self, conf: Conf, flow_id: str) -> str:
        """The URL to which the browser sends the form of this flow."""
        return _url(conf.browser_url, f"self-service/{self.value}", {"flow": flow_id})


def _url(base: str, path: str, query: dict[str, str]) -> str:
    return urljoin(f"{base}/", path) + (f"?{urlencode(query)}" if query else "")
