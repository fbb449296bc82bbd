"""Whether a browser goes round in circles: sent to sign in for a page, back at that page, sent to sign in again.

A short-lived cookie remembers the page (its hash) for which the browser was sent away. When that page, or a script of
it, sends the browser to sign in again, the cookie says so, and the login view shows a page that names the causes
instead of a redirect.
"""

from __future__ import annotations

from hashlib import blake2b
from urllib.parse import parse_qs, urlsplit

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest
from django.http.response import HttpResponseBase

COOKIE = "ory_auth_sent"
SECONDS = 15  # a circle is quick; who sees a form meanwhile does not go round
SENT, SHOWN, BACK = "sent", "shown", "back"


def send(request: HttpRequest, response: HttpResponseBase, target: str) -> None:
    """The browser is sent away, to come back to ``target``."""
    _set(request, response, f"{SENT}:{_hash(target)}")


def is_back(request: HttpRequest, target: str) -> bool:
    """Whether the browser has been at ``target`` since, and was sent to sign in again."""
    return request.COOKIES.get(COOKIE) == f"{BACK}:{_hash(target)}"


def forget(response: HttpResponseBase) -> None:
    """The circle is broken, or there was none."""
    response.delete_cookie(COOKIE, samesite="Lax")


def follow(request: HttpRequest, response: HttpResponseBase, *, signed_in: bool) -> None:
    """Look at the answer of the page that the browser was sent away from, and whether the browser became known."""
    if COOKIE in response.cookies:
        return
    value, page = request.COOKIES.get(COOKIE, ""), _hash(request.build_absolute_uri())
    was_sent = value == f"{SENT}:{page}"
    if was_sent and _to_sign_in(response):
        _set(request, response, f"{BACK}:{page}")
    elif signed_in and (was_sent or value.startswith(SHOWN)):
        forget(response)
    elif was_sent:
        _set(request, response, f"{SHOWN}:{page}")  # nobody knows yet whether signing in worked


def script_is_refused(request: HttpRequest, response: HttpResponseBase, target: str) -> None:
    """A script of the page ``target`` is about to send the browser to sign in, and the browser was there just now."""
    page = _hash(target)
    if request.COOKIES.get(COOKIE) in {f"{SENT}:{page}", f"{SHOWN}:{page}"}:
        _set(request, response, f"{BACK}:{page}")


def _to_sign_in(response: HttpResponseBase) -> bool:
    target = response.get("Location", "") if 300 <= response.status_code < 400 else ""
    return REDIRECT_FIELD_NAME in parse_qs(urlsplit(target).query)


def _set(request: HttpRequest, response: HttpResponseBase, value: str) -> None:
    response.set_cookie(COOKIE, value, max_age=SECONDS, httponly=True, samesite="Lax", secure=request.is_secure())


def _hash(url: str) -> str:
    return blake2b(url.encode(), digest_size=8).hexdigest()
