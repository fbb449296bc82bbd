"""Mails that Ory sends so that a person can verify an address. The admin API cannot send them, the public API can.

https://www.ory.com/docs/kratos/self-service/flows/verify-email-account-activation
"""

from __future__ import annotations

from typing import Any

from ..conf import Conf
from ..exceptions import InvalidIdentity, MethodDisabled, OryResponseInvalid
from ..process.per_process import PerProcess
from .json_api import JsonApi, Request

VERIFICATION_OFF = "Verification is turned off at Ory. Set selfservice.flows.verification.enabled to true."


class VerificationApi(JsonApi):
    """The part of the public API that verifies addresses."""

    def __init__(self, conf: Conf) -> None:
        super().__init__(
            conf.sdk_url,
            name="public API",
            setting="SDK_URL",
            timeout=conf.timeout,
            max_connections=conf.max_connections,
        )

    def start(self) -> tuple[str, str]:
        """Start a flow, as an app does. Returns its ID and Ory's method, "code" or "link".

        The link in the mail leads to the pages of this site all the same.
        https://www.ory.com/docs/reference/api#operation/createNativeVerificationFlow
        """
        try:
            return _read_flow(self._object(Request("GET", "/self-service/verification/api")))
        except InvalidIdentity:  # Ory answers 400
            pass
        raise MethodDisabled(VERIFICATION_OFF)

    def send_mail(self, flow_id: str, method: str, address: str) -> None:
        """Let Ory mail a code or a link to this address.

        https://www.ory.com/docs/reference/api#operation/updateVerificationFlow
        """
        path, query = "/self-service/verification", [("flow", flow_id)]
        request = Request("POST", path, query=query, body={"method": method, "email": address})
        del address
        self._send(request)


def _read_flow(flow: dict[str, Any]) -> tuple[str, str]:
    try:
        attributes = [node["attributes"] for node in flow["ui"]["nodes"]]
        method = next(each["value"] for each in attributes if each.get("name") == "method")
        return str(flow["id"]), str(method)
    except (KeyError, TypeError, AttributeError, StopIteration):
        pass
    raise OryResponseInvalid("Ory's verification flow has no method.", status=200)


_process = PerProcess[Conf, VerificationApi](VerificationApi)


def verification_api_of(conf: Conf) -> VerificationApi:
    """The API of this process for these settings."""
    return _process.of(conf)
