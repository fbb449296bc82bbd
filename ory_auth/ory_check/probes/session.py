"""A session that somebody gave: what Ory says of it, and what this project would make of it. Nothing is created."""

from __future__ import annotations

import re
import time
from uuid import UUID

from ...conf import Conf
from ...exceptions import OryUnavailable
from ...models import OryIdentity
from ...ory.client import Whoami, read_session
from ...ory.credentials import Credential, Kind, Malformed, find_credential
from ...sessions.outcomes import SignedIn, Unavailable
from ...sessions.whoami import interpret_whoami
from ...users.database import reading_alias
from ...users.handler import import_handler_class
from ..facts.http_result import Reply
from ..facts.model import Given, SessionFacts, UserFacts
from .http import JSON, Http

# A name, then more than padding: base64 has "=" at its end only, so that no part of a value is taken for a name.
_NAMED = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64})=([^=;]{16,}.*)", re.DOTALL)


def given_token(token: str, conf: Conf) -> Given:
    """A session token, as an app has it."""
    return Given(Kind.TOKEN, _credential({"HTTP_X_SESSION_TOKEN": token.strip()}, conf.session_cookie_name))


def given_cookie(text: str, conf: Conf) -> Given:
    """A session cookie: its value, ``name=value``, or a whole ``Cookie`` header with the session's among them."""
    pairs = [match.groups() for part in text.strip().split(";") if (match := _NAMED.fullmatch(part.strip()))]
    names = [name for name, _ in pairs if not name.startswith("csrf_token")]
    own = conf.session_cookie_name
    name = own if own in names else next((n for n in names if n.startswith("ory_")), names[0] if names else "")
    header = text.strip() if name else f"{own}={text.strip()}"
    return Given(Kind.COOKIE, _credential({"HTTP_COOKIE": header}, name or own), name)


def look_at_session(http: Http, conf: Conf, given: Given) -> SessionFacts:
    """Ask Ory whose session it is, and the database for the user of that identity."""
    if given.credential is None:
        return SessionFacts(given, Reply())
    headers = {**JSON, **given.credential.headers, "Cache-Control": "max-age=0"}
    reply = http.get(f"{conf.sdk_url}/sessions/whoami", headers)
    if (response := reply.answer) is None:
        return SessionFacts(given, reply, Unavailable())
    try:
        outcome = interpret_whoami(
            Whoami(response, read_session(response) if response.status == 200 else None), time.time()
        )
    except OryUnavailable as error:
        return SessionFacts(given, reply, Unavailable.of(error))
    user = _user(conf, outcome) if isinstance(outcome, SignedIn) else None
    return SessionFacts(given, reply, outcome, user)


def _credential(meta: dict[str, str], cookie_name: str) -> Credential | None:
    found = find_credential(meta, cookie_name)
    return None if found is None or isinstance(found, Malformed) else found


def _user(conf: Conf, outcome: SignedIn) -> UserFacts:
    try:
        link = (
            OryIdentity.objects.using(reading_alias())
            .select_related("user")
            .filter(pk=outcome.session.identity.id)
            .first()
        )
        user = link.user if link else None
        admitted = bool(import_handler_class(conf.user_handler)(conf).admit(outcome.session, user))
    except Exception as error:  # the database's, or of the project's own handler
        return UserFacts(trouble=type(error).__name__)
    if user is None:
        return UserFacts(admitted=admitted)
    return UserFacts(
        known=True,
        pk=str(user.pk) if isinstance(user.pk, (int, UUID)) else "",
        active=bool(user.is_active),
        staff=bool(getattr(user, "is_staff", False)),
        superuser=bool(getattr(user, "is_superuser", False)),
        admitted=admitted and bool(user.is_active),
    )
