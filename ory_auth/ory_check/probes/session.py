"""Looks up the session of a credential at Ory, and its user in the database. Creates nothing."""

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
from ..facts.http_result import HttpResult
from ..facts.model import SessionFacts, SuppliedCredential, UserFacts
from .http import JSON, HttpProbe

# The value has to be longer than base64 padding, so that a value that ends with "=" is not mistaken for a name.
_NAMED_COOKIE = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64})=([^=;]{16,}.*)", re.DOTALL)


def read_token(token: str, conf: Conf) -> SuppliedCredential:
    return SuppliedCredential(
        Kind.TOKEN, _parse_credential({"HTTP_X_SESSION_TOKEN": token.strip()}, conf.session_cookie_name)
    )


def read_cookie(text: str, conf: Conf) -> SuppliedCredential:
    """A session cookie: its value, ``name=value``, or a whole ``Cookie`` header."""
    pairs = [match.groups() for part in text.strip().split(";") if (match := _NAMED_COOKIE.fullmatch(part.strip()))]
    names = [name for name, _ in pairs if not name.startswith("csrf_token")]
    expected = conf.session_cookie_name
    name = _choose_name(names, expected)
    header = text.strip() if name else f"{expected}={text.strip()}"
    return SuppliedCredential(Kind.COOKIE, _parse_credential({"HTTP_COOKIE": header}, name or expected), name)


def _choose_name(names: list[str], expected: str) -> str:
    """The name that is most likely that of Ory's session cookie; empty if there is none."""
    if expected in names:
        return expected
    return next((name for name in names if name.startswith("ory_")), names[0] if names else "")


def probe_session(http: HttpProbe, conf: Conf, supplied: SuppliedCredential) -> SessionFacts:
    """Call whoami with the credential, and find the user of that identity."""
    if supplied.credential is None:
        return SessionFacts(supplied, HttpResult())
    headers = {**JSON, **supplied.credential.headers, "Cache-Control": "max-age=0"}
    result = http.get(f"{conf.sdk_url}/sessions/whoami", headers)
    if (response := result.response) is None:
        return SessionFacts(supplied, result, Unavailable())
    try:
        outcome = interpret_whoami(
            Whoami(response, read_session(response) if response.status == 200 else None), time.time()
        )
    except OryUnavailable as error:
        return SessionFacts(supplied, result, Unavailable.of(error))
    user = _find_user(conf, outcome) if isinstance(outcome, SignedIn) else None
    return SessionFacts(supplied, result, outcome, user)


def _parse_credential(meta: dict[str, str], cookie_name: str) -> Credential | None:
    found = find_credential(meta, cookie_name)
    return None if found is None or isinstance(found, Malformed) else found


def _find_user(conf: Conf, outcome: SignedIn) -> UserFacts:
    try:
        link = (
            OryIdentity.objects.using(reading_alias())
            .select_related("user")
            .filter(pk=outcome.session.identity.id)
            .first()
        )
        user = link.user if link else None
        admitted = bool(import_handler_class(conf.user_handler)(conf).admit(outcome.session, user))
    except Exception as error:  # of the database, or of a handler of the project
        return UserFacts(error=type(error).__name__)
    if user is None:
        return UserFacts(admitted=admitted)
    return UserFacts(
        exists=True,
        pk=str(user.pk) if isinstance(user.pk, (int, UUID)) else "",
        active=bool(user.is_active),
        staff=bool(getattr(user, "is_staff", False)),
        superuser=bool(getattr(user, "is_superuser", False)),
        admitted=admitted and bool(user.is_active),
    )
