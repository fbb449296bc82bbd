"""The class of the fixture ``ory``."""

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
from ory_auth.local.model.mailbox import Mailbox

from .local_ory import API_KEY, get_local_ory, make_settings, reset_process_state
from .people import AAL, Person, SignIn, schema_errors_as_value_errors

LOOPBACK = ("localhost", "127.0.0.1")


class OryLogin(Protocol):
    """The type of the fixture ``ory_login``: :meth:`Ory.login`."""

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
    """A local Ory, reset for each test. ``local`` is the :class:`ory_auth.local.LocalOry`.

    The next request sees every change that you make here. At the end of the test it is undone.
    """

    def __init__(self, set_ory_auth: Callable[[dict[str, Any]], object]) -> None:
        """``set_ory_auth`` is called once with the ``ORY_AUTH`` of this test, and has to set it."""
        self.local: LocalOry = get_local_ory()
        self.local.reset()
        reset_process_state()
        self._numbers = count(1)
        ory_auth = make_settings(self.local)
        self.configure(session_cookie_name=ory_auth["SESSION_COOKIE_NAME"])
        set_ory_auth(ory_auth)
        self.pages_at("http://testserver")

    @property
    def public_url(self) -> str:
        """The URL of the public API."""
        return self.local.public_url

    @property
    def admin_url(self) -> str:
        """The URL of the admin API."""
        return self.local.admin_url

    @property
    def calls(self) -> list[str]:
        """The requests that it received in this test, in order: ``["GET /sessions/whoami"]``."""
        return [f"{request.method} {request.path}" for request in self.local.requests]

    @property
    def mailbox(self) -> Mailbox:
        """The messages that it has sent: ``ory.mailbox.latest("ada@example.org").code`` is the latest code."""
        return self.local.mailbox

    def configure(self, **changes: Any) -> None:
        """Change its configuration for this test. The names are those of :class:`ory_auth.local.Config`."""
        self.local.configure(**changes)

    def pages_at(self, url: str) -> None:
        """Let its flows use the pages of the site at ``url``, such as a live server's.

        If the project uses the gateway, browsers reach this Ory through the site. Otherwise, if the host is
        ``localhost``, they reach it at ``localhost`` as well, so that its cookies reach the
        site.
        """
        site = urlsplit(url)
        base = f"{site.scheme}://{site.netloc}"
        self.configure(ui_base=base + _pages_path(), default_return_url=f"{base}/", allowed_return_urls=(base,))
        gateway = str(settings.ORY_AUTH.get("BROWSER_URL"))
        if gateway.startswith("/"):
            self.configure(base_url=f"{base}{gateway}/")
        elif site.hostname in LOOPBACK:
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
        """The person with this e-mail address: a new one, or an existing one with these changes.

        Without an address, each call creates a new person with a new address; ``None`` creates one without an address.
        ``verified`` marks the address as verified. Pass a ``password`` only if the test enters it. Raises
        ``ValueError`` if the identity schema refuses the traits.
        """
        traits = self._with_email(dict(traits or {}), email)
        existing = self.local.find_identity(traits.get("email") or "")
        if existing is not None and password is None:
            person = Person(self.local, UUID(existing["id"]))
            person.change(traits=traits, metadata_public=metadata_public, verified=verified)
            return person
        with schema_errors_as_value_errors():
            created = self.local.create_identity(
                traits=traits, metadata_public=metadata_public, verified=verified, password=password
            )
        return Person(self.local, UUID(created["id"]))

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

        ``url`` is that of the live server; browsers need it. If another person is signed in with the client, this
        person replaces them.
        """
        person = self.person(email, traits=traits, metadata_public=metadata_public, verified=verified)
        if url:
            self.pages_at(url)
        return person.sign_in(client, url, aal=aal, age=age)

    def _with_email(self, traits: dict[str, Any], email: str | None) -> dict[str, Any]:
        """The traits with this e-mail address. If it is empty and the schema has ``email``, the address is new."""
        if email and traits.get("email", email) != email:
            raise ValueError("email and traits['email'] are different addresses. Pass only one of them.")
        if email is None or "email" in traits:
            return traits
        schema_has_email = "email" in self.local.state.config.schema["properties"]["traits"].get("properties", {})
        if not email and not schema_has_email:
            return traits
        return {"email": email or f"person-{next(self._numbers)}@example.org", **traits}

    # --- time and faults

    @property
    def clock(self) -> Clock:
        """Ory's clock, which decides when sessions expire: ``clock.move(hours=1)``, ``clock.freeze()``.

        A change lasts until the end of the test, or of its ``with`` block.
        """
        return self.local.clock

    def slow(self, seconds: float, path: str = "/") -> AbstractContextManager[None]:
        """In a ``with`` block, respond this much later. ``path`` limits it to paths that begin with it."""
        return _reset_process_state_after(self.local.slow(seconds, path))

    def failing(
        self, status: int = 503, path: str = "/", headers: dict[str, str] | None = None
    ) -> AbstractContextManager[None]:
        """In a ``with`` block, respond with this status, these headers and an empty body."""
        return _reset_process_state_after(self.local.failing(status, headers, path=path))

    def stopped(self) -> AbstractContextManager[None]:
        """In a ``with`` block, refuse connections."""
        return _reset_process_state_after(self.local.stopped())

    @contextmanager
    def strict(self) -> Iterator[None]:
        """In a ``with`` block, refuse requests that would fail in production. If there were any, the test fails.

        Refused are: the admin API without ``ORY_AUTH["API_KEY"]``, either API at the port of the other, more than one
        credential in a request, and cookies that do not belong to Ory.
        """
        with self.local.strict(API_KEY) as violations:
            yield
        if violations:
            raise AssertionError("In production, Ory would refuse these requests:\n" + "\n".join(violations))


@contextmanager
def _reset_process_state_after(fault: AbstractContextManager[None]) -> Iterator[None]:
    """Reset the process after the fault, so that the next request does not wait for a circuit breaker or a pause."""
    with fault:
        yield
    reset_process_state()


def _pages_path() -> str:
    """The path below which the project includes ``ory_auth.urls``."""
    try:
        return reverse("ory_auth:login").rpartition("/")[0]
    except NoReverseMatch:
        return "/auth"
