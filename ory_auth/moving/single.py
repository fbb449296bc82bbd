"""Move one user to Ory, such as when they next sign in with Django."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from cachetools import TTLCache
from django.views.decorators.debug import sensitive_variables

from ..conf import Conf, conf
from ..exceptions import NotFound, OryAuthError
from ..models import OryIdentity
from ..ory.admin_client import AdminClient, admin_client_of, not_the_admin_api, require_admin_access
from ..process.forks import after_fork
from ..users.database import writing_alias
from .capabilities import OryCapabilities, OryTooOld, ask_ory
from .links import save_links
from .notices import ORY_TOO_OLD, Notice
from .options import MoveOptions
from .pace import OneTry
from .people import Person, describe_users
from .results import NotImported
from .sending import RunFailed, Sender

CAPABILITIES_SECONDS = 300
MAX_PASSWORD_BYTES = 72  # that Ory hashes
DEFAULT_OPTIONS = MoveOptions()

_capabilities: TTLCache[tuple[str, str], OryCapabilities] = TTLCache(8, CAPABILITIES_SECONDS)
_lock = threading.Lock()


class ImportRefused(OryAuthError):
    """This user cannot be moved. ``code`` is the same as in the report of ``ory_import_users``."""

    def __init__(self, notice: Notice) -> None:
        super().__init__(f"{notice.text} {notice.fix}")
        self.code = notice.code


@sensitive_variables()
def import_user(user: Any, *, password: str | None = None, options: MoveOptions = DEFAULT_OPTIONS) -> UUID:
    """Create an identity at Ory for this user, with their password and second factors, and link the two.

    Returns the ID of the identity, also of one that the user had before. The user's Django password stays.

    ``password`` is the one with which the user has just signed in, if you have it. It is used only if Ory cannot check
    the hash of this site. If another identity has the user's address, the error is :class:`ImportRefused` with the code
    ``taken``.

    Raises :class:`ImportRefused`, or :class:`~ory_auth.exceptions.OryUnavailable` if Ory cannot be asked; then the next
    sign-in can try again. Makes a few calls to Ory, of ``TIMEOUT`` seconds each.
    Follows https://www.ory.com/docs/kratos/manage-identities/import-user-accounts-identities.
    """
    result = _import(user, password, options)
    del user, password  # error reports show the variables of the frame that raises
    if isinstance(result, OryAuthError):
        raise result
    return result


aimport_user = sync_to_async(import_user)


def _import(user: Any, password: str | None, options: MoveOptions) -> UUID | OryAuthError:
    """The ID of the identity, or the error without its frames."""
    existing = OryIdentity.objects.using(writing_alias()).filter(user_id=user.pk).values_list("pk", flat=True).first()
    if existing is not None:
        return existing
    settings = conf()
    require_admin_access(settings)
    client = admin_client_of(settings)
    if password is not None and len(password.encode()) > MAX_PASSWORD_BYTES:
        password = None
    if password is not None:
        options = replace(options, migration_hook=True)  # no problem: the password takes its place
    try:
        capabilities = _get_capabilities(client, settings, options.schema_id)
    except OryTooOld:
        return ImportRefused(ORY_TOO_OLD)
    except ValueError as error:  # the schema is not clear: a text for people
        return ImportRefused(Notice("schema", str(error), "Set MoveOptions.schema_id."))
    except NotFound:
        return not_the_admin_api()
    except OryAuthError as error:
        return error.with_traceback(None)
    try:
        [person] = describe_users([user], options, capabilities)
        if password is not None and person.password == "hook":
            person = _with_password(person, password)
        if person.problems:
            return ImportRefused(person.problems[0])
        [result] = save_links(Sender(client, OneTry()).send([person]), by="import_user")
    except RunFailed as failed:
        return failed.error
    return ImportRefused(result.notice) if isinstance(result, NotImported) else result.identity_id


def _with_password(person: Person, password: str) -> Person:
    """The person with the password itself, which Ory hashes."""
    credentials = {**person.body.get("credentials", {}), "password": {"config": {"password": password}}}
    return replace(person, body={**person.body, "credentials": credentials}, password="plain")  # noqa: S106


def _get_capabilities(client: AdminClient, settings: Conf, schema_id: str) -> OryCapabilities:
    """What Ory says it takes, remembered for a few minutes."""
    key = settings.admin_url, schema_id
    with _lock:
        known = _capabilities.get(key)
    if known is None:
        known = ask_ory(client, settings, schema_id)
        with _lock:
            _capabilities[key] = known
    return known


def reset() -> None:
    """Forget what Ory has said."""
    global _capabilities, _lock
    _capabilities, _lock = TTLCache(8, CAPABILITIES_SECONDS), threading.Lock()


after_fork(reset)
