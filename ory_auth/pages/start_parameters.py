"""What a flow is started with: the query of a start URL on this site, and the same again in links to other flows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from ..conf import Conf
from ..ory.ascii_hosts import with_ascii_host
from ..ory.flows import LOGIN_PARAMETERS, START_PARAMETERS, FlowKind
from ..responses.return_url import absolute_url, is_allowed
from .ui import Links, read_start_query

MAX_LENGTH = 8192  # of one value; Hydra's challenges have about 1000 characters
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
TRUE = frozenset({"true", "1", "t"})


def start_query(request: HttpRequest, hosts: Sequence[str]) -> dict[str, str]:
    """The parameters of a start URL of this site that go on to Ory, without ``return_to``.

    ``hosts`` are the other hosts to which ``after_verification_return_to`` may lead.
    """
    return _select(request, request.GET.dict(), hosts)


def _select(request: HttpRequest, query: Mapping[str, str], hosts: Sequence[str]) -> dict[str, str]:
    """The parameters that Ory knows, with values that are safe to send on."""
    selected = {}
    for name in START_PARAMETERS:
        value = query.get(name, "")
        if not value or len(value) > MAX_LENGTH or CONTROL_CHARACTER.search(value):
            continue
        if name == "refresh":
            value = "true" if value.lower() in TRUE else ""
        elif name == "after_verification_return_to":
            value = with_ascii_host(value) or ""
            value = absolute_url(request, value) if is_allowed(request, value, hosts) else ""
        if value:
            selected[name] = value
    return selected


def links_of(request: HttpRequest, conf: Conf, kind: FlowKind, flow: Mapping[str, Any], return_to: str) -> Links:
    """The links of the page of this flow. They start other flows, or this one again, with the same parameters."""
    own = _select(request, _read_parameters(flow), conf.login_redirect_hosts)
    shared = {name: value for name, value in own.items() if name not in LOGIN_PARAMETERS}
    signed_in = flow.get("refresh") is True or flow.get("requested_aal") == "aal2"
    can_switch = kind is not FlowKind.SETTINGS and not signed_in

    def link(other: FlowKind, *, shown: bool = True) -> str:
        parameters = own if other is kind is FlowKind.LOGIN else shared
        return start_link(other, return_to, parameters) if shown else ""

    return Links(
        login=link(FlowKind.LOGIN, shown=can_switch and kind is not FlowKind.LOGIN),
        registration=link(FlowKind.REGISTRATION, shown=can_switch and kind is FlowKind.LOGIN and conf.registration),
        recovery=link(FlowKind.RECOVERY, shown=can_switch and kind is FlowKind.LOGIN and conf.recovery),
        restart=link(kind),
        other_account=link(kind) if can_switch else start_link(FlowKind.LOGIN, return_to, shared),
    )


def start_link(kind: FlowKind, return_to: str = "", parameters: Mapping[str, str] | None = None) -> str:
    """The URL of this site that starts such a flow."""
    query = {**(parameters or {}), **({"return_to": return_to} if return_to else {})}
    url = reverse(kind.url_name)
    return f"{url}?{urlencode(query)}" if query else url


def _read_parameters(flow: Mapping[str, Any]) -> dict[str, str]:
    """What the flow was started with: Ory's own fields, else the URL at Ory that started it."""
    fields = {
        "login_challenge": flow.get("oauth2_login_challenge"),
        "organization": flow.get("organization_id"),
        "identity_schema": flow.get("identity_schema"),
        "aal": "aal2" if flow.get("requested_aal") == "aal2" else None,
        "refresh": "true" if flow.get("refresh") is True else None,
    }
    query = read_start_query(flow)
    for name in ("aal", "refresh"):
        query.pop(name, None)
    return query | {name: value for name, value in fields.items() if isinstance(value, str) and value}
