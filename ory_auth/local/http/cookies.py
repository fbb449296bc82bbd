"""Cookies: reading them as Go does, the signed session cookie, and the anti-CSRF cookie with its masked tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate

MAC_BYTES = 32
CSRF_BYTES = 32
CSRF_MAX_AGE = 365 * 24 * 3600


class Unreadable(ValueError):
    """A session cookie that this server did not write."""


def parse(headers: Iterable[str]) -> list[tuple[str, str]]:
    """Names and values of every pair in the Cookie headers, in order, double quotes taken off."""
    pairs = (pair.strip().partition("=") for header in headers for pair in header.split(";"))
    return [(name, _unquoted(value)) for name, equals, value in pairs if name and equals]


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


@dataclass(frozen=True)
class SessionCookie:
    """What a session cookie holds: the session's token, and when that session was to end (nanoseconds)."""

    token: str
    expires_at: int

    def sign(self, secret: bytes) -> str:
        """The cookie's value; never the same twice. The signature comes last, as in Kratos, so none begins with "-"."""
        content = json.dumps([self.token, self.expires_at, secrets.token_hex(4)]).encode()
        return base64.urlsafe_b64encode(content + _mac(secret, content)).decode()

    @classmethod
    def read(cls, value: str, secret: bytes) -> SessionCookie:
        """What `sign` wrote; raises `Unreadable` for anything else."""
        try:
            raw = base64.b64decode(value.encode(), altchars=b"-_", validate=True)
        except ValueError:
            raise Unreadable("securecookie: no base64") from None
        content, signature = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
        if not hmac.compare_digest(signature, _mac(secret, content)):
            raise Unreadable("securecookie: wrong signature")
        token, expires_at, _nonce = json.loads(content)
        return cls(token, expires_at)


def _mac(secret: bytes, content: bytes) -> bytes:
    return hmac.digest(secret, content, "sha256")


def csrf_cookie_name(public_url: str) -> str:
    return "csrf_token_" + hashlib.sha256(public_url.encode()).hexdigest()


def mask(token: bytes) -> str:
    """A form's CSRF token: the cookie's, hidden under a one-time pad, so that no two answers look alike."""
    pad = secrets.token_bytes(CSRF_BYTES)
    return base64.b64encode(pad + _xor(pad, token)).decode()


def unmask(sent: str) -> bytes | None:
    """The token under a masked (or a plain) one; `None` if it is neither."""
    try:
        raw = base64.b64decode(sent, validate=True)
    except ValueError:
        return None
    if len(raw) == 2 * CSRF_BYTES:
        return _xor(raw[:CSRF_BYTES], raw[CSRF_BYTES:])
    return raw if len(raw) == CSRF_BYTES else None


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def set_cookie(
    name: str,
    value: str,
    *,
    max_age: int,
    expires: float | None = None,
    domain: str | None = None,
    secure: bool = False,
    same_site: str = "Lax",
) -> str:
    """A Set-Cookie header. `max_age` in seconds, `expires` in seconds since 1970."""
    where = f"; Domain={domain}" if domain else ""
    when = "" if expires is None else f"; Expires={formatdate(expires, usegmt=True)}"
    how = f"; HttpOnly{'; Secure' * secure}; SameSite={same_site}"
    return f"{name}={value}; Path=/{where}{when}; Max-Age={max_age}{how}"
