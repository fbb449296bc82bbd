"""A signed cookie for browsers that this site has sent to Ory: what they come back with is not made up.

While many unknown credentials are refused, a person who has just signed in must not be turned away with them. The
marker is bound to nothing but time and is good for a few lookups in each process, so it is no way around the limits.
"""

from __future__ import annotations

import os
import secrets
import threading

from cachetools import TTLCache
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

COOKIE = "ory_auth_started"
SECONDS = 3600  # how long a person may take to sign in
USES = 10
MAX_MARKERS = 20_000
SALT = "ory_auth.sign_in_marker"

_lock = threading.Lock()
_uses: TTLCache[str, int] = TTLCache(MAX_MARKERS, SECONDS)


def set_marker(request: HttpRequest, response: HttpResponseBase) -> None:
    """This browser is on its way to sign in."""
    value = signing.TimestampSigner(salt=SALT).sign(secrets.token_urlsafe(9))
    response.set_cookie(COOKIE, value, max_age=SECONDS, httponly=True, samesite="Lax", secure=request.is_secure())


def use_marker(request: HttpRequest) -> bool:
    """Whether this site sent the browser to sign in lately; each marker is good for :data:`USES` of these."""
    value = request.COOKIES.get(COOKIE, "")
    if not value:
        return False
    try:
        nonce = signing.TimestampSigner(salt=SALT).unsign(value, max_age=SECONDS)
    except signing.BadSignature:
        return False
    with _lock:
        used = _uses.get(nonce, 0)
        if used >= USES:
            return False
        _uses[nonce] = used + 1
    return True


def forget() -> None:
    """Start anew, as a forked process does: the lock may be held by a thread that it does not have."""
    global _lock
    _lock = threading.Lock()
    _uses.clear()


os.register_at_fork(after_in_child=forget)
