"""A signed cookie for browsers that this site has sent to Ory: they have separate limits when they come back.

Without it, a person who has just signed in would have an unknown credential, and would be refused during a flood of
these. A marker is valid for a limited time, and for a few lookups in each process, so it does not help a flood.
"""

from __future__ import annotations

import secrets
import threading

from cachetools import TTLCache
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ..process.forks import after_fork

COOKIE = "ory_auth_started"
MAX_AGE = 3600  # how long a person may take to sign in
MAX_USES = 10
MAX_MARKERS = 20_000
SALT = "ory_auth.request.sign_in_marker"

_lock = threading.Lock()
_uses: TTLCache[str, int] = TTLCache(MAX_MARKERS, MAX_AGE)


def set_marker(request: HttpRequest, response: HttpResponseBase) -> None:
    """Mark this browser as sent to Ory to sign in."""
    value = signing.TimestampSigner(salt=SALT).sign(secrets.token_urlsafe(9))
    response.set_cookie(COOKIE, value, max_age=MAX_AGE, httponly=True, samesite="Lax", secure=request.is_secure())


def has_marker(request: HttpRequest) -> bool:
    """Whether this site has sent the browser to Ory within :data:`MAX_AGE`, and its marker has uses left."""
    nonce = _nonce(request)
    if nonce is None:
        return False
    with _lock:
        return _uses.get(nonce, 0) < MAX_USES


def use_marker(request: HttpRequest) -> bool:
    """Like :func:`has_marker`, and count one use."""
    nonce = _nonce(request)
    if nonce is None:
        return False
    with _lock:
        used = _uses.get(nonce, 0)
        if used >= MAX_USES:
            return False
        _uses[nonce] = used + 1
    return True


def _nonce(request: HttpRequest) -> str | None:
    value = request.COOKIES.get(COOKIE, "")
    try:
        return signing.TimestampSigner(salt=SALT).unsign(value, max_age=MAX_AGE) if value else None
    except signing.BadSignature:
        return None


def reset_markers() -> None:
    """Forget everything, in a forked process: a thread of the parent may hold the lock and be changing the counts."""
    global _lock, _uses
    _lock, _uses = threading.Lock(), TTLCache(MAX_MARKERS, MAX_AGE)


after_fork(reset_markers)
