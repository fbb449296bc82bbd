"""The cookie that refers to an impersonation. It says which one it is, and for which session of the staff member.

Everything else is in the database. The cookie is signed, so another session can neither make nor use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, parse_cookie
from django.http.response import HttpResponseBase

COOKIE = "ory_auth_impersonation"
SALT = "ory_auth.request.impersonation_cookie"
# Longer than any impersonation, so that the request after its end shows that it has ended.
MAX_AGE = 24 * 3600


class Reference(NamedTuple):
    """Which impersonation, and the ID at Ory of the staff member's session, in which it began."""

    impersonation_id: UUID
    session_id: UUID


def was_sent(meta: Mapping[str, Any]) -> bool:
    """Whether the browser may have sent the cookie. Parses nothing."""
    return COOKIE in meta.get("HTTP_COOKIE", "")


def read_reference(meta: Mapping[str, Any]) -> Reference | None:
    """The reference in the cookie of a request with this ``META``; ``None`` without a valid signature."""
    if not was_sent(meta):
        return None
    try:
        text = signing.Signer(salt=SALT).unsign(parse_cookie(meta["HTTP_COOKIE"]).get(COOKIE, ""))
        impersonation_id, session_id = text.split(".")
        return Reference(UUID(impersonation_id), UUID(session_id))
    except (signing.BadSignature, ValueError):
        return None


def sign(reference: Reference) -> str:
    """The value of the cookie."""
    return signing.Signer(salt=SALT).sign(f"{reference.impersonation_id.hex}.{reference.session_id.hex}")


def set_cookie(request: HttpRequest, response: HttpResponseBase, value: str) -> None:
    """Send the cookie, with the attributes of Django's session cookie; delete it if the value is empty."""
    path, domain = settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN
    samesite: Any = settings.SESSION_COOKIE_SAMESITE
    if not value:
        response.delete_cookie(COOKIE, path=path, domain=domain, samesite=samesite)
        return
    secure = settings.SESSION_COOKIE_SECURE or request.is_secure()
    response.set_cookie(
        COOKIE, value, max_age=MAX_AGE, path=path, domain=domain, secure=secure, httponly=True, samesite=samesite
    )
