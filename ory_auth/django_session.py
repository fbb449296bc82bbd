"""Django's own session beside Ory's: the latest sign-in wins, and what a session holds belongs to one person.

Plain functions over ``request.session``; whoever calls them has seen that the browser sent Django's session cookie.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from .events import Event, log

OUTRANKS = "_ory_outranks"  # in a Django sign-in: the key of the Ory credential that was there when it was made
OWNER = "_ory_owner"  # in a session that holds data: whose it is
SIGN_IN = frozenset({SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY, OUTRANKS})


def came(request: HttpRequest) -> bool:
    """Whether the browser sent a Django session at all; without one, nothing here costs anything."""
    return "session" in request.__dict__ and settings.SESSION_COOKIE_NAME in request.COOKIES


def outranks(request: HttpRequest, credential_key: str) -> bool:
    """Whether somebody signed in with Django while this very credential was there already."""
    return SESSION_KEY in request.session and request.session.get(OUTRANKS) == credential_key


def remember_sign_in(request: HttpRequest, credential_key: str) -> None:
    """Somebody has just signed in with Django: that outranks the credential that is there, and takes over no data."""
    session = request.session
    if OWNER in session:
        for name in set(session.keys()) - SIGN_IN:
            del session[name]
    session[OUTRANKS] = credential_key


def end_sign_in(request: HttpRequest) -> None:
    """A credential that came later ends a Django sign-in, even where it is worth nothing by now."""
    if SESSION_KEY in request.session:
        _flush(request)


def belong_to(request: HttpRequest, identity: str, credential_key: str) -> None:
    """From now on the session is this identity's: new key and CSRF token for the first one, flushed for another."""
    session = request.session
    end_sign_in(request)
    if not set(session.keys()) - {OWNER}:
        return
    owner = session.get(OWNER)
    if owner in {None, _credential(credential_key)}:
        session.cycle_key()
        rotate_token(request)
        session[OWNER] = identity
    elif owner != identity:
        _flush(request)


def claim(request: HttpRequest, identity: str | None, credential_key: str) -> None:
    """Before it is saved: what this request put into a session is this person's.

    Where nobody asked who that is (``identity`` is ``None``), the credential stands for them.
    """
    session = request.session
    if session.modified and not session.is_empty() and SESSION_KEY not in session:
        if identity is not None:
            session[OWNER] = identity
        else:
            session.setdefault(OWNER, _credential(credential_key))


def _credential(key: str) -> str:
    return f"credential:{key}"


def _flush(request: HttpRequest) -> None:
    log(Event.IDENTITY_CHANGED, ended="django_session")
    request.session.flush()
    rotate_token(request)
