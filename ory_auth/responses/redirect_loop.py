"""Redirect loops: a browser is sent to sign in for a page, comes back to it, and is sent to sign in again.

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
MAX_AGE = 15  # a loop is quick; if the person sees a form in between, it is not a loop
SENT, SHOWN, LOOPING = "sent", "shown", "back"


def mark_sent(request: HttpRequest, response: HttpResponseBase, target: str) -> None:
    """The browser is sent to sign in, and is to come back to ``target``."""
    _set(request, response, f"{SENT}:{_hash(target)}")


def is_looping(request: HttpRequest, target: str) -> bool:
    """Whether the browser has come back to ``target``, and was sent to sign in again."""
    return request.COOKIES.get(COOKIE) == f"{LOOPING}:{_hash(target)}"


def clear(response: HttpResponseBase) -> None:
    """There is no loop, or no longer."""
    response.delete_cookie(COOKIE, samesite="Lax")


def track(request: HttpRequest, response: HttpResponseBase, *, signed_in: bool) -> None:
    """Update the cookie from the response to the page. ``signed_in``: whether the browser is signed in now."""
    if COOKIE in response.cookies:
        return
    value, page = request.COOKIES.get(COOKIE, ""), _hash(request.build_absolute_uri())
    was_sent = value == f"{SENT}:{page}"
    if was_sent and _has_next_parameter(response):
        _set(request, response, f"{LOOPING}:{page}")
    elif signed_in and (was_sent or value.startswith(SHOWN)):
        clear(response)
    elif was_sent:
        _set(request, response, f"{SHOWN}:{page}")  # it is not known yet whether signing in worked


def mark_script_refused(request: HttpRequest, response: HttpResponseBase, target: str) -> None:
    """A script of the page ``target`` is about to send the browser to sign in. That may also be a loop."""
    page = _hash(target)
    if request.COOKIES.get(COOKIE) in {f"{SENT}:{page}", f"{SHOWN}:{page}"}:
        _set(request, response, f"{LOOPING}:{page}")


def _has_next_parameter(response: HttpResponseBase) -> bool:
    target = response.get("Location", "") if 300 <= response.status_code < 400 else ""
    return REDIRECT_FIELD_NAME in parse_qs(urlsplit(target).query)


def _set(request: HttpRequest, response: HttpResponseBase, value: str) -> None:
    response.set_cookie(COOKIE, value, max_age=MAX_AGE, httponly=True, samesite="Lax", secure=request.is_secure())


def _hash(url: str) -> str:
    return blake2b(url.encode(), digest_size=8).hexdigest()
