"""Start a flow with a call from this server, for scripts: a browser does not let them follow a redirect to Ory.

Ory's CSRF cookie in the response is passed on to the browser. That works if the browser then sends it to Ory:
through the gateway, if Ory's cookies are for a domain that includes this host, or if Ory has the same host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import HttpRequest
from django.http.request import split_domain_port

from ..conf import Conf
from ..ory.addresses import host_of
from ..ory.client import Client
from ..ory.cookies import CSRF_PREFIX, read_set_cookie
from ..ory.flows import FlowKind
from ..ory.http_client import Response
from ..ory.network import network_headers
from .ory_calls import Call


def creation_call(request: HttpRequest, conf: Conf, kind: FlowKind, query: Mapping[str, str], own_cookies: str) -> Call:
    """The call that starts a flow. Its response has the JSON of the flow. Empty parameters are left out."""
    headers = network_headers(conf, f"{request.scheme}://{request.get_host()}")
    if own_cookies:
        headers["Cookie"] = own_cookies
    parameters = {name: value for name, value in query.items() if value}

    def create(client: Client, is_allowed: Callable[[], bool]) -> Response:
        return client.create_flow(kind.value, parameters, headers, is_allowed)

    return create


def is_csrf_cookie(name: str) -> bool:
    return name.startswith(CSRF_PREFIX)


def will_reach_ory(request: HttpRequest, conf: Conf, response: Response, own_cookies: str) -> bool:
    """Whether the browser will send Ory's CSRF cookie to Ory. Otherwise it has to open the flow at Ory itself."""
    if conf.uses_gateway or CSRF_PREFIX in own_cookies:
        return True
    morsels = filter(None, map(read_set_cookie, response.cookies))
    domains = [morsel["domain"] for morsel in morsels if is_csrf_cookie(morsel.key)]
    host = split_domain_port(request.get_host())[0]
    return any(domain or host_of(conf.browser_url) == host for domain in domains)
