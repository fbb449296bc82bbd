"""Secrets that can be recognised anywhere: those of two people, and the shapes of every secret of a campaign."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from stress.environment import Environment
from tests.support.ory import Session

API_KEY = "ory_pat_canaryOfAnApiKey"
SECRET_KEY = "a secret for the campaigns, long enough"  # how the site's SECRET_KEY begins
CSRF = "c" * 32  # Django shows its own token on its DEBUG page, among META: no marker
SHAPES = re.compile(
    rb"ory_(?:st|lo|pat|at)_\w{8,}"  # tokens: of a session, a log-out, the API
    rb"|ory_kratos_session=[\w%+/=-]{8,}"
    rb"|csrf_token_\w+=[\w%+/=-]{8,}"
    rb"|[\w.%+-]+@example\.org"  # every e-mail of a campaign
    rb"|(?:Cookie|X-Session-Token|Authorization): \S"
    rb"|[Cc]anary|" + SECRET_KEY.encode()
)


@dataclass
class Marked:
    """A person whose traits and credentials are all markers."""

    token: Session
    browser: Session
    traits: dict[str, str]
    django: str = field(default_factory=lambda: f"canary{secrets.token_hex(13)}")  # a session key of Django's

    @property
    def credentials(self) -> dict[str, str]:
        """What must not be shown anywhere, not even to the person."""
        return {
            "token": self.token.token,
            "cookie": self.browser.jar["ory_kratos_session"],
            "Django's session": self.django,
            "API key": API_KEY,
            "SECRET_KEY": SECRET_KEY,
        }

    @property
    def cookies(self) -> str:
        """All cookies that this browser has."""
        pairs = {**self.browser.jar, "sessionid": self.django, "csrftoken": CSRF}
        return "; ".join(f"{name}={value}" for name, value in pairs.items())


def mark(env: Environment) -> Marked:
    """A new person, signed in by a token and in a browser."""
    name = f"canary{secrets.token_hex(8)}"
    traits = {
        "e-mail": f"{name}@example.org",
        "first name": f"{name}first",
        "last name": f"{name}last",
        "public": f"{name}meta",
    }
    person = env.ory.http.person(
        traits["e-mail"], name={"first": traits["first name"], "last": traits["last name"]}, username=f"{name}user"
    )
    body = [{"op": "replace", "path": "/metadata_public", "value": {"note": traits["public"]}}]
    assert env.ory.http.admin("PATCH", f"/admin/identities/{person.id}", body=body).status == 200
    return Marked(person.app_session(), person.browser_session(), traits)


def found(markers: Iterable[tuple[str, str]], text: bytes) -> list[str]:
    """The names of the markers in this text."""
    return [name for name, value in markers if value.encode() in text]
