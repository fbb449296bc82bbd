"""The local Ory as a test has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from itertools import count
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from ory_auth.local import LocalOry
from ory_auth.local.model.clock import Clock

from .people import AAL, Person, SignIn, told_by_the_schema
from .process import API_KEY, forget, local_ory, pointed_at

LOOPBACK = ("localhost", "127.0.0.1")


class OryLogin(Protocol):
    """What ``ory_login`` is: see :meth:`Ory.login`."""

    def __call__(
        self,
        client: Any,
        url: str = "",
        *,
        email: str | None = "",
        traits: Mapping[str, Any] | None = None,
        metadata_public: Any = None,
        verified: bool = False,
        aal: AAL = "aal1",
        age: timedelta | float = 0,
    ) -> SignIn: ...


class Ory:
    """A local Ory that has forgotten the test before. ``local`` is the :class:`ory_auth.local.LocalOry` itself.

    What is changed here is seen by the next request, and undone when the test ends.
    """

    def __init__(self, point: Callable[[dict[str, Any]], object]) -> None:
        """``point`` is given the ``ORY_AUTH`` of this test, and sets it."""
        self.local: LocalOry = local_ory()
        self.local.reset()
        forget()
        self._numbers = count(1)
        ory_auth = pointed_at(self.local)
        self.configure(session_cookie_name=ory_auth["SESSION_COOKIE_NAME"])
        point(ory_auth)
        self.pages_at("http://testserver")

    @property
    def public_url(self) -> str:
        """Where its public API is."""
        return self.local.public_url

    @property
    def admin_url(self) -> str:
        """Where its admin API is."""
        return self.local.admin_url

    @property
    def calls(self) -> list[str]:
        """What it was asked in this test, the first first: ``["GET /sessions/whoami"]``."""
        return [f"{request.method} {request.path}" for request in self.local.requests]

    def configure(self, **changes: Any) -> None:
        """Change its configuration for this test, by the names of :class:`ory_auth.local.Config`."""
        self.local.configure(**changes)

    def pages_at(self, url: str) -> None:
        """Let its flows lead to the pages of the site at ``url``, such as a live server's, and back to it.

        Where that is ``localhost``, browsers find this Ory there as well, so that its cookies reach the site.
        """
        site = urlsplit(url)
        base = f"{site.scheme}://{site.netloc}"
        self.configure(ui_base=base + _pages(), default_return_url=f"{base}/", allowed_return_urls=(base,))
        if site.hostname in LOOPBACK:
            browser_url = f"http://{site.hostname}:{urlsplit(self.public_url).port}"
            settings.ORY_AUTH["BROWSER_URL"] = browser_url
            self.configure(base_url=browser_url)

    # --- people

    def person(
        self,
        email: str | None = "",
        *,
        traits: Mapping[str, Any] | None = None,
        metadata_public: Any = None,
        verified: bool = False,
        password: str | None = None,
    ) -> Person:
        """The person with this e-mail address, made where there is none yet, changed where more is said of them.

        Without an address there is a new one each time; ``None`` is nobody's. ``verified`` is about the address, a
        ``password`` is only for tests that type one. Raises ``ValueError`` for what the identity schema refuses.
        """
        traits = self._with_email(dict(traits or {}), email)
        known = self.local.find_identity(traits.get("email") or "")
        if known is not None and password is None:
            person = Person(self.local, UUID(known["id"]))
            person.change(traits=traits, metadata_public=metadata_public, verified=verified)
            return person
        with told_by_the_schema():
            made = self.local.create_identity(
                traits=traits, metadata_public=metadata_public, verified=verified, password=password
            )
        return Person(self.local, UUID(made["id"]))

    def login(
        self,
        client: Any,
        url: str = "",
        *,
        email: str | None = "",
        traits: Mapping[str, Any] | None = None,
        metadata_public: Any = None,
        verified: bool = False,
        aal: AAL = "aal1",
        age: timedelta | float = 0,
    ) -> SignIn:
        """Sign a person in with a client: :meth:`person`, then :meth:`Person.sign_in`.

        ``url`` is the live server's, for a browser. A client that somebody else was signed in with changes hands.
        """
        person = self.person(email, traits=traits, metadata_public=metadata_public, verified=verified)
        if url:
            self.pages_at(url)
        return person.sign_in(client, url, aal=aal, age=age)

    def _with_email(self, traits: dict[str, Any], email: str | None) -> dict[str, Any]:
        takes_one = "email" in self.local.state.config.schema["properties"]["traits"].get("properties", {})
        if email and traits.get("email", email) != email:
            raise ValueError("email and traits['email'] are two addresses: give one.")
        if email is None or "email" in traits or not (email or takes_one):
            return traits
        return {"email": email or f"person-{next(self._numbers)}@example.org", **traits}

    # --- time and trouble

    @property
    def clock(self) -> Clock:
        """Ory's clock, by which sessions age and end: ``clock.move(hours=1)``, ``clock.freeze()``.

        Either lasts until the test ends, or in a ``with`` statement until the block does.
        """
        return self.local.clock

    def slow(self, seconds: float, path: str = "/") -> AbstractContextManager[None]:
        """Answer so many seconds late, in a ``with`` block; ``path`` is how the paths begin that it is about."""
        return _over(self.local.slow(seconds, path))

    def failing(self, status: int = 503, path: str = "/") -> AbstractContextManager[None]:
        """Answer with this status and nothing else, in a ``with`` block."""
        return _over(self.local.failing(status, path=path))

    def stopped(self) -> AbstractContextManager[None]:
        """Refuse connections, in a ``with`` block."""
        return _over(self.local.stopped())

    @contextmanager
    def strict(self) -> Iterator[None]:
        """In a ``with`` block refuse what would not do in production, and fail the test at its end where that came.

        That is: the admin API without ``ORY_AUTH["API_KEY"]`` or at the public port and the other way round, more than
        one credential in a request, cookies that are none of Ory's.
        """
        with self.local.strict(API_KEY) as refused:
            yield
        if refused:
            raise AssertionError("Ory would not take this in production:\n" + "\n".join(refused))


@contextmanager
def _over(trouble: AbstractContextManager[None]) -> Iterator[None]:
    """A trouble of which nothing is remembered when it is over: nobody waits for a breaker or a pause."""
    with trouble:
        yield
    forget()


def _pages() -> str:
    """The path under which the project has the pages of Ory's flows."""
    try:
        return reverse("ory_auth:login").rpartition("/")[0]
    except NoReverseMatch:
        return "/auth"
