"""Calls to Ory that the pages make, within rate limits."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from ..events import Event, log
from ..exceptions import OryUnavailable
from ..ory.client import Client
from ..ory.http_client import Response
from ..request.client_address import client_address
from ..request.sign_in_marker import has_marker, use_marker
from ..request.state import RequestState
from ..sessions.driver import perform
from ..sessions.ory_caller import Priority
from ..sessions.outcomes import CAUSE_BREAKER_OPEN, Unavailable
from ..sessions.services import services_of

Call = Callable[[Client, Callable[[], bool]], Response]


def call_ory(request: HttpRequest, state: RequestState, call: Call) -> Response:
    """Ory's response to ``call``, whose second argument says whether the rate limit allows the call.

    Raises :class:`OryUnavailable` if there is no response, or one with a status of 500 or more.
    """
    conf = state.conf
    services = services_of(conf)
    address = client_address(request.META, conf.trusted_proxies)

    def is_allowed() -> bool:
        return services.limiter.acquire_page(address, marked=use_marker(request))

    priority = Priority.RETURNING if has_marker(request) else Priority.PAGE
    response: Response | Unavailable = perform(services.ory_call(priority, call, is_allowed), conf.timeout)
    if isinstance(response, Unavailable):
        log(response.event, status=response.status, error=response.cause, at="flow")
        raise response.error()
    if response.status >= 500:
        log(Event.UNAVAILABLE, status=response.status, at="flow")
        raise OryUnavailable(f"Ory answered {response.status}.", status=response.status)
    return response


def find_outage_in_debug(request: HttpRequest, state: RequestState) -> Unavailable | None:
    """With ``DEBUG``, why there is no connection to Ory; ``None`` if there is one.

    Without this check, a developer who has not started Ory would be redirected to an address that nothing listens on.
    """
    if not settings.DEBUG:
        return None
    conf = state.conf
    if urlsplit(conf.sdk_url).netloc == request.get_host():  # this site itself, not Ory
        return Unavailable(Event.UPSTREAM_REJECTS, 404)
    readiness = perform(services_of(conf).ory_call(Priority.PAGE, Client.readiness), conf.timeout)
    if not isinstance(readiness, Unavailable) or (readiness.connected and readiness.cause != CAUSE_BREAKER_OPEN):
        return None
    return readiness
