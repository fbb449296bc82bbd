"""A visit to the project over HTTP: who comes, and what is noticed meanwhile."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin

import urllib3

from compatibility.package import Unexpected, expect
from tests.support.ory import Person, Session

if TYPE_CHECKING:
    from stress.ory import Ory


@dataclass
class Reply:
    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.text)
        except ValueError:
            raise Unexpected(f"no JSON but {self.status}: {self.text[:200]!r}") from None

    @property
    def location(self) -> str:
        return str(self.headers.get("Location", ""))


class Visitor:
    """Somebody with a browser, without its rendering; ``headers`` go with each request."""

    def __init__(self, site: str, session: Session | None = None, *, by_token: bool = False) -> None:
        self.site, self.session = site, session
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        if session and by_token:
            self.headers["Authorization"] = f"Bearer {session.token}"
        elif session:
            name, _, value = session.cookie.partition("=")
            self.cookies[name] = value

    @property
    def email(self) -> str:
        return self.session.person.email if self.session else ""

    def get(self, path: str, **headers: str) -> Reply:
        return self.send("GET", path, None, headers)

    def post(self, path: str, data: Any = None, **headers: str) -> Reply:
        """A form, or JSON where ``data`` is no dict of strings; with the CSRF token, as a page's form has it."""
        token = self.get("/csrf").json["token"]
        headers = {"X_CSRFToken": token, "Origin": self.site, **headers}
        return self.send("POST", path, data, headers)

    def options(self, path: str, **headers: str) -> Reply:
        return self.send("OPTIONS", path, None, headers)

    def follow(self, path: str, limit: int = 8) -> list[Reply]:
        """The replies to a page load, through the site's own redirects."""
        replies = [self.get(path)]
        while 300 <= replies[-1].status < 400 and len(replies) < limit:
            target = urljoin(urljoin(self.site, path), replies[-1].location)
            if not target.startswith(self.site):
                break
            path = target.removeprefix(self.site)
            replies.append(self.get(path))
        return replies

    def send(self, method: str, path: str, data: Any = None, extra: Mapping[str, str] | None = None) -> Reply:
        headers = {**self.headers, **{name.replace("_", "-"): value for name, value in (extra or {}).items()}}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if isinstance(data, dict) and "Content-Type" not in headers:
            body, headers["Content-Type"] = urlencode(data), "application/x-www-form-urlencoded"
        elif data is not None:
            body, headers["Content-Type"] = json.dumps(data), "application/json"
        # A new connection each time: a server may be about to close one that is kept.
        headers["Connection"] = "close"
        with urllib3.PoolManager(retries=False) as http:
            response = http.request(method, self.site + path, headers=headers, body=body, redirect=False, timeout=30)
        for line in response.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return Reply(response.status, response.headers, response.data.decode(errors="replace"))


@dataclass
class Noticed:
    """What a project's operators would hear of."""

    records: list[logging.LogRecord] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)  # sent by got_request_exception, or nobody caught them
    mails: list[str] = field(default_factory=list)

    def troubles(self) -> list[str]:
        """What must not be there, whatever happens at Ory."""
        lines = [f"{record.name}: {record.getMessage()}" for record in self.records if self._is_trouble(record)]
        return [*lines, *self.exceptions, *(f"mail: {mail}" for mail in self.mails)]

    def expect_bugs(self) -> None:
        """What was noticed until now was meant to happen."""
        from django.core import mail

        self.records.clear()
        self.exceptions.clear()
        mail.outbox.clear()

    @staticmethod
    def _is_trouble(record: logging.LogRecord) -> bool:
        if record.name.startswith("ory_auth"):
            return record.exc_info is not None
        return record.levelno >= logging.ERROR


class Watch(logging.Handler):
    """Notices what is logged, mailed and raised in this process."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.noticed = Noticed()
        logging.getLogger().addHandler(self)
        for name in ("django", "django.server"):  # they have handlers of their own and may not propagate
            logging.getLogger(name).addHandler(self)
        sys.unraisablehook = self._unraisable
        threading.excepthook = self._in_thread

    def connect(self) -> None:
        """Once Django is set up."""
        from django.core.signals import got_request_exception

        got_request_exception.connect(self._exception, weak=False)

    def emit(self, record: logging.LogRecord) -> None:
        if record not in self.noticed.records:
            self.noticed.records.append(record)

    def _exception(self, **kwargs: Any) -> None:
        self.noticed.exceptions.append(f"got_request_exception: {sys.exception()!r}")

    def _unraisable(self, unraisable: Any) -> None:
        text = str(unraisable.exc_value)
        if "unclosed database" not in text and "unclosed <socket" not in text:
            self.noticed.exceptions.append(f"unraisable: {unraisable.exc_value!r}")

    def _in_thread(self, args: Any) -> None:
        self.noticed.exceptions.append(f"in a thread: {args.exc_value!r}")

    @contextmanager
    def during(self) -> Iterator[Noticed]:
        """What is noticed within a ``with`` block; what is not taken away there is trouble."""
        from django.core import mail

        self.noticed = noticed = Noticed()
        mail.outbox = []
        yield noticed
        noticed.mails = [message.subject for message in mail.outbox]
        expect(noticed.troubles(), [], "errors, exceptions and mails")


@dataclass
class Visit:
    """What a probe gets: people at the door of one site."""

    kind: str  # "wsgi" or "asgi"
    site: str
    ory: Ory
    noticed: Noticed = field(default_factory=Noticed)

    def __post_init__(self) -> None:
        self.nobody = Visitor(self.site)
        self.ada, self.bob = self.new_visitor(), self.new_visitor()
        self.stranger = self.new_visitor()  # the site has never seen them: nothing of theirs is cached

    def new_visitor(self, *, by_token: bool = False, person: Person | None = None) -> Visitor:
        """Somebody who has just signed in at Ory."""
        person = person or self.ory.http.person(name={"first": "Some", "last": "Body"})
        return Visitor(self.site, person.app_session() if by_token else person.browser_session(), by_token=by_token)

    def user_of(self, visitor: Visitor) -> Any:
        """The user of somebody who has been here."""
        from django.contrib.auth import get_user_model

        return get_user_model().objects.get(email=visitor.email)

    def promote(self, visitor: Visitor) -> Any:
        """Make somebody a superuser, as ``ory_link --superuser`` does."""
        visitor.get("/who")
        user = self.user_of(visitor)
        user.is_staff = user.is_superuser = True
        user.save()
        return user
