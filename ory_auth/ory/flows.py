"""URLs of Ory's self-service flows for browsers, built here and never taken from a response.

Follows https://www.ory.com/docs/kratos/self-service.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import urlencode, urljoin

from ..conf import Conf

# What Ory starts a flow with, beside ``return_to``. Everything else in a URL of this site stays here.
START_PARAMETERS = (
    "aal",
    "refresh",
    "via",
    "login_challenge",
    "organization",
    "identity_schema",
    "login_hint",
    "after_verification_return_to",
)
# These belong to one kind of flow. The others go along when a person switches from one flow to another.
LOGIN_PARAMETERS = frozenset({"aal", "refresh", "via"})
NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})


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

    def start_url(
        self,
        conf: Conf,
        return_to: str = "",
        *,
        aal: str | None = None,
        refresh: bool = False,
        parameters: Mapping[str, str] = NO_PARAMETERS,
    ) -> str:
        """The URL at which the browser starts such a flow. ``return_to`` must be empty, or absolute and checked.

        ``parameters`` are some of :data:`START_PARAMETERS`; ``aal`` and ``refresh`` outrank them.
        """
        query = {name: parameters.get(name, "") for name in START_PARAMETERS}
        query |= {"aal": aal} if aal else {}
        query |= {"refresh": "true"} if refresh else {}
        non_empty = {name: value for name, value in {**query, "return_to": return_to}.items() if value}
        return _url(conf.browser_url, f"self-service/{self.value}/browser", non_empty)

    def submit_url(self, conf: Conf, flow_id: str) -> str:
        """The URL to which the browser sends the form of this flow."""
        return _url(conf.browser_url, f"self-service/{self.value}", {"flow": flow_id})


def _url(base: str, path: str, query: dict[str, str]) -> str:
    return urljoin(f"{base}/", path) + (f"?{urlencode(query)}" if query else "")
