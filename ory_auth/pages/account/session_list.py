"""A person's sessions as values that the pages show. Reads Ory's JSON; no I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ...exceptions import OryResponseInvalid
from ...ory.http_client import Response
from ...types import OrySession
from .devices import Device, read_user_agent

MAX_PLACE = 80  # characters of a place that are shown; Ory takes it from headers of a proxy
PROVIDER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")
METHODS = {
    "password": gettext_lazy("password"),
    "code": gettext_lazy("one-time code"),
    "totp": gettext_lazy("authenticator app"),
    "webauthn": gettext_lazy("security key"),
    "passkey": gettext_lazy("passkey"),
    "lookup_secret": gettext_lazy("backup code"),
    "link_recovery": gettext_lazy("account recovery"),
    "code_recovery": gettext_lazy("account recovery"),
}


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session. Times are aware; ``last_used_at`` is ``None`` if this site does not know it.

    ``methods`` are words such as "password"; ``address`` and ``place`` are empty if Ory does not know them.
    """

    id: UUID
    is_current: bool
    device: Device
    address: str
    place: str
    signed_in_at: datetime
    last_used_at: datetime | None
    methods: tuple[str, ...]


def read_sessions(response: Response, identity_id: UUID) -> list[OrySession]:
    """The sessions in a response of ``GET /sessions``, the newest first.

    Raises :class:`OryResponseInvalid` if it is no list of sessions, or contains one of another identity.
    """
    try:
        items = json.loads(response.body)
        if not isinstance(items, list):
            raise ValueError("not a list")
        sessions = [OrySession.from_json(json.dumps(item).encode()) for item in items]
    except (ValueError, RecursionError):
        raise OryResponseInvalid("Ory's response is not a list of sessions.", status=response.status) from None
    if any(session.identity.id != identity_id for session in sessions):
        raise OryResponseInvalid("Ory's list of sessions contains another person's.", status=response.status)
    return sessions


def make_row(session: OrySession, *, is_current: bool = False, last_used_at: datetime | None = None) -> SessionRow:
    """What the pages show of this session."""
    device = _latest_device(session.raw)
    return SessionRow(
        id=session.id,
        is_current=is_current,
        device=read_user_agent(_text(device.get("user_agent"))),
        address=read_address(_text(device.get("ip_address"))),
        place=_text(device.get("location"))[:MAX_PLACE],
        signed_in_at=session.issued_at or session.authenticated_at,
        last_used_at=last_used_at,
        methods=tuple(dict.fromkeys(name_methods(session.raw.get("authentication_methods")))),
    )


def _latest_device(session: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ory adds a device when the session is used to sign in again; the last one is the newest."""
    devices = session.get("devices")
    known = [device for device in devices if isinstance(device, dict)] if isinstance(devices, list) else []
    return known[-1] if known else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def read_address(text: str) -> str:
    """The IP address in a text such as ``203.0.113.9``, ``127.0.0.1:55318`` or ``[::1]:55318``; empty if none."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ip_address(host))
    except ValueError:
        return ""


def name_methods(methods: object) -> Iterable[str]:
    """The words for Ory's ``authentication_methods``, in their order. Unknown methods are left out."""
    for method in methods if isinstance(methods, list) else []:
        name = method.get("method") if isinstance(method, dict) else None
        if name in {"oidc", "saml"}:
            yield name_provider(method.get("provider")) or _("single sign-on")
        elif name in METHODS:
            yield str(METHODS[name])


def name_provider(provider: object) -> str:
    """The name of a social sign-in provider, made from its ID: ``google`` is "Google"; empty if it is no plain text."""
    if not isinstance(provider, str) or not PROVIDER_ID.fullmatch(provider):
        return ""
    return _PROVIDER_NAMES.get(provider.lower(), provider[:1].upper() + provider[1:])


_PROVIDER_NAMES = {"github": "GitHub", "gitlab": "GitLab", "linkedin": "LinkedIn", "linkedin_v2": "LinkedIn"}
