"""The data that Ory and this site have about a person, as a JSON file for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control

from ...types import OrySession
from ...users.handler import import_handler_class
from .access import Visit, account_page
from .other_sessions import fetch_other_sessions

FILE_NAME = "account-data.json"
IDENTITY_KEYS = (
    "id",
    "schema_id",
    "state",
    "created_at",
    "updated_at",
    "organization_id",
    "traits",
    "metadata_public",
    "verifiable_addresses",
    "recovery_addresses",
)
SESSION_KEYS = (
    "id",
    "issued_at",
    "authenticated_at",
    "expires_at",
    "authenticator_assurance_level",
    "authentication_methods",
    "devices",
)


@account_page(["GET", "HEAD"], fresh=True)
def download_data(visit: Visit) -> HttpResponse:
    """The identity, the sessions, and what the project's handler adds. Ory is asked past all caches."""
    session = visit.session
    others = fetch_other_sessions(visit.request, visit.state, visit.credential, session)
    handler = import_handler_class(visit.state.conf.user_handler)(visit.state.conf)
    content = {
        "exported_at": timezone.now(),
        "site": visit.request.get_host(),
        "identity": _pick(session.identity.raw, IDENTITY_KEYS),
        "sessions": [_read_session(each, is_current=each is session) for each in (session, *others)],
        "user": handler.export(visit.state.user(), session.identity),
    }
    options = {"indent": 2, "ensure_ascii": False}
    response = JsonResponse(content, encoder=DjangoJSONEncoder, json_dumps_params=options)
    response["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    response["X-Content-Type-Options"] = "nosniff"
    patch_cache_control(response, no_store=True, private=True)
    return response


def _read_session(session: OrySession, *, is_current: bool) -> dict[str, Any]:
    return {"current": is_current, **_pick(session.raw, SESSION_KEYS)}


def _pick(content: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: content[key] for key in keys if key in content}
