"""The values of one request: its credential, the outcome, its user, and what its response needs. No decisions, no I/O.

:class:`ory_auth.request.state.RequestState` adds the methods that find them.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any
from uuid import UUID

from django.utils.functional import cached_property  # that of functools holds a lock in Python 3.11

from ..conf import Conf, conf
from ..events import Event, log
from ..exceptions import OryAuthError
from ..models import EndReason
from ..ory.cookies import CSRF_PREFIX
from ..ory.credentials import Credential, EventsToLog, Malformed, find_credential
from ..sessions.outcomes import Outcome, Unavailable
from .impersonation_cookie import Reference, read_reference, was_sent

NOT_SET = object()  # code may assign None to request.user, but never this


class RequestValues:
    """The values of one request.

    The defaults are class attributes, because an object is created for each request that reads the user or session.
    """

    asked = False  # the user or session was read, so the response depends on it
    outage_raised = False  # OryUnavailable was raised, so the response must not hide it
    outage_raised_in_middleware = False  # in middleware, for which Django has made an error page
    renews_csrf_token = False  # a new Ory session: the browser gets a new CSRF token with the response
    view_is_optional = False  # it has @ory_optional: the user is anonymous while Ory is down
    assumes_optional_view = False  # in an outage, middleware got an anonymous user because the view is @ory_optional
    is_api = False  # an API framework reads the session, so the client gets JSON, never a page or a redirect
    api_error: OryAuthError | None = None  # what the API raised: its framework may make a 500 of it
    view_error: BaseException | None = None  # what the view raised; an error page may follow
    cookies: tuple[str, ...] = ()  # Ory's, for the browser
    current_outcome: Outcome | None = None  # the outcome of the lookup, if there was one
    current_user: Any = None  # the user, or Unavailable, if the user was read
    request_user: Any = NOT_SET  # what this package has put on request.user; code may have assigned another since
    not_admitted: Event | None = None  # why the person is not admitted
    signed_out = False  # by this request
    sign_out_failure: Unavailable | None = None  # why Ory could not end the session
    signing_out = False  # the user is read only to sign out, which has a separate rate limit
    actor: Any = None  # the staff member who impersonates the user
    impersonation_id: UUID | None = None  # of the impersonation that counts for this request
    impersonation_has_ended = False  # the cookie refers to one that no longer counts
    ended_impersonation: tuple[UUID, EndReason] | None = None  # what this request has ended, and why
    impersonation_cookie: str | None = None  # for the browser: a new value; empty to delete it
    hides_outages = False  # an error page is rendered, so reading the user must not raise
    waiting_signals: tuple[Callable[[], object], ...] = ()

    def __init__(self, request: Any, django_user: Any) -> None:
        self._request = weakref.ref(request)  # weak, so that no reference cycle waits for the garbage collector
        self.conf: Conf = conf()
        self.django_user = django_user  # request.user of Django's own middleware

    @property
    def request(self) -> Any:
        """The request, which holds this object."""
        return self._request()

    @cached_property
    def async_lock(self) -> asyncio.Lock:
        """Tasks of one request that read the user at the same time get the same outcome, failures included."""
        return asyncio.Lock()

    @cached_property
    def credential_or_malformed(self) -> Credential | Malformed | None:
        """The credential of the request; a ``Malformed`` if the header or cookie that comes first cannot be one."""
        events: EventsToLog = []
        credential = find_credential(self.request.META, self.conf.session_cookie_name, events)
        self.__dict__["credential_or_malformed"] = credential  # before logging: a log handler may read the user
        for event, facts in events:
            log(event, **facts)
        return credential

    @property
    def credential(self) -> Credential | None:
        """The one credential, valid or not; ``None`` if there is none, or it is malformed."""
        credential = self.credential_or_malformed
        return credential if isinstance(credential, Credential) else None

    @property
    def credential_key(self) -> str:
        """The key of the credential in caches; ``""`` if there is none."""
        return self.credential.key(self.conf) if self.credential else ""

    @property
    def credential_kind(self) -> str | None:
        """The kind of the credential, for the log."""
        return self.credential.kind.value if self.credential else None

    @property
    def is_outage_known(self) -> bool:
        """Whether this request has found already that the user cannot be known."""
        return isinstance(self.current_outcome, Unavailable) or self.user_outage is not None

    @property
    def may_impersonate(self) -> bool:
        """Whether the browser may have sent the cookie of an impersonation. A program with a token cannot."""
        if self.impersonation_cookie is not None or not was_sent(self.request.META):
            return False  # this request has dealt with it
        credential = self.credential_or_malformed
        return credential is None or not credential.kind.by_header

    @cached_property
    def impersonation_reference(self) -> Reference | None:
        """What the cookie of an impersonation refers to; ``None`` without a valid one."""
        return read_reference(self.request.META)

    def forget_impersonation(self) -> None:
        """From now on, this request belongs to no impersonation. The browser's cookie is deleted."""
        self.actor = self.impersonation_id = None
        if was_sent(self.request.META):
            self.impersonation_cookie = ""

    @property
    def session_user(self) -> Any:
        """The user of the Ory session, also if they impersonate another one."""
        return self.current_user if self.actor is None else self.actor

    @property
    def is_personal(self) -> bool:
        """Whether the response may be for one person only: the user was read, and there is a credential."""
        return self.asked and self.credential_or_malformed is not None

    @property
    def in_view(self) -> bool:
        """Whether a view was found for the address."""
        return self.request.resolver_match is not None

    @property
    def in_middleware(self) -> bool:
        """Whether this package's middleware has begun with the request, and will finish its response."""
        return bool(self.request.__dict__.get("_ory_in_middleware"))

    @property
    def user_outage(self) -> Unavailable | None:
        """Why the user could not be loaded, if loading failed."""
        return self.current_user if isinstance(self.current_user, Unavailable) else None

    @property
    def outage(self) -> Unavailable:
        """The outage that was raised (if ``outage_raised``)."""
        if isinstance(self.current_outcome, Unavailable):
            return self.current_outcome
        return self.user_outage or Unavailable()

    def wants_cookie(self, name: str) -> bool:
        """Whether to pass this cookie of Ory on to the browser: the session, and after a sign-out its CSRF token."""
        return name == self.conf.session_cookie_name or (self.signed_out and name.startswith(CSRF_PREFIX))

    @contextmanager
    def hide_outages(self) -> Iterator[None]:
        """While an error page is rendered, the user is anonymous, so that a template cannot raise the outage again."""
        self.hides_outages = True
        try:
            yield
        finally:
            self.hides_outages = False


# The request that is being looked up in this context. A log handler, a signal receiver or a project's ``USER_HANDLER``
# may read ``request.user`` meanwhile. It gets an anonymous user, so that a lookup does not start inside itself.
_resolving: ContextVar[RequestValues | None] = ContextVar("ory_auth_resolving", default=None)


class Resolving:
    """``with Resolving(values):`` marks a request as being looked up in this context."""

    __slots__ = ("_token", "_values")
    _token: Token[RequestValues | None]

    def __init__(self, values: RequestValues) -> None:
        self._values = values

    def __enter__(self) -> None:
        self._token = _resolving.set(self._values)

    def __exit__(self, *error: object) -> None:
        _resolving.reset(self._token)


def is_resolving(values: RequestValues) -> bool:
    """Whether this request is being looked up in this context."""
    return _resolving.get() is values
