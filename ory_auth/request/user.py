"""The user of a request: the shadow user of the Ory session, Django's own user, or an anonymous one."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import Error as DjangoDatabaseError
from django.db import router
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from ..events import Event, log
from ..exceptions import OryUnavailable
from ..models import OryIdentity
from ..sessions.driver import AsyncSafe, Effects, run_async, run_sync
from ..sessions.outcomes import SignedIn, SignedOut, Unavailable
from ..types import OrySession
from ..users import provisioning
from ..users.result import UserResult
from .impersonation import end_without_session, find_impersonated_user
from .middleware_order import ORY_BACKEND
from .outages import raise_unless_exempt
from .outcome import set_local_outcome, set_outcome
from .user_signals import send_signals
from .values import NOT_SET, RequestValues, Resolving, is_resolving


def get_user(values: RequestValues) -> Any:
    """The user of the credential, anonymous if nobody is signed in; raises :class:`OryUnavailable`."""
    if values.hides_outages and (values.current_outcome is None or isinstance(values.current_outcome, Unavailable)):
        return AnonymousUser()  # an error page must not start a lookup
    if values.current_user is None:
        if is_resolving(values):
            return _anonymous_for_this_caller(values)
        find_user(values)
    return _user_or_raise(values)


async def aget_user(values: RequestValues) -> Any:
    """:func:`get_user` for coroutines."""
    if values.current_user is None:
        if is_resolving(values):
            return _anonymous_for_this_caller(values)
        await afind_user(values)
    return _user_or_raise(values)


def _set_local_user(values: RequestValues) -> None:
    """Set the user if this process can tell it without I/O."""
    set_local_outcome(values)
    outcome = values.current_outcome
    if values.may_impersonate:
        return  # the database has to be asked
    if isinstance(outcome, SignedIn) and provisioning.cached_user_needs_no_io(values.conf):
        result = provisioning.get_cached_user(outcome.session, values.conf)
        if result is not None:
            _apply_user(values, values.request, outcome.session, result)


def _set_user(values: RequestValues) -> Effects[None]:
    """Set the outcome and the user."""
    if values.current_outcome is None:
        yield from set_outcome(values)
    if isinstance(values.current_outcome, SignedOut) and values.may_impersonate:
        yield AsyncSafe(end_without_session, values)
    match values.current_outcome:
        case SignedIn(session):
            yield partial(_load_user, values, values.request, session)
        case Unavailable() as outage:
            values.current_user = outage
        case _ if values.django_user is not None and not values.signed_out:
            yield from _load_django_user(values, values.django_user)
        case _:
            values.current_user = AnonymousUser()


def _load_user(values: RequestValues, request: HttpRequest, session: OrySession) -> None:
    may_impersonate, person = values.may_impersonate, None
    try:
        result = provisioning.load_user(session, values.conf, from_cache=not may_impersonate)
        if may_impersonate and result.user is not None and not result.refused:
            person = find_impersonated_user(values, session, result.user)
    except OryUnavailable as error:
        values.current_user = Unavailable.of(error)
        return
    reference = values.impersonation_reference if person is not None else None
    if reference is not None:
        show_person(values, person, actor=result.user, impersonation_id=reference.impersonation_id)
    _apply_user(values, request, session, result)


def show_person(values: RequestValues, person: Any, *, actor: Any, impersonation_id: UUID) -> None:
    """From now on, the user of this request is ``person``, whom ``actor`` impersonates."""
    values.actor, values.impersonation_id, values.current_user = actor, impersonation_id, person
    show_user(values, person)


def _load_django_user(values: RequestValues, django_user: Any) -> Effects[None]:
    """Set the user of Django's own middleware, a lazy object which may query the database."""
    try:
        yield AsyncSafe(bool, django_user)
        values.current_user = getattr(django_user, "_wrapped", django_user)
    except DjangoDatabaseError as error:
        values.current_user = Unavailable(Event.DB_UNAVAILABLE)
        log(Event.DB_UNAVAILABLE, error=type(error).__name__)


def _apply_user(values: RequestValues, request: HttpRequest, session: OrySession, result: UserResult) -> None:
    """Set the user that was found for the session, and send signals about it."""
    values.not_admitted = result.refused
    if values.actor is None:  # otherwise another thread or task would get the staff member for a moment
        values.current_user = AnonymousUser() if result.user is None or result.refused else result.user
    if result.refused:
        log(result.refused, identity=str(session.identity.id))
    if result.user is not None:
        result.user.backend = ORY_BACKEND
        if result.created or result.updated or result.new_sign_in:
            if not result.refused and values.actor is None:
                show_user(values, result.user)  # receivers of the signals read request.user
            send_signals(values, result, request, session)


def find_user(values: RequestValues) -> Any:
    """The user, or ``Unavailable``. Raises nothing for an outage. ``None`` while the user is being looked up."""
    if values.current_user is None and not is_resolving(values):
        with Resolving(values):
            _set_local_user(values)
            if values.current_user is None:
                run_sync(_set_user(values), values.conf.timeout)
    return values.current_user


async def afind_user(values: RequestValues) -> Any:
    """:func:`find_user` for coroutines."""
    if values.current_user is None and not is_resolving(values):
        with Resolving(values):
            _set_local_user(values)
            if values.current_user is None:
                async with values.async_lock:
                    if values.current_user is None:  # another task may have found it meanwhile
                        await run_async(_set_user(values), values.conf.timeout)
    return values.current_user


def _user_or_raise(values: RequestValues) -> Any:
    """The user; in an outage an error, or an anonymous user for callers that are exempt."""
    if not isinstance(values.current_user, Unavailable):
        return values.current_user
    if raise_unless_exempt(values, values.current_user):
        return _anonymous_for_this_caller(values)
    return AnonymousUser()


# --- request.user


def get_request_user(values: RequestValues) -> Any:
    """The value of ``request.user`` until code assigns another one: a lazy object, which loads the user when used."""
    if values.request_user is NOT_SET:
        values.request_user = _make_lazy_user(values.request)
    return values.request_user


async def aget_request_user(values: RequestValues) -> Any:
    """What ``await request.auser()`` returns. It loads ``request.user`` as well, which templates read."""
    request = values.request
    if request.user is not values.request_user:
        return await _load_assigned_user(request.user)
    user = await aget_user(values)
    # An anonymous user for this caller only, in a lookup or an outage, must not replace the real one.
    if user is values.current_user or (values.view_is_optional and values.user_outage):
        show_user(values, user)
    return user


def show_user(values: RequestValues, user: Any) -> None:
    """Put a user on ``request.user``, unless code has assigned another one."""
    request = values.request
    if request.user is values.request_user:
        values.request_user = request.user = user


def _make_lazy_user(request: Any) -> Any:
    def load_user() -> Any:  # not a partial: its repr, in that of the lazy user, would show the query string
        return _load_lazy_user(request)

    return SimpleLazyObject(load_user)


def _load_lazy_user(request: Any) -> Any:
    """Load the user for a lazy object, which stores it. An anonymous user that only one caller may get is replaced."""
    values: RequestValues = request._ory_state
    user = get_user(values)
    return user if user is values.current_user or values.view_is_optional else _AnonymousForOneCaller(request)


def _anonymous_for_this_caller(values: RequestValues) -> AnonymousUser:
    """An anonymous user for this caller only. Later ones get the real user, so the lazy user is replaced."""
    show_user(values, _make_lazy_user(values.request))
    return AnonymousUser()


class _AnonymousForOneCaller(AnonymousUser):
    """In a lazy user, in place of an anonymous user that only one caller may get: every use loads the user again."""

    def __init__(self, request: Any) -> None:
        object.__setattr__(self, "_request", request)

    def __getattribute__(self, name: str) -> Any:
        return getattr(_load_again(self), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(_load_again(self), name, value)

    def __str__(self) -> str:
        return str(_load_again(self))

    def __eq__(self, other: object) -> bool:
        return bool(_load_again(self) == other)

    def __hash__(self) -> int:
        return hash(_load_again(self))


def _load_again(user: _AnonymousForOneCaller) -> Any:
    return get_user(object.__getattribute__(user, "_request")._ory_state)


async def _load_assigned_user(user: Any) -> Any:
    """A user that code has assigned. A lazy one may call Ory or the database, which would block here."""
    if isinstance(user, SimpleLazyObject):
        await sync_to_async(bool)(user)
    return user


# --- whose user it is


def is_own_user_shown(values: RequestValues, request: Any) -> bool:
    """Whether ``request.user`` is the person of the Ory session, no matter what assigned it.

    For use after :func:`get_user`. ``request`` may be a copy, which has its own ``user``.
    """
    return _is_untouched(values, request) or is_same_user(request.user, values.current_user)


def _is_untouched(values: RequestValues, request: Any) -> bool:
    """Whether ``request.user`` is what this package has put there, and no impersonation has ended since."""
    return request.user is values.request_user and not values.impersonation_has_ended


async def ais_own_user_shown(values: RequestValues, request: Any) -> bool:
    """:func:`is_own_user_shown` for coroutines, whose ``request.auser`` may also have been assigned."""
    if "auser" in request.__dict__ and not is_same_user(await request.auser(), values.current_user):
        return False
    if _is_untouched(values, request):
        return True
    # What was assigned may be lazy, and query the database.
    return await sync_to_async(is_own_user_shown)(values, request)


def is_same_user(one: Any, other: Any) -> bool:
    """Whether both are the same row of the same model. They may be different objects."""
    kind, same_kind = (getattr(user, "_meta", None) for user in (one, other))
    if kind is None or same_kind is None or kind.concrete_model is not same_kind.concrete_model:
        return False
    return one.pk is not None and one.pk == other.pk


def is_user_of(session: OrySession, user: Any) -> bool:
    """Whether this user is the shadow user of this Ory session, according to the database."""
    if not isinstance(user, get_user_model()):
        return False
    links = OryIdentity.objects.using(router.db_for_read(get_user_model()))
    return links.filter(pk=session.identity.id, user=user.pk).exists()
