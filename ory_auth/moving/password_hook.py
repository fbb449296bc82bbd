"""``ory_auth:password_migration``: tells Ory whether a password is that of a Django user.

Ory asks once for each person who was imported with ``use_password_migration_hook``. If the password matches, Ory stores
a hash of it, and never asks again. https://www.ory.com/docs/kratos/manage-identities/import-user-accounts-identities
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import RequestDataTooBig, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from ..conf import conf
from ..events import Event, log
from ..models import OryIdentity
from ..ory.admin_client import admin_client_of, has_admin_access
from ..ory.identifiers import normalize_identifier
from ..users.fields import email_field, has_field, user_fields, user_model
from ..webhooks.authentication import is_authentic
from .attempts import Attempt, acquire

MAX_BODY_BYTES = 16 * 1024
MATCH, NO_MATCH, TROUBLE = 200, 403, 503  # anything else is an error to Ory, and the person sees an error page


@dataclass(frozen=True, slots=True)
class Question:
    """What Ory wants to know. ``external_id`` is empty unless the hook's body template sends it."""

    identifier: str = field(repr=False)
    password: str = field(repr=False)
    external_id: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """The status of the response, and the event that is logged, if any, with its facts."""

    status: int
    event: Event | None = None
    reason: str | None = None
    user: str | None = None


@never_cache
@require_POST
def password_migration(request: HttpRequest) -> HttpResponse:
    """200 if the password matches, 403 if not, 503 if this site cannot say. 404 without the setting."""
    secrets = conf().password_migration_secrets
    if not secrets:
        raise Http404
    if is_authentic(request.headers.get("Authorization", ""), secrets):
        answer = _answer(request)
    else:
        answer = Answer(NO_MATCH, Event.PASSWORD_MIGRATION_REFUSED, "secret")
    if answer.event:
        log(answer.event, reason=answer.reason, user=answer.user)
    content = {"status": "password_match"} if answer.status == MATCH else {}
    response = JsonResponse(content, status=answer.status)
    response._has_been_logged = True  # type: ignore[attr-defined]  # read by Django's log_response()
    return response


@sensitive_variables()
def _answer(request: HttpRequest) -> Answer:
    """Raises nothing, so that no error report has the frames of this module."""
    try:
        question = _read_question(request)
        if question is None:
            return Answer(NO_MATCH, Event.PASSWORD_MIGRATION_REFUSED, "body")
        match acquire(question.external_id or normalize_identifier(question.identifier)):
            case Attempt.TOO_MANY_FOR_PERSON:
                return Answer(NO_MATCH, Event.PASSWORD_MIGRATION_REFUSED, "too_many_attempts")
            case Attempt.TOO_MANY:
                return Answer(TROUBLE, Event.FLOOD, "password_migration")
        return _check(question)
    except Exception as error:  # of the database, or of a project's own hasher
        return Answer(TROUBLE, Event.PASSWORD_MIGRATION_FAILED, type(error).__name__)


@sensitive_variables()
def _read_question(request: HttpRequest) -> Question | None:
    try:
        body = request.body if request.content_type == "application/json" else b""
    except (RequestDataTooBig, UnreadablePostError):
        return None
    request._body = b""  # error collectors read it again when something is logged
    if len(body) > MAX_BODY_BYTES:
        return None
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    texts = [content.get(name) or "" for name in ("identifier", "password", "external_id")]
    if not all(isinstance(text, str) for text in texts) or not texts[0] or not texts[1]:
        return None
    return Question(*texts)


@sensitive_variables()
def _check(question: Question) -> Answer:
    """A person who is not known takes as long as a wrong password."""
    user = _find_user(question)
    if user is None:
        make_password(question.password)
        return Answer(NO_MATCH, Event.PASSWORD_MIGRATION_REFUSED, "unknown_user")
    # Without a setter: the hash in Django stays as it is.
    if not check_password(question.password, user.password):
        return Answer(NO_MATCH)
    if not getattr(user, "is_active", True):
        return Answer(NO_MATCH, Event.PASSWORD_MIGRATION_REFUSED, "inactive", str(user.pk))
    return Answer(MATCH, Event.PASSWORD_MIGRATED, user=str(user.pk))


@sensitive_variables()
def _find_user(question: Question) -> Any:
    """The user, as the import has described them to Ory. ``None`` unless there is exactly one."""
    users = user_model()._default_manager
    primary_key = question.external_id or _find_primary_key(question.identifier)
    if primary_key:
        try:
            return users.filter(pk=primary_key).first()
        except (ValueError, ValidationError, OverflowError):
            return None
    wanted = normalize_identifier(question.identifier)
    if not wanted or "\x00" in wanted:
        return None
    names = _identifying_fields()
    candidates = models.Q()
    for name in names:
        candidates |= models.Q(**{f"{name}__iexact": question.identifier.strip()})
    # The database finds candidates. Python compares as Ory does: some databases ignore accents.
    found = [
        user
        for user in users.filter(candidates)
        if any(normalize_identifier(str(getattr(user, name) or "")) == wanted for name in names)
    ]
    return found[0] if len(found) == 1 else None


@sensitive_variables()
def _find_primary_key(identifier: str) -> str:
    """The user of the identity that signs in with this, after Ory's admin API; empty if the identity has none.

    The fields of users may have changed since the import: another user may have the address by now.
    """
    settings = conf()
    if not has_admin_access(settings) or "\x00" in identifier:
        return ""
    found = admin_client_of(settings).find_by_identifier(identifier.strip())
    if len(found) != 1:
        return ""
    if external_id := found[0].get("external_id"):
        return str(external_id)
    link = OryIdentity.objects.filter(pk=found[0]["id"]).exclude(user=None).first()
    return "" if link is None else str(link.user_id)


def _identifying_fields() -> list[str]:
    """The user's fields that people sign in with: the e-mail address, the username, and unique fields from traits."""
    model = user_model()
    names = {email_field(), model.USERNAME_FIELD}
    for name, path in user_fields(conf()).items():
        if path.startswith("traits.") and model._meta.get_field(name).unique:
            names.add(name)
    return sorted(
        name for name in names if has_field(name) and isinstance(model._meta.get_field(name), models.CharField)
    )


PAGES = {"password_migration": password_migration}
