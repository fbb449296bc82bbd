"""Who a request comes from: the pipeline, and one object per request that stores its outcome.

::

    headers, cookies → Credential → lookup → OrySession → shadow user → request.user

Nothing happens until somebody asks, and the outcome is then the same for the rest of the request, failures included.
The generators here decide; :mod:`ory_auth.sessions.driver` does the I/O, for sync and async callers alike.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DjangoDatabaseError
from django.db import router, transaction
from django.http import Http404, HttpRequest
from django.urls import Resolver404, resolve
from django.utils.functional import SimpleLazyObject, cached_property

from ..conf import Conf, conf
from ..events import Event, log, log_sampled
from ..exceptions import OryAuthError, OryUnavailable
from ..models import OryIdentity
from ..ory.client import Client
from ..ory.cookies import CSRF_PREFIX
from ..ory.credentials import Credential, EventsToLog, Kind, Malformed, find_credential
from ..sessions.driver import AsyncSafe, Effects, run_async, run_sync
from ..sessions.lookup import find_locally, lookup
from ..sessions.ory_caller import Priority
from ..sessions.outcomes import ORY_IS_DOWN, Outcome, SignedIn, SignedOut, Unavailable
from ..sessions.services import services_of
from ..signals import user_created, user_linked, user_updated
from ..types import OrySession
from ..users import provisioning
from ..users.result import UserResult
from . import django_session, outage_exemptions, session_guard
from .client_address import client_address
from .django_session import Access
from .middleware_order import BACKEND, PATH, positions
from .sign_in_marker import use_marker

# The request that is being looked up in this context. A log handler, a signal receiver or a project's ``USER_HANDLER``
# may read ``request.user`` meanwhile. It gets an anonymous user, so that a lookup does not start inside itself.
_resolving: ContextVar[RequestState | None] = ContextVar("ory_auth_resolving", default=None)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # Django checks no CSRF token for these


class _UnavailableInMiddleware(OryUnavailable, Http404):
    """Raised in middleware, where Django makes an error page of it at once, which the 503 then replaces.

    Django answers an ``Http404`` without a traceback in the log, a mail to ``ADMINS`` or ``got_request_exception``.
    """


class _AnonymousInPassing(AnonymousUser):
    """An anonymous user for those who ask in passing. Everybody else who uses it asks who it is by that."""

    def __init__(self, request: Any) -> None:
        object.__setattr__(self, "_request", request)

    def __getattribute__(self, name: str) -> Any:
        return getattr(_ask_again(self), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(_ask_again(self), name, value)

    def __str__(self) -> str:
        return str(_ask_again(self))

    def __eq__(self, other: object) -> bool:
        return bool(_ask_again(self) == other)

    def __hash__(self) -> int:
        return hash(_ask_again(self))


def _ask_again(user: _AnonymousInPassing) -> Any:
    return state_of(object.__getattribute__(user, "_request")).user()


class RequestState:
    """What is known of one request: its credential, the outcome, its user, and what its response needs.

    The defaults are class attributes, because an object is created for each request that asks.
    """

    asked = False  # the user or session was asked for, so the response depends on it
    raised = False  # OryUnavailable was raised, so the response must be a 503
    raised_in_middleware = False  # in middleware, which Django answered with an error page of its own
    renews_csrf_token = False  # a new Ory session: the browser gets a new CSRF token with the response
    optional = False  # the view has @ory_optional: the user is anonymous while Ory is down
    is_api = False  # an API asked, so the client gets JSON, never a page or a redirect
    refusal: OryAuthError | None = None  # what an API raised, whose framework may make a 500 of it
    view_error: BaseException | None = None  # what the view raised; an error page may follow
    cookies: tuple[str, ...] = ()  # Ory's, for the browser
    refused: Event | None = None  # why the person is not admitted
    assumes_optional_view = False  # in an outage, middleware got an anonymous user because the view is @ory_optional
    _outcome: Outcome | None = None
    _user: Any = None  # a user, or Unavailable
    _signed_out = False
    _not_told: Unavailable | None = None  # why Ory could not end the session
    _quiet = False
    _signing_out = False  # asked only to sign out, which has a rate limit of its own
    _waiting_signals: tuple[Callable[[], object], ...] = ()

    def __init__(self, request: Any, base_user: Any) -> None:
        self._request = weakref.ref(request)  # weak, so that no reference cycle waits for the garbage collector
        self.conf: Conf = conf()
        self._base_user = base_user  # request.user of Django's own middleware

    @property
    def request(self) -> Any:
        """The request, which holds this."""
        return self._request()

    @cached_property
    def lazy_user(self) -> Any:
        """The value of ``request.user`` until somebody assigns another one."""
        return self._lazy_user()

    @cached_property
    def _one_at_a_time(self) -> asyncio.Lock:
        """Tasks of one request that ask at the same time get the same outcome, failures included."""
        return asyncio.Lock()

    def _lazy_user(self) -> Any:
        request = self.request  # the lazy user keeps the request alive
        return SimpleLazyObject(lambda: state_of(request)._value_of_lazy_user())

    def _value_of_lazy_user(self) -> Any:
        """A lazy object keeps its value, but an anonymous user in passing is for this caller only."""
        user = self.user()
        return user if user is self._user or self.optional else _AnonymousInPassing(self.request)

    # --- the credential

    @cached_property
    def found(self) -> Credential | Malformed | None:
        """The one credential of the request, or what claims to be one."""
        events: EventsToLog = []
        found = find_credential(self.request.META, self.conf.session_cookie_name, events)
        self.__dict__["found"] = found  # before logging: a log handler may ask who the user is
        for event, facts in events:
            log(event, **facts)
        return found

    @property
    def credential(self) -> Credential | None:
        """The one credential, valid or not; ``None`` if there is none, or it is malformed."""
        found = self.found
        return found if isinstance(found, Credential) else None

    @property
    def personal(self) -> bool:
        """Whether the response may be for one person only: somebody asked, and there is a credential."""
        return self.asked and self.found is not None

    @property
    def in_view(self) -> bool:
        """Whether a view was found for the address."""
        return self.request.resolver_match is not None

    @property
    def _in_middleware(self) -> bool:
        """Whether this package's middleware has begun with the request, and will finish its response."""
        return bool(self.request.__dict__.get("_ory_in_middleware"))

    def wants_cookie(self, name: str) -> bool:
        """Whether to pass this cookie of Ory on to the browser: the session, and after a sign-out its CSRF token."""
        return name == self.conf.session_cookie_name or (self._signed_out and name.startswith(CSRF_PREFIX))

    def _key(self) -> str:
        return self.credential.key(self.conf) if self.credential else ""

    def _lookup(self, credential: Credential, **how: bool) -> Effects[Outcome]:
        client = client_address(self.request.META, self.conf.trusted_proxies)
        how = {"signing_out": self._signing_out, **how}
        return lookup(credential, self.conf, client=client, use_marker=partial(use_marker, self.request), **how)

    # --- the outcome at Ory

    def outcome(self, *, fresh: bool = False) -> Outcome:
        """Who this is at Ory. With ``fresh``, an outcome from a cache does not count, and Ory is asked."""
        if _resolving.get() is self:
            return self._outcome or SignedOut()
        token = _resolving.set(self)
        try:
            if not self._recalled(fresh):
                run_sync(self._decide(fresh), self.conf.timeout)
        finally:
            _resolving.reset(token)
        return self._outcome  # type: ignore[return-value]

    async def aoutcome(self, *, fresh: bool = False) -> Outcome:
        """:meth:`outcome` for coroutines."""
        if _resolving.get() is self:
            return self._outcome or SignedOut()
        token = _resolving.set(self)
        try:
            if not self._recalled(fresh):
                async with self._one_at_a_time:
                    if not self._recalled(fresh):
                        await run_async(self._decide(fresh), self.conf.timeout)
        finally:
            _resolving.reset(token)
        return self._outcome  # type: ignore[return-value]

    def _recalled(self, fresh: bool) -> bool:
        """Whether there is an outcome already; takes one that this process remembers, which needs no I/O."""
        if self._outcome is not None:
            return not (fresh and _from_cache(self._outcome))
        self.asked = True
        found = self.found
        if not isinstance(found, Credential):
            self._outcome = SignedOut(Event.MALFORMED if found else None)
        elif not fresh and not django_session.came(self.request):
            self._outcome = find_locally(found, self.conf)
        return self._outcome is not None

    def _decide(self, fresh: bool) -> Effects[None]:
        request, credential = self.request, cast(Credential, self.credential)
        came, flushed, failure = django_session.came(request), False, None
        sign_in = django_session.SignIn(exists=False, outranks=False)
        try:
            if came:
                sign_in = yield partial(self._read_sign_in, request, credential)
            if sign_in.outranks:
                outcome: Outcome = SignedOut()
            else:
                was_good = sign_in.exists and (yield partial(services_of(self.conf).cache.is_known, self._key()))
                outcome = yield from self._lookup(credential, fresh=fresh, skip_local=not came)
                if came and not isinstance(outcome, Unavailable):
                    outcome, flushed = yield partial(self._settle, request, credential, outcome, was_good)
        except DjangoDatabaseError as error:
            outcome, failure = Unavailable(Event.DB_UNAVAILABLE), error
        if isinstance(outcome, SignedIn) and outcome.cookies and not credential.kind.by_header:
            self.cookies = outcome.cookies
        if self._user is not None:
            self._user = self.refused = None
        self._outcome = outcome
        # Only now: a log handler may ask who the user is.
        if failure:
            log(Event.DB_UNAVAILABLE, error=type(failure).__name__)
        if flushed:
            self._base_user = None  # Django's middleware may have cached the user of the flushed session
            log(Event.IDENTITY_CHANGED, ended="django_session")

    def _read_sign_in(self, request: HttpRequest, credential: Credential) -> django_session.SignIn:
        with session_guard.unguarded():
            return django_session.read_sign_in(request, credential, self.conf)

    def _settle(
        self, request: HttpRequest, credential: Credential, outcome: Outcome, was_good: bool
    ) -> django_session.Settled:
        with session_guard.unguarded():
            settled = django_session.settle(request, outcome, credential, self.conf, was_good=was_good)
        session_guard.release(request.session)
        return settled

    def session(self) -> OrySession | None:
        """The Ory session, or ``None``; raises :class:`OryUnavailable`."""
        return self._session_in(self.outcome())

    async def asession(self) -> OrySession | None:
        """:meth:`session` for coroutines."""
        return self._session_in(await self.aoutcome())

    @property
    def known_outcome(self) -> Outcome | None:
        """The outcome if somebody has asked; does not ask."""
        return self._outcome

    @property
    def known_user(self) -> Any:
        """The user if somebody has asked; does not ask. May be ``Unavailable``."""
        return self._user

    def _session_in(self, outcome: Outcome) -> OrySession | None:
        if isinstance(outcome, SignedIn):
            return outcome.session
        if isinstance(outcome, Unavailable):
            self._tell(outcome)
        return None

    # --- the user

    def user(self) -> Any:
        """The user, anonymous where nobody is signed in; raises :class:`OryUnavailable`."""
        if self._quiet and (self._outcome is None or isinstance(self._outcome, Unavailable)):
            return AnonymousUser()  # an error page must not start a lookup
        if self._user is None:
            if _resolving.get() is self:
                return self._anonymous_meanwhile()
            token = _resolving.set(self)
            try:
                if not self._recalled_user():
                    run_sync(self._decide_user(), self.conf.timeout)
            finally:
                _resolving.reset(token)
        return self._told(self._user)

    async def auser(self) -> Any:
        """:meth:`user` for coroutines; fills ``request.user`` as well, which templates read."""
        if self.request.user is not self.lazy_user:
            return await _loaded(self.request.user)  # somebody has assigned another user, who stays
        user = await self.aown_user()
        if self.user_trouble is None or self.optional:  # else the next one who asks gets the outage
            self._show(user)
        return user

    async def aown_user(self) -> Any:
        """The user of the credential, even if another one was assigned to ``request.user``."""
        if self._user is None:
            if _resolving.get() is self:
                return self._anonymous_meanwhile()
            token = _resolving.set(self)
            try:
                if not self._recalled_user():
                    async with self._one_at_a_time:
                        if not self._recalled_user():
                            await run_async(self._decide_user(), self.conf.timeout)
            finally:
                _resolving.reset(token)
        return self._told(self._user)

    @property
    def user_trouble(self) -> Unavailable | None:
        """Why the user could not be loaded, if loading failed."""
        return self._user if isinstance(self._user, Unavailable) else None

    def _recalled_user(self) -> bool:
        """Whether there is a user already; takes one that this process remembers, which needs no I/O."""
        if (
            self._recalled(fresh=False)
            and isinstance(self._outcome, SignedIn)
            and provisioning.cached_user_needs_no_io(self.conf)
        ):
            found = provisioning.get_cached_user(self._outcome.session, self.conf)
            if found is not None:
                self._take(found, self.request, self._outcome.session)
        return self._user is not None

    def _decide_user(self) -> Effects[None]:
        if self._outcome is None:
            yield from self._decide(fresh=False)
        match self._outcome:
            case SignedIn(session):
                yield partial(self._load_user, self.request, session)
            case Unavailable() as outage:
                self._user = outage
            case _ if self._base_user is not None and not self._signed_out:
                try:
                    yield AsyncSafe(bool, self._base_user)  # a lazy object of Django's: this loads it
                    self._user = getattr(self._base_user, "_wrapped", self._base_user)
                except DjangoDatabaseError as error:
                    self._user = Unavailable(Event.DB_UNAVAILABLE)
                    log(Event.DB_UNAVAILABLE, error=type(error).__name__)
            case _:
                self._user = AnonymousUser()

    def _load_user(self, request: HttpRequest, session: OrySession) -> None:
        try:
            found = provisioning.load_user(session, self.conf)
        except OryUnavailable as error:
            self._user = Unavailable.of(error)
            return
        self._take(found, request, session)

    def _take(self, found: UserResult, request: HttpRequest, session: OrySession) -> None:
        self.refused = found.refused
        self._user = AnonymousUser() if found.user is None or found.refused else found.user
        if found.refused:
            log(found.refused, identity=str(session.identity.id))
        if found.user is not None:
            found.user.backend = BACKEND
            self._announce(found, found.user, request, session)

    def _announce(self, found: UserResult, user: Any, request: HttpRequest, session: OrySession) -> None:
        """Send signals, after the transaction that changed the user is committed."""
        if not (found.created or found.updated or found.new_sign_in):
            return
        facts = {"sender": type(user), "user": user, "identity": session.identity, "request": request}
        signals: list[Callable[[], object]] = []
        if found.created:
            signals.append(partial(user_created.send_robust, **facts))
        if found.linked:
            signals.append(partial(user_linked.send_robust, **facts))
        if found.updated:
            signals.append(partial(user_updated.send_robust, **facts))
        if found.new_sign_in:
            signals.append(partial(log, Event.SIGNED_IN, identity=str(session.identity.id), kind=self._kind()))
            signals.append(partial(user_logged_in.send_robust, sender=type(user), request=request, user=user))
        if not found.refused:
            self._show(user)  # receivers read request.user
        if found.new_sign_in and self._kind() == Kind.COOKIE:
            self._renew_csrf_token(request)
        transaction.on_commit(partial(self._send, tuple(signals)), using=router.db_for_write(get_user_model()))

    def _send(self, signals: tuple[Callable[[], object], ...]) -> None:
        """Send signals now, or when all middleware has begun: receivers may use what it adds to the request."""
        self._waiting_signals += signals
        if self.in_view or not self._in_middleware:
            self.send_waiting_signals()

    @property
    def has_waiting_signals(self) -> bool:
        """Whether :meth:`send_waiting_signals` has anything to do."""
        return bool(self._waiting_signals)

    def send_waiting_signals(self) -> None:
        """Send the signals that were held back. Django logs what a receiver raises, and the others get them as well."""
        signals, self._waiting_signals = self._waiting_signals, ()
        with self._showing_own_user():
            for send in signals:
                send()

    @contextmanager
    def _showing_own_user(self) -> Iterator[None]:
        """While signals are sent, ``request.user`` is whom they are about, even if somebody was assigned meanwhile."""
        request, user = self.request, self._user
        assigned = request.user
        if assigned is self.lazy_user or user is None or isinstance(user, Unavailable):
            yield
            return
        request.user = user
        try:
            yield
        finally:
            if request.user is user:
                request.user = assigned

    def _anonymous_meanwhile(self) -> AnonymousUser:
        """An anonymous user for this caller only: later ones get the real user, so the lazy user is replaced."""
        if self.request.user is self.lazy_user:
            self.lazy_user = self.request.user = self._lazy_user()
        return AnonymousUser()

    def _kind(self) -> str | None:
        return self.credential.kind.value if self.credential else None

    def _renew_csrf_token(self, request: HttpRequest) -> None:
        """Rotate the CSRF token as ``login()`` does: now, or with the response if this request is not checked yet."""
        if django_session.has_csrf_token(request):
            if request.method in SAFE_METHODS or getattr(request, "csrf_processing_done", False):
                django_session.renew_csrf_token(request)
            else:
                self.renews_csrf_token = True

    def _show(self, user: Any) -> None:
        if self.request.user is self.lazy_user:
            self.lazy_user = self.request.user = user

    def is_own_user_shown(self, request: Any) -> bool:
        """Whether ``request.user`` is the person of the Ory session, whoever may have assigned it.

        For use after :meth:`user`. ``request`` may be a copy, which has a ``user`` of its own.
        """
        shown = django_request(request).user
        return shown is self.lazy_user or is_same_user(shown, self._user)

    async def ais_own_user_shown(self, request: Any) -> bool:
        """:meth:`is_own_user_shown` for coroutines, whose ``request.auser`` may have been assigned as well."""
        request = django_request(request)
        if "auser" in request.__dict__ and not is_same_user(await request.auser(), self._user):
            return False
        if request.user is self.lazy_user:
            return True
        # What was assigned may be lazy, and query the database.
        return await sync_to_async(self.is_own_user_shown)(request)

    # --- outages

    def _told(self, user: Any) -> Any:
        if isinstance(user, Unavailable):
            self._tell(user)
            return AnonymousUser()
        return user

    def _tell(self, outcome: Unavailable) -> None:
        """Raise the outage, except for the few callers that get an anonymous user instead."""
        if self.optional:
            self.request.ory_unavailable = True
        elif outage_exemptions.is_login_required_middleware():
            self._anonymous_meanwhile()  # it also asks before views that need no sign-in
        elif outage_exemptions.is_recording(self.conf.recording_middleware):
            self._anonymous_meanwhile()
        elif self._is_for_optional_view():
            self.assumes_optional_view = self.request.ory_unavailable = True
            self._anonymous_meanwhile()
        elif not (self._quiet or outage_exemptions.is_signing_out() or outage_exemptions.is_error_page(self)):
            raise self.trouble(outcome)

    def _is_for_optional_view(self) -> bool:
        """Whether middleware asks, and the request is for a view with ``@ory_optional``."""
        request = self.request
        if self.in_view and not outage_exemptions.is_middleware():
            return False  # such as a decorator of the same view that requires a sign-in
        try:
            match = request.resolver_match or resolve(request.path_info, getattr(request, "urlconf", None))
        except Resolver404:
            return False
        return is_optional(match.func)

    def trouble(self, outcome: Unavailable) -> OryUnavailable:
        """The outage as an error to raise. From now on the response must not hide it."""
        self.raised = True
        if self._in_middleware and (not self.in_view or outage_exemptions.is_middleware()):
            self.raised_in_middleware = True
            return outcome.error(_UnavailableInMiddleware)
        return outcome.error()

    @contextmanager
    def seen_as_anonymous(self) -> Iterator[None]:
        """While an error page is rendered, the user is anonymous, so that a template cannot raise the outage again."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    @property
    def outage(self) -> Unavailable:
        """The outage that was raised (if ``raised``)."""
        return next((o for o in (self._outcome, self._user) if isinstance(o, Unavailable)), Unavailable())

    # --- beside Django's own sign-in

    def django_signed_in(self, user: Any) -> None:
        """Django's ``login()`` was called: that user counts for this request and this credential.

        If it is the user of the Ory session, the login is undone, because it would outlive a revocation at Ory.
        """
        request, credential = self.request, self.credential
        if credential is None or not hasattr(request, "session") or SESSION_KEY not in request.session:
            return
        self.asked = True
        outcome = self._outcome
        if not isinstance(outcome, SignedIn):
            with self._mark_as_resolving():
                outcome = run_sync(self._lookup(credential), self.conf.timeout)
        session = outcome.session if isinstance(outcome, SignedIn) else None
        if session is not None and _is_user_of(session, user):
            django_session.undo_sign_in(request)
            if outcome is not self._outcome:
                self._outcome, self._user = outcome, None
            log(Event.DJANGO_LOGIN_IGNORED, identity=str(session.identity.id))
            return
        django_session.remember_sign_in(request, self._key(), str(session.id) if session else None)
        self._outcome, self._user = SignedOut(), request.user

    def open_django_session(self, session: Any) -> bool:
        """Before Django's session is first read or written: hide its data if this request may not see them.

        ``False`` if that is not known yet, because a lookup is running. Raises :class:`OryUnavailable` if Ory does not
        say whose session it is.
        """
        if self._is_resolving():
            return False
        if self._needs_ory(session):
            self._hide_unless_known(session, self.outcome())
        return True

    async def aopen_django_session(self, session: Any) -> bool:
        """:meth:`open_django_session` for coroutines; the session is loaded already."""
        if self._is_resolving():
            return False
        if self._needs_ory(session):
            self._hide_unless_known(session, await self.aoutcome())
        return True

    @contextmanager
    def _mark_as_resolving(self) -> Iterator[None]:
        token = _resolving.set(self)
        try:
            yield
        finally:
            _resolving.reset(token)

    def _is_resolving(self) -> bool:
        return self._outcome is None and _resolving.get() is self

    def _needs_ory(self, session: Any) -> bool:
        with session_guard.unguarded():
            access = django_session.check_access(session, self.credential, self.conf)
            if access is not Access.ALLOWED or django_session.MARKS & session.keys():
                self.asked = True  # what the view sees depends on the credential
        if access is Access.HIDDEN:
            django_session.hide(session)
        return access is Access.UNKNOWN

    def _hide_unless_known(self, session: Any, outcome: Outcome) -> None:
        if isinstance(outcome, Unavailable):
            if session_guard.can_answer_503(session):
                self._tell(outcome)
            django_session.hide(session)  # a page that only greets, or one about the trouble itself
        else:
            with session_guard.unguarded():
                access = django_session.check_access(session, self.credential, self.conf)
                if access is Access.UNKNOWN and SESSION_KEY not in session:
                    django_session.hide(session)

    def claim_django_session(self) -> None:
        """After the view, and before Django's session is saved: store whose data this request has put into it."""
        if self._may_claim():
            self._claim(self.outcome())

    async def aclaim_django_session(self) -> None:
        """:meth:`claim_django_session` for coroutines."""
        if self._may_claim():
            self._claim(await self.aoutcome())

    def _may_claim(self) -> bool:
        """``False`` also while a lookup is running: the session is claimed after the view."""
        credential = self.credential
        if credential is None or self._signed_out or self._is_resolving():
            return False
        return django_session.is_unclaimed(self.request, credential, self.conf)

    def _claim(self, outcome: Outcome) -> None:
        match outcome:
            case SignedIn(session):
                django_session.claim(self.request, str(session.identity.id), self._key())
            case Unavailable():
                django_session.claim(self.request, None, self._key())

    # --- signing out

    def user_who_signs_out(self) -> Any:
        """Who it is, for ``user_logged_out``, within :meth:`seen_as_anonymous`; ``None`` if that is not known."""
        self._signing_out = True
        self.outcome()
        user = self.user()
        return user if user.is_authenticated else None

    def sign_out(self) -> Unavailable | None:
        """End the Ory session: here at once, and at Ory. ``Unavailable`` if Ory could not end it."""
        return run_sync(self._end(), self.conf.timeout)

    def _end(self) -> Effects[Unavailable | None]:
        self.asked = True
        credential, process, key = self.credential, services_of(self.conf), self._key()
        if credential is None or self._signed_out:
            return self._not_told
        known = self._outcome
        if known is None or known == SignedOut():  # Ory was not asked yet, or a Django sign-in outranks the session
            known = yield from self._lookup(credential, signing_out=True)
        if isinstance(known, Unavailable) and known.event == Event.FLOOD:
            return known
        ended_at_ory = isinstance(known, SignedOut) and known.reason != Event.LOGOUT
        if not ended_at_ory:
            session = known.session if isinstance(known, SignedIn) else None
            yield partial(process.cache.sign_out, key, session)
            write = log if session else log_sampled
            write(Event.LOGOUT, kind=credential.kind.value, credential=credential.fingerprint)
        self._outcome, self._user, self.refused, self._signed_out = SignedOut(Event.LOGOUT), None, None, True
        if ended_at_ory:
            return None
        answer: Any = known
        if not (isinstance(known, Unavailable) and known.event in ORY_IS_DOWN):  # do not wait for Ory twice
            answer = yield process.call(Priority.KNOWN, Client.end_session, credential)
        if isinstance(answer, Unavailable):
            log(answer.event, status=answer.status, error=answer.cause, at="logout")
            self._not_told = answer
            return answer
        self.cookies = () if answer is None or credential.kind.by_header else answer.cookies
        return None


def state_of(request: Any) -> RequestState:
    """The state of this request: Django's, or one that wraps it as DRF's does."""
    state = find_state(request)
    if state is None:
        raise ImproperlyConfigured(
            f"This {type(request).__name__} has not passed through {PATH!r}, so nothing is known about its user. "
            "In a test, call ory_auth.testing.prepare_request(request) first. If a middleware asks, move it below "
            "OryMiddleware in MIDDLEWARE. Consumers of Channels use ory_auth.channels."
        )
    return state


def django_request(request: Any) -> Any:
    """Django's request, which one of Django REST framework wraps."""
    return getattr(request, "_request", request)


def find_state(request: Any) -> RequestState | None:
    """:func:`state_of`, or ``None`` if this request has not passed through the middleware, as a test's may not."""
    state = getattr(django_request(request), "_ory_state", None)
    if isinstance(state, RequestState):
        return state
    if not positions(settings.MIDDLEWARE, PATH):
        raise ImproperlyConfigured(f"Add {PATH!r} to MIDDLEWARE: it is missing.")
    return None


async def _loaded(user: Any) -> Any:
    """A user that somebody assigned. A lazy one may ask Ory or the database, which would block here."""
    if isinstance(user, SimpleLazyObject):
        await sync_to_async(bool)(user)
    return user


def is_optional(view: object) -> bool:
    """Whether the view has ``@ory_optional``, below other decorators if these keep its attributes."""
    return getattr(view, "ory_optional", False) is True


def is_same_user(one: Any, other: Any) -> bool:
    """Whether both are the same row of the same model. They may be different objects."""
    kind, same_kind = (getattr(user, "_meta", None) for user in (one, other))
    if kind is None or same_kind is None or kind.concrete_model is not same_kind.concrete_model:
        return False
    return one.pk is not None and one.pk == other.pk


def _is_user_of(session: OrySession, user: Any) -> bool:
    """Whether this user is the shadow user of this Ory session, according to the database."""
    if not isinstance(user, get_user_model()):
        return False
    links = OryIdentity.objects.using(router.db_for_read(get_user_model()))
    return links.filter(pk=session.identity.id, user=user.pk).exists()


def _from_cache(outcome: Outcome) -> bool:
    if isinstance(outcome, SignedOut):
        return outcome.remembered
    return isinstance(outcome, SignedIn) and not outcome.fresh
