"""What a response of Ory means for the cached session of the browser."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from functools import partial

from ..conf import Conf
from ..events import Event, log
from ..models import EndReason
from ..ory.client import BrowserCall
from ..ory.cookies import read_set_cookie
from ..ory.credentials import Credential, find_credential
from ..ory.http_client import Response
from ..request.impersonation import end_impersonations
from ..request.impersonation_cookie import read_reference
from ..sessions.driver import Effects
from ..sessions.services import services_of
from .routes import is_sign_out


class SessionChange(Enum):
    """What happened to the session of the cookie that the browser sent."""

    NONE = auto()
    REPLACED = auto()  # the browser has another cookie, or none: what is cached for the old one may be outdated
    ENDED = auto()  # the person has signed out


def find_change(call: BrowserCall, response: Response, session_cookie: str) -> SessionChange:
    """Decide by the session cookie in the response. It comes with every sign-in, step-up and sign-out."""
    lines = [morsel for line in response.cookies if (morsel := read_set_cookie(line)) and morsel.key == session_cookie]
    if not lines:
        return SessionChange.NONE
    is_deleted = not lines[-1].value or lines[-1]["max-age"].startswith(("0", "-"))
    is_ended = is_deleted and is_sign_out(call.method, call.path) and response.status < 400
    return SessionChange.ENDED if is_ended else SessionChange.REPLACED


def update_cache(call: BrowserCall, response: Response, meta: Mapping[str, str], conf: Conf) -> Effects[None]:
    """Drop what is cached for the cookie that the browser sent. After a sign-out, refuse the cookie from now on."""
    change = find_change(call, response, conf.session_cookie_name)
    credential = find_credential({"HTTP_COOKIE": meta.get("HTTP_COOKIE", "")}, conf.session_cookie_name)
    if change is SessionChange.NONE or not isinstance(credential, Credential):
        return
    cache, key = services_of(conf).cache, credential.key(conf)
    if change is SessionChange.REPLACED:
        yield partial(cache.record_refusal, key)
        return
    yield partial(cache.sign_out, key, None)
    if reference := read_reference(meta):
        yield partial(end_impersonations, EndReason.SIGNED_OUT, pk=reference.impersonation_id)
    log(Event.LOGOUT, kind=credential.kind.value, credential=credential.fingerprint)
