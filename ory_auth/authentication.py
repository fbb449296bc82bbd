"""Who a request comes from: the pipeline, and the one object per request that remembers what came of it.

::

    headers, cookies → Credential → lookup → OrySession → shadow user → request.user

Nothing happens until someone asks, and whoever asks again gets the same answer, failures included. What is decided
here is carried out by :mod:`ory_auth.steps`, for sync and async callers alike.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, cast

from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DjangoDatabaseError
from django.db import router, transaction
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, cached_property

from . import asker, django_session, users
from .client_address import client_address
from .conf import Conf, conf
from .cookies import CSRF_PREFIX
from .credentials import Credential, Malformed, Note, find
from .events import Event, log, log_sampled
from .exceptions import OryUnavailable
from .flights import ORY_IS_DOWN, Priority, flights
from .lookup import lookup, recall
from .outcomes import Outcome, SignedIn, SignedOut, Unavailable
from .placement import BACKEND
from .sign_in_marker import use_marker
from .signals import user_created, user_linked, user_updated
from .steps import Guarded, Steps, arun, run
from .types import OrySession

# The state whose question is being answered in this context. A log handler, a signal receiver or a project's
# ``USER_HANDLER`` may read ``request.user`` meanwhile: it gets an anonymous user, and the question is asked once.
_resolving: ContextVar[RequestState | None] = ContextVar("ory_auth_resolving", default=None)


class RequestState:
    """What is known of one request: its credential, the outcome, its user, and what its response has to say.

    Made when somebody asks: what is not known yet costs nothing, so it stands at the class.
    """

    asked = False  # somebody wanted to know: the response depends on who it is
    raised = False  # somebody was told that Ory is unavailable: the response must not hide it
    optional = False  # the view only greets: anonymous while Ory is down
    view_error: BaseException | None = None  # what the view raised: an error page may be being made
    cookies: tuple[str, ...] = ()  # Ory's, for the browser
    refused: Event | None = None  # why the person whom Ory knows is not let in
    _outcome: Outcome | None = None
    _user: Any = None  # a user, or Unavailable
    _signed_out = False
    _not_told: Unavailable | None = None  # Ory could not be told of the sign-out
    _quiet = False

    def __init__(self, request: Any, base_user: Any) -> None:
        self._request = weakref.ref(request)  # a circle of the two would be rubbish that waits for the collector
        self.conf: Conf = conf()
        self._base_user = base_user  # whom Django's own middleware would name

    @property
    def request(self) -> Any:
        """The request, which holds this."""
        return self._request()

    @cached_property
    def lazy_user(self) -> Any:
        """What ``request.user`` is until somebody puts another one there."""
        return self._lazy_user()

    def _lazy_user(self) -> Any:
        request = self.request  # held by whoever has the user
        return SimpleLazyObject(lambda: state_of(request).user())

    # --- what came

    @cached_property
    def found(self) -> Credential | Malformed | None:
        """The one credential of the request, or what claims to be one."""
        notes: list[Note] = []
        found = find(self.request.META, self.conf.session_cookie_name, notes.append)
        self.__dict__["found"] = found  # before anything is logged: whatever listens may ask who this is
        for event, facts in notes:
            log(event, **facts)
        return found

    @property
    def credential(self) -> Credential | None:
        """The one credential, whatever it is worth."""
        found = self.found
        return found if isinstance(found, Credential) else None

    @property
    def personal(self) -> bool:
        """Whether the response may be about one person: somebody asked, and a credential came."""
        return self.asked and self.found is not None

    @property
    def in_view(self) -> bool:
        """Whether a view was found for the address."""
        return self.request.resolver_match is not None

    def wants_cookie(self, name: str) -> bool:
        """Whether this cookie of Ory's is the browser's business: the session, and after a sign-out its CSRF token."""
        return name == self.conf.session_cookie_name or (self._signed_out and name.startswith(CSRF_PREFIX))

    def _key(self) -> str:
        return self.credential.key(self.conf) if self.credential else ""

    def _lookup(self, credential: Credential, **how: bool) -> Steps[Outcome]:
        client = client_address(self.request.META, self.conf.trusted_proxies)
        return lookup(credential, self.conf, client=client, use_marker=partial(use_marker, self.request), **how)

    # --- what Ory says

    def outcome(self, *, fresh: bool = False) -> Outcome:
        """Who Ory says this is; ``fresh`` asks again, past every cache, where a cache answered so far."""
        if _resolving.get() is self:
            return self._outcome or SignedOut()
        token = _resolving.set(self)
        try:
            if not self._recalled(fresh):
                run(self._decide(fresh), self.conf.timeout)
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
                await arun(self._decide(fresh), self.conf.timeout)
        finally:
            _resolving.reset(token)
        return self._outcome  # type: ignore[return-value]

    def _recalled(self, fresh: bool) -> bool:
        """Whether there is an outcome that will do; one that this process remembers is taken without further ado."""
        if self._outcome is not None:
            return not (fresh and _from_cache(self._outcome))
        self.asked = True
        found = self.found
        if not isinstance(found, Credential):
            self._outcome = SignedOut(Event.MALFORMED if found else None)
        elif not fresh and not django_session.came(self.request):
            self._outcome = recall(found, self.conf)
        return self._outcome is not None

    def _decide(self, fresh: bool) -> Steps[None]:
        request, credential = self.request, cast(Credential, self.credential)
        django = django_session.came(request)
        try:
            if django and (yield partial(django_session.outranks, request, self._key())):
                self._outcome = SignedOut()
                return
            outcome = yield from self._lookup(credential, fresh=fresh, recalled=not django)
            if django and isinstance(outcome, SignedIn):
                identity = str(outcome.session.identity.id)
                yield partial(django_session.belong_to, request, identity, self._key())
            elif django and not isinstance(outcome, Unavailable):
                yield partial(django_session.end_sign_in, request)
        except DjangoDatabaseError as error:
            outcome = _database_down(error)
        if isinstance(outcome, SignedIn) and outcome.cookies and not credential.kind.by_header:
            self.cookies = outcome.cookies
        if self._user is not None:
            self._user = self.refused = None
        self._outcome = outcome

    def session(self) -> OrySession | None:
        """The Ory session, or ``None``; raises :class:`OryUnavailable`."""
        return self._session_in(self.outcome())

    async def asession(self) -> OrySession | None:
        """:meth:`session` for coroutines."""
        return self._session_in(await self.aoutcome())

    def _session_in(self, outcome: Outcome) -> OrySession | None:
        if isinstance(outcome, SignedIn):
            return outcome.session
        if isinstance(outcome, Unavailable):
            self._tell(outcome)
        return None

    # --- who that is here

    def user(self) -> Any:
        """The user, anonymous where nobody is signed in; raises :class:`OryUnavailable`."""
        if self._quiet and (self._outcome is None or isinstance(self._outcome, Unavailable)):
            return AnonymousUser()  # a page about trouble asks nobody anything
        if self._user is None:
            if _resolving.get() is self:
                return self._anonymous_meanwhile()
            token = _resolving.set(self)
            try:
                if not self._recalled_user():
                    run(self._decide_user(), self.conf.timeout)
            finally:
                _resolving.reset(token)
        return self._told(self._user)

    async def auser(self) -> Any:
        """:meth:`user` for coroutines; fills ``request.user`` as well, which templates read."""
        if self.request.user is not self.lazy_user:
            return self.request.user  # somebody put another one there, and that stands
        user = await self.aown_user()
        self._show(user)
        return user

    async def aown_user(self) -> Any:
        """The user of the credential, whoever else may have been put into ``request.user``."""
        if self._user is None:
            if _resolving.get() is self:
                return self._anonymous_meanwhile()
            token = _resolving.set(self)
            try:
                if not self._recalled_user():
                    await arun(self._decide_user(), self.conf.timeout)
            finally:
                _resolving.reset(token)
        return self._told(self._user)

    @property
    def user_trouble(self) -> Unavailable | None:
        """Why the user could not be loaded, where that was tried."""
        return self._user if isinstance(self._user, Unavailable) else None

    def _recalled_user(self) -> bool:
        """Whether this process remembers the user, too."""
        if self._recalled(fresh=False) and isinstance(self._outcome, SignedIn) and users.recalls_at_once(self.conf):
            found = users.recall(self._outcome.session, self.conf)
            if found is not None:
                self._take(found, self.request, self._outcome.session)
        return self._user is not None

    def _decide_user(self) -> Steps[None]:
        if self._outcome is None:
            yield from self._decide(fresh=False)
        match self._outcome:
            case SignedIn(session):
                yield partial(self._load_user, self.request, session)
            case Unavailable() as outage:
                self._user = outage
            case SignedOut(reason=None) if self._base_user is not None:
                try:
                    yield Guarded(bool, self._base_user)  # a lazy object of Django's: this loads it
                    self._user = getattr(self._base_user, "_wrapped", self._base_user)
                except DjangoDatabaseError as error:
                    self._user = _database_down(error)
            case _:
                self._user = AnonymousUser()

    def _load_user(self, request: HttpRequest, session: OrySession) -> None:
        try:
            found = users.load(session, self.conf)
        except OryUnavailable as error:
            self._user = Unavailable.of(error)
            return
        self._take(found, request, session)

    def _take(self, found: users.Found, request: HttpRequest, session: OrySession) -> None:
        self.refused = found.refused
        self._user = AnonymousUser() if found.user is None or found.refused else found.user
        if found.refused:
            log(found.refused, identity=str(session.identity.id))
        if found.user is not None:
            found.user.backend = BACKEND
            self._announce(found, found.user, request, session)

    def _announce(self, found: users.Found, user: Any, request: HttpRequest, session: OrySession) -> None:
        """Signals, once the transaction that made them true is committed."""
        if not (found.created or found.updated or found.new_sign_in):
            return
        facts = {"sender": type(user), "user": user, "identity": session.identity, "request": request}
        news: list[Callable[[], Any]] = []
        if found.created:
            news.append(partial(user_created.send, **facts))
        if found.linked:
            news.append(partial(user_linked.send, **facts))
        if found.updated:
            news.append(partial(user_updated.send, **facts))
        if found.new_sign_in:
            news.append(partial(user_logged_in.send, sender=type(user), request=request, user=user))
        if not found.refused:
            self._show(user)  # receivers read request.user
        for tell in news:
            transaction.on_commit(tell, using=router.db_for_write(get_user_model()))

    def _anonymous_meanwhile(self) -> AnonymousUser:
        """Whoever asks now gets an anonymous user; whoever asks next gets the truth, so no lazy object may keep it."""
        if self.request.user is self.lazy_user:
            self.lazy_user = self.request.user = self._lazy_user()
        return AnonymousUser()

    def _show(self, user: Any) -> None:
        if self.request.user is self.lazy_user:
            self.lazy_user = self.request.user = user

    # --- trouble

    def _told(self, user: Any) -> Any:
        if isinstance(user, Unavailable):
            self._tell(user)
            return AnonymousUser()
        return user

    def _tell(self, outcome: Unavailable) -> None:
        """Raise the outage, but for the few who are to see an anonymous user meanwhile."""
        if self.optional:
            self.request.ory_unavailable = True
        elif asker.is_login_required_middleware():
            self._anonymous_meanwhile()  # it asks before views that need no sign-in as well
        elif not (self._quiet or asker.is_signing_out() or asker.is_error_page(self)):
            raise self.trouble(outcome)

    def trouble(self, outcome: Unavailable) -> OryUnavailable:
        """The outage as an error to raise; from now on the response may not look as if there had been none."""
        self.raised = True
        return outcome.error()

    @contextmanager
    def seen_as_anonymous(self) -> Iterator[None]:
        """While a page about trouble is made: a template that greets gets an anonymous user, not the trouble again."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    @property
    def outage(self) -> Unavailable:
        """The outage that somebody was told of (where ``raised``)."""
        return next((o for o in (self._outcome, self._user) if isinstance(o, Unavailable)), Unavailable())

    # --- beside Django's own sign-in

    def django_signed_in(self) -> None:
        """Somebody has just signed in with Django: for this request and this credential, that is who it is."""
        if self.credential and hasattr(self.request, "session") and SESSION_KEY in self.request.session:
            django_session.remember_sign_in(self.request, self._key())
            self._outcome, self._user = SignedOut(), self.request.user

    def claim_django_session(self) -> None:
        """Before the response goes: what was put into Django's session belongs to whoever this is."""
        if self.credential and hasattr(self.request, "session") and not self._signed_out:
            known = self._outcome
            if known is None or isinstance(known, (SignedIn, Unavailable)):
                identity = str(known.session.identity.id) if isinstance(known, SignedIn) else None
                django_session.claim(self.request, identity, self._key())

    # --- signing out

    def sign_out(self) -> Unavailable | None:
        """End the Ory session: here at once, and at Ory. ``Unavailable`` where Ory could not be told."""
        return run(self._end(), self.conf.timeout)

    def _end(self) -> Steps[Unavailable | None]:
        self.asked = True
        credential, process, key = self.credential, flights(self.conf), self._key()
        if credential is None or self._signed_out:
            return self._not_told
        known = self._outcome
        if known is None or known == SignedOut():  # not asked so far: nobody was, or a Django sign-in outranked it
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
        if not (isinstance(known, Unavailable) and known.event in ORY_IS_DOWN):  # then nobody waits for Ory twice
            answer = yield process.call(lambda client: client.end_session(credential), Priority.HIGH)
        if isinstance(answer, Unavailable):
            log(answer.event, status=answer.status, error=answer.cause, at="logout")
            self._not_told = answer
            return answer
        self.cookies = () if answer is None or credential.kind.by_header else answer.cookies
        return None


def state_of(request: Any) -> RequestState:
    """The state that the middleware put on this request (Django's, or one that wraps it as DRF's does)."""
    state = getattr(getattr(request, "_request", request), "_ory_state", None)
    if not isinstance(state, RequestState):
        raise ImproperlyConfigured("Add 'ory_auth.middleware.OryMiddleware' to MIDDLEWARE: it is missing.")
    return state


def _from_cache(outcome: Outcome) -> bool:
    if isinstance(outcome, SignedOut):
        return outcome.remembered
    return isinstance(outcome, SignedIn) and not outcome.fresh


def _database_down(error: Exception) -> Unavailable:
    log(Event.DB_UNAVAILABLE, error=type(error).__name__)
    return Unavailable(Event.DB_UNAVAILABLE)
