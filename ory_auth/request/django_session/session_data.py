"""Django's own session beside Ory's: the latest sign-in wins, and the data in a session belongs to one identity.

Plain functions over ``request.session``. A session stores the Ory session that a later Django sign-in replaces, and the
identity that its data belongs to: each by Ory's ID, if known, and by the key of the credential
(:meth:`ory_auth.ory.credentials.Credential.key`). The ID decides, because Ory renews cookies and ``SECRET_KEY``
rotates. The key can be compared without calling Ory.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest
from django.middleware.csrf import CSRF_SESSION_KEY, rotate_token
from django.utils.crypto import constant_time_compare

from ...conf import Conf
from ...ory.credentials import Credential, make_hasher, matches_key
from ...sessions.outcomes import Outcome, SignedIn, SignedOut

# With a Django sign-in: the Ory credential that is older than it, and the ID of that credential's session at Ory.
OLDER_CREDENTIAL, OLDER_SESSION = "_ory_outranks", "_ory_outranked_session"
# With data: the identity that it belongs to, and the credential that this identity used last.
OWNER, OWNER_KEY = "_ory_owner", "_ory_owner_key"
# With data that was stored during an impersonation: its ID. The owner is the staff member, whose session it is at Ory.
IMPERSONATION = "_ory_impersonation"
OWN_KEYS = frozenset({OLDER_CREDENTIAL, OLDER_SESSION, OWNER, OWNER_KEY, IMPERSONATION})
SIGN_IN_KEYS = frozenset({SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # Django checks no CSRF token for these
UNKNOWN_OWNER = "credential:"  # before a credential's key that stands for the owner while Ory cannot name the identity


class Access(Enum):
    """Whether a request may see the data in a session, as far as is known without calling Ory."""

    ALLOWED = 1
    HIDDEN = 2  # the data belongs to an identity, and the request has no credential
    UNKNOWN = 3  # the credential is not the last one: only Ory knows whether it is of the same identity


class SignIn(NamedTuple):
    """Django's own sign-in in a session: whether there is one, and whether it is newer than the Ory credential."""

    exists: bool
    is_newer: bool


def has_cookie(request: HttpRequest) -> bool:
    """Whether the browser sent a Django session cookie. Without one, no session is loaded."""
    return "session" in request.__dict__ and settings.SESSION_COOKIE_NAME in request.COOKIES


def check_access(session: Any, credential: Credential | None, conf: Conf) -> Access:
    """Whether this request may see the data in the session, as far as is known without calling Ory."""
    if SESSION_KEY in session:
        same = credential is None or _matches(credential, session.get(OLDER_CREDENTIAL), conf)
        return Access.ALLOWED if same else Access.UNKNOWN
    if OWNER not in session:
        return Access.ALLOWED
    if credential is None:
        return Access.HIDDEN
    return Access.ALLOWED if _matches(credential, _owner_key(session), conf) else Access.UNKNOWN


def read_sign_in(request: HttpRequest, credential: Credential, conf: Conf) -> SignIn:
    """Django's own sign-in in the session, and whether it is newer than this credential."""
    session = request.session
    if SESSION_KEY not in session:
        return SignIn(exists=False, is_newer=False)
    is_newer = _matches(credential, session.get(OLDER_CREDENTIAL), conf)
    if is_newer:
        _update_key(session, OLDER_CREDENTIAL, credential.key(conf))
    return SignIn(exists=True, is_newer=is_newer)


def apply_outcome(
    request: HttpRequest, outcome: Outcome, credential: Credential, conf: Conf, *, known: bool
) -> tuple[Outcome, bool]:
    """Apply the outcome at Ory to the Django session of the request.

    ``known`` says whether the credential was ever valid here: one that never was does not end a Django sign-in.
    Returns the outcome for this request, and whether the Django session was flushed.
    """
    session = request.session
    if isinstance(outcome, SignedIn):
        if SESSION_KEY not in session:
            flushed = _claim_session(request, str(outcome.session.identity.id), credential, conf)
            return outcome, flushed
        if session.get(OLDER_SESSION) == str(outcome.session.id):  # its cookie was renewed
            _update_key(session, OLDER_CREDENTIAL, credential.key(conf))
            return SignedOut(), False
        _flush(request)
        return outcome, True
    if SESSION_KEY in session:
        if known:
            _flush(request)
        return outcome, known
    if check_access(session, credential, conf) is not Access.ALLOWED:
        hide(session)
    return outcome, False


def hide(session: Any) -> None:
    """Show this request an empty session. The stored data stays, for the identity that it belongs to."""
    if not getattr(session, "_ory_hidden", False):
        session._ory_hidden_key = session._session_key
    session._session_cache = {}
    session._session_key = None
    session._ory_hidden = True


def unhide(session: Any) -> None:
    """Undo :func:`hide`. The stored data is loaded again when it is used next."""
    session.__dict__.pop("_session_cache", None)
    session._session_key = session._ory_hidden_key
    session._ory_hidden = False


def remember_sign_in(request: HttpRequest, credential_key: str, ory_session_id: str | None) -> None:
    """After a Django sign-in: it is newer than this credential, and does not get the data of an identity."""
    session = request.session
    if OWNER in session:
        for name in set(session.keys()) - SIGN_IN_KEYS:
            del session[name]
    session[OLDER_CREDENTIAL] = str(credential_key)
    session.pop(OLDER_SESSION, None)
    if ory_session_id is not None:
        session[OLDER_SESSION] = ory_session_id


def undo_sign_in(request: HttpRequest) -> None:
    """Remove a Django sign-in from the session. The rest of the session stays."""
    for name in SIGN_IN_KEYS | {OLDER_CREDENTIAL, OLDER_SESSION}:
        request.session.pop(name, None)


def needs_owner(request: HttpRequest, credential: Credential, conf: Conf, *, is_new: bool = False) -> bool:
    """Whether this request has stored data, and the session does not say yet whose data it is.

    ``is_new`` says that the owner that it names may be another one, because of an impersonation.
    """
    session = request.session
    if getattr(session, "_ory_guarded", False):
        return False  # the view has not used it
    if not session.modified or session.is_empty() or SESSION_KEY in session:
        return False
    owner = session.get(OWNER, UNKNOWN_OWNER)
    return is_new or owner.startswith(UNKNOWN_OWNER) or not _matches(credential, session.get(OWNER_KEY), conf)


def record_owner(
    request: HttpRequest, identity: str | None, credential_key: str, impersonation_id: UUID | None = None
) -> None:
    """Store in the session whose data it holds.

    If Ory could not say (``identity`` is ``None``), the credential stands for the identity.
    """
    session = request.session
    if SESSION_KEY in session:
        return
    if impersonation_id is not None:
        session[IMPERSONATION] = str(impersonation_id)
    else:
        session.pop(IMPERSONATION, None)
    if identity is not None:
        session[OWNER], session[OWNER_KEY] = identity, str(credential_key)
    else:
        session.setdefault(OWNER, f"{UNKNOWN_OWNER}{credential_key}")


def belongs_to_impersonation(session: Any) -> bool:
    """Whether the data in the session was stored during an impersonation. Loads the session."""
    return IMPERSONATION in session


def separate(request: HttpRequest, impersonation_id: UUID | None) -> None:
    """Flush the session if its data was stored as another person: outside of this impersonation, or during another.

    ``None`` stands for the person of the Ory session.
    """
    session = request.session
    expected = None if impersonation_id is None else str(impersonation_id)
    if SESSION_KEY in session or session.get(IMPERSONATION) == expected:
        return
    if set(session.keys()) - OWN_KEYS:
        _flush(request)
    else:
        session.pop(IMPERSONATION, None)


def has_csrf_token(request: HttpRequest) -> bool:
    """Whether the browser has a Django CSRF token. Creates no session to find out."""
    if settings.CSRF_USE_SESSIONS:
        return has_cookie(request) and CSRF_SESSION_KEY in request.session
    return settings.CSRF_COOKIE_NAME in request.COOKIES


def renew_csrf_token(request: HttpRequest) -> None:
    """Rotate Django's CSRF token, as ``login()`` does, unless this response already contains it in a form."""
    if not request.META.get("CSRF_COOKIE_NEEDS_UPDATE"):
        rotate_token(request)


def _claim_session(request: HttpRequest, identity: str, credential: Credential, conf: Conf) -> bool:
    """Make this identity the owner of the session. Returns whether the session was flushed: it had another owner.

    A session without an owner gets a new key and CSRF token, as with ``login()``. In a stream it keeps its key, because
    the cookie is sent already.
    """
    session = request.session
    if not set(session.keys()) - OWN_KEYS:
        return False
    owner = session.get(OWNER)
    if owner == identity:
        _update_key(session, OWNER_KEY, credential.key(conf))
    elif owner is None or _matches(credential, _owner_key(session), conf):
        if not getattr(session, "_ory_streaming", False):
            session.cycle_key()
            renew_csrf_token(request)
        session[OWNER], session[OWNER_KEY] = identity, str(credential.key(conf))
    else:
        _flush(request)
        return True
    return False


def _owner_key(session: Any) -> str:
    owner: str = session[OWNER]
    stored: str = session.get(OWNER_KEY) or owner
    return stored.removeprefix(UNKNOWN_OWNER)


def _update_key(session: Any, name: str, key: str) -> None:
    if session.get(name) != key:
        session[name] = str(key)


def _matches(credential: Credential, stored_key: str | None, conf: Conf) -> bool:
    if not stored_key:
        return False
    if "." not in stored_key:
        return constant_time_compare(stored_key, _key_of_format_2(credential, conf))
    return matches_key(credential, stored_key, conf)


def _key_of_format_2(credential: Credential, conf: Conf) -> str:
    """The key of this credential in sessions that were stored before format 3."""
    key = make_hasher(b"cache", 20)
    key.update(f"2\0{conf.sdk_url}\0{credential.kind}\0{credential.value}".encode())
    return key.hexdigest()


def _flush(request: HttpRequest) -> None:
    request.session.flush()
    renew_csrf_token(request)
