"""Cookies: parsing as in Go, the signed session cookie, and the CSRF cookie with its masked tokens."""

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


class UnreadableCookie(ValueError):
    """A session cookie that this server did not sign."""


def parse(headers: Iterable[str]) -> list[tuple[str, str]]:
    """Names and values of all pairs in the Cookie headers, in order, without double quotes around a value."""
    pairs = (pair.strip().partition("=") for header in headers for pair in header.split(";"))
    return [(name, _unquote(value)) for name, equals, value in pairs if name and equals]


def _unquote(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


@dataclass(frozen=True)
class SessionCookie:
    """The content of a session cookie.

    `expires_at` is when the session expired as of the time this cookie was made; in nanoseconds.
    """

    token: str
    expires_at: int

    def sign(self, secret: bytes) -> str:
        """The cookie's value, different each time. As in Kratos, the signature comes last."""
        content = json.dumps([self.token, self.expires_at, secrets.token_hex(4)]).encode()
        return base64.urlsafe_b64encode(content + _mac(secret, content)).decode()

    @classmethod
    def parse(cls, value: str, secret: bytes) -> SessionCookie:
        """Parse the result of `sign`. Raises `UnreadableCookie` for anything else."""
        try:
            raw = base64.b64decode(value.encode(), altchars=b"-_", validate=True)
        except ValueError:
            raise UnreadableCookie("securecookie: not base64") from None
        content, signature = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
        if not hmac.compare_digest(signature, _mac(secret, content)):
            raise UnreadableCookie("securecookie: wrong signature")
        token, expires_at, _nonce = json.loads(content)
        return cls(token, expires_at)


def _mac(secret: bytes, content: bytes) -> bytes:
    return hmac.digest(secret, content, "sha256")


def csrf_cookie_name(public_url: str) -> str:
    return "csrf_token_" + hashlib.sha256(public_url.encode()).hexdigest()


def mask_csrf_token(token: bytes) -> str:
    """The CSRF token for a form: the cookie's token XOR a one-time pad, so that it is different in each response."""
    pad = secrets.token_bytes(CSRF_BYTES)
    return base64.b64encode(pad + _xor(pad, token)).decode()


def unmask_csrf_token(sent: str) -> bytes | None:
    """The token from a masked or a plain one, `None` if it is neither."""
    try:
        raw = base64.b64decode(sent, validate=True)
    except ValueError:
        return None
    if len(raw) == 2 * CSRF_BYTES:
        return _xor(raw[:CSRF_BYTES], raw[CSRF_BYTES:])
    return raw if len(raw) == CSRF_BYTES else None


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def set_cookie_header(
    name: str,
    value: str,
    *,
    max_age: int,
    expires: float | None = None,
    domain: str | None = None,
    secure: bool = False,
    same_site: str = "Lax",
) -> str:
    """The value of a Set-Cookie header. `max_age` is in seconds, `expires` in seconds since 1970."""
    parts = [f"{name}={value}", "Path=/"]
    if domain:
        parts.append(f"Domain={domain}")
    if expires is not None:
        parts.append(f"Expires={formatdate(expires, usegmt=True)}")
    parts += [f"Max-Age={max_age}", "HttpOnly"]
    if secure:
        parts.append("Secure")
    parts.append(f"SameSite={same_site}")
    return "; ".join(parts)
