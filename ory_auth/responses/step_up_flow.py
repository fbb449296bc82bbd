"""The running step-up of a browser, so that opening the step-up page again does not send another code.

Ory sends the code when a step-up starts, if the person has one address. A cookie remembers that flow for the session
and for the page to come back to.
"""

from __future__ import annotations

from hashlib import blake2b

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from ..exceptions import AALRequired
from ..ory.flows import FlowKind
from ..request.state import state_of

COOKIE = "ory_auth_step_up"  # <flow>.<purpose>, and more of them after a "~", the newest first
MAX_FLOWS = 5
RESUMED = "resumed"  # in the query of the login page: if the flow is gone, start another one


def find_step_up_url(request: HttpRequest, error: AALRequired, back: str, via: str = "") -> str:
    """The URL of the running step-up that leads ``back``, or an empty string."""
    flow_id = "" if error.refresh else find_step_up(request, back, via)
    if not flow_id:
        return ""
    try:
        page = reverse(FlowKind.LOGIN.url_name)
    except NoReverseMatch:
        return ""
    query = {"flow": flow_id, RESUMED: "true", "aal": error.aal or "", "via": via, "return_to": back}
    url = f"{page}?{urlencode({name: value for name, value in query.items() if value})}"
    return request.build_absolute_uri(url)


def find_step_up(request: HttpRequest, back: str, via: str = "") -> str:
    """The ID of the running step-up that leads ``back``, or an empty string."""
    flows = _read(request)
    return flows.get(_hash_purpose(request, back, via), "") if flows else ""


def remember_step_up(
    request: HttpRequest, response: HttpResponseBase, flow_id: str, back: str, via: str, seconds: int
) -> None:
    """Remember this flow for ``seconds``, which Ory still accepts it."""
    flows, purpose = _read(request), _hash_purpose(request, back, via)
    if flows.get(purpose) == flow_id:
        return
    flows = {purpose: flow_id, **{known: other for known, other in flows.items() if known != purpose}}
    value = "~".join(f"{flow}.{purpose}" for purpose, flow in list(flows.items())[:MAX_FLOWS])
    response.set_cookie(COOKIE, value, max_age=seconds, httponly=True, samesite="Lax", secure=request.is_secure())


def forget_step_up(request: HttpRequest, flow_id: str) -> None:
    """Do not use this flow again for this request. The next one that is remembered replaces it in the cookie."""
    flows = {purpose: flow for purpose, flow in _read(request).items() if flow != flow_id}
    request.COOKIES[COOKIE] = "~".join(f"{flow}.{purpose}" for purpose, flow in flows.items())


def _read(request: HttpRequest) -> dict[str, str]:
    """The remembered flows, by their purposes."""
    pairs = (entry.partition(".") for entry in request.COOKIES.get(COOKIE, "").split("~"))
    return {purpose: flow_id for flow_id, _, purpose in pairs if purpose}


def _hash_purpose(request: HttpRequest, back: str, via: str) -> str:
    credential = state_of(request).credential
    session = credential.fingerprint if credential else ""
    return blake2b("\0".join((session, back, via)).encode(), digest_size=12).hexdigest()
