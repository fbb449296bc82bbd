"""The names that projects may use, and no others, are public; their signatures stay."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest
from django.contrib.auth.backends import ModelBackend
from django.core.management import get_commands
from django.dispatch import Signal
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse

import ory_auth
from ory_auth import exceptions, signals, types
from ory_auth.conf import KEYS, Conf
from ory_auth.decorators import ory_optional, ory_required
from ory_auth.events import Event
from ory_auth.mixins import OryRequiredMixin
from ory_auth.models import Impersonation, OryIdentity
from ory_auth.users import UserHandler
from tests.support.ory import Ory

PUBLIC = {
    "ory_auth.middleware": {"OryMiddleware"},
    "ory_auth.forms": {"FlowForm", "FlowForms"},
    "ory_auth.views": {"LoginView", "RecoveryView", "RegistrationView", "SettingsView", "VerificationView"},
    "ory_auth.backends": {"OryBackend"},
    "ory_auth.cache_serializer": {"BytesSerializer"},
    "ory_auth.decorators": {"ory_required", "ory_optional"},
    "ory_auth.mixins": {"OryRequiredMixin"},
    "ory_auth.rest_framework": {"OrySessionAuthentication", "AAL2Required"},
    "ory_auth.ninja": {"OryAuth"},
    "ory_auth.channels": {"OryAuthMiddleware", "OryAuthMiddlewareStack", "OryRequired", "recheck"},
    "ory_auth.models": {"Impersonation", "OryIdentity"},
    "ory_auth.types": {"AAL", "AuthenticationMethod", "Identity", "OryHttpRequest", "OrySession"},
    "ory_auth.exceptions": {
        "AALRequired",
        "Conflict",
        "ImpersonationRefused",
        "InvalidIdentity",
        "InvitationNotSent",
        "MethodDisabled",
        "NotAdmitted",
        "NotFound",
        "NotWhileImpersonating",
        "OryAuthError",
        "OryResponseInvalid",
        "OryUnavailable",
        "RateLimited",
    },
    "ory_auth.signals": {
        "identity_changed",
        "identity_deleted",
        "impersonation_ended",
        "impersonation_started",
        "session_ended",
        "user_created",
        "user_linked",
        "user_updated",
    },
    "ory_auth.webhooks": {"BlockingHook", "Changes", "Refusal", "change_identity", "change_traits", "refuse"},
    "ory_auth.moving": {"ImportRefused", "MoveOptions", "aimport_user", "import_user"},
    "ory_auth.identities": {
        "Invitation",
        "RecoveryCode",
        "RecoveryLink",
        "activate",
        "aactivate",
        "create",
        "acreate",
        "deactivate",
        "adeactivate",
        "delete",
        "adelete",
        "find",
        "afind",
        "get",
        "aget",
        "get_by_external_id",
        "aget_by_external_id",
        "invite",
        "ainvite",
        "recovery_code",
        "arecovery_code",
        "recovery_link",
        "arecovery_link",
        "remove_second_factor",
        "aremove_second_factor",
        "resend_verification",
        "aresend_verification",
        "revoke_session",
        "arevoke_session",
        "revoke_sessions",
        "arevoke_sessions",
        "send_recovery",
        "asend_recovery",
        "sessions",
        "asessions",
        "set_metadata",
        "aset_metadata",
        "update",
        "aupdate",
    },
    "ory_auth.users": {"UserHandler", "delete_user"},
    "ory_auth.synchronization": {"Drift", "Summary", "SyncStopped", "synchronize"},
    "ory_auth.testing": {"Ory", "OryLogin", "OryTestMixin", "Person", "SignIn", "prepare_request"},
    "ory_auth.impersonation": {"astart", "astop", "may_impersonate", "no_impersonation", "start", "stop"},
    "ory_auth.admin": {"OryIdentityActions", "OryIdentityAdmin", "OryIdentityInline", "login_through_ory"},
}


# Packages that say what the rest of this one may use of them.
INSIDE = {"ory_auth.local", "ory_auth.pages.ui"}


@pytest.mark.parametrize("module", PUBLIC)
def test_the_public_names_of_a_module_are_stable(module: str) -> None:
    names = import_module(module).__all__
    assert set(names) == PUBLIC[module]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("module", PUBLIC)
def test_a_star_import_brings_exactly_the_public_names(module: str) -> None:
    brought: dict[str, object] = {}
    exec(f"from {module} import *", brought)
    assert brought.keys() - {"__builtins__"} == PUBLIC[module]


def test_no_other_module_has_all() -> None:
    package = Path(ory_auth.__file__).parent
    saying = {path for path in package.rglob("*.py") if re.search(r"^__all__ =", path.read_text(), re.MULTILINE)}
    parts = [path.relative_to(package.parent).with_suffix("").parts for path in saying]
    names = {".".join(part for part in found if part != "__init__") for found in parts}
    assert names == PUBLIC.keys() | INSIDE


def test_typed_use_covers_every_public_name() -> None:
    tree = ast.parse((Path(__file__).parent / "typed_use.py").read_text())
    imported = {
        (node.module, alias.name) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert imported >= {(module, name) for module, names in PUBLIC.items() for name in names}


def test_the_package_has_py_typed() -> None:
    assert (Path(ory_auth.__file__).parent / "py.typed").exists()


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in PUBLIC.items() for name in sorted(names)]
)
def test_public_names_exist_and_have_docstrings(module: str, name: str) -> None:
    value = getattr(import_module(module), name)
    assert isinstance(value, Signal) or inspect.getdoc(value)


def test_the_setting_keys_are_stable() -> None:
    assert set(KEYS) == {
        "SDK_URL",
        "BROWSER_URL",
        "ADMIN_URL",
        "API_KEY",
        "GATEWAY_TOKEN",
        "SESSION_COOKIE_NAME",
        "SESSION_CACHE",
        "SESSION_CACHE_SECONDS",
        "LOCAL_CACHE_SECONDS",
        "USER_CACHE_SECONDS",
        "STALE_IF_ERROR_SECONDS",
        "TIMEOUT",
        "MAX_CONNECTIONS",
        "USER_FIELDS",
        "USER_HANDLER",
        "LINK_BY_VERIFIED_EMAIL",
        "LOGIN_REDIRECT_HOSTS",
        "RECORDING_MIDDLEWARE",
        "TRUSTED_PROXIES",
        "REFUSED_CACHE_SECONDS",
        "CACHE_NAMESPACE",
        "REGISTRATION",
        "RECOVERY",
        "ACCOUNT_DELETION",
        "IMPERSONATION_SECONDS",
        "GROUPS",
        "WEBHOOK_SECRETS",
        "WEBHOOK_CREATES_USERS",
        "BLOCKING_HOOK",
        "BLOCKING_HOOK_SECONDS",
        "BLOCKING_HOOK_FAILURE",
        "PASSWORD_MIGRATION_SECRETS",
    }


DEFAULTS = {
    "session_cache": "default",
    "session_cache_seconds": None,
    "local_cache_seconds": 0,
    "user_cache_seconds": 0,
    "stale_if_error_seconds": 0,
    "refused_cache_seconds": 5,
    "trusted_proxies": None,
    "timeout": 3.0,
    "max_connections": 10,
    "user_handler": "ory_auth.users.UserHandler",
    "link_by_verified_email": False,
    "login_redirect_hosts": (),
    "registration": True,
    "recovery": True,
    "webhook_secrets": (),
    "webhook_creates_users": False,
    "blocking_hook_seconds": 2.0,
    "blocking_hook_failure": "refuse",
    "password_migration_secrets": (),
    "impersonation_seconds": 3600,
}


@pytest.mark.parametrize("key", DEFAULTS)
def test_the_defaults_of_settings_are_stable(key: str) -> None:
    assert Conf.__dataclass_fields__[key].default == DEFAULTS[key]


URLS = {
    "login": "login",
    "logout": "logout",
    "registration": "registration",
    "settings": "settings",
    "recovery": "recovery",
    "verification": "verification",
    "error": "error",
    "ready": "ready",
    "sessions": "sessions",
    "security": "security",
    "webhook": "webhook",
    "password_migration": "password-migration",
    "impersonate": "impersonate",
    "stop_impersonating": "impersonate/stop",
}


@pytest.mark.parametrize("name", URLS)
def test_a_url_has_its_name(name: str) -> None:
    assert reverse(f"ory_auth:{name}") == f"/auth/{URLS[name]}"


def test_the_commands_exist() -> None:
    assert {command for command, app in get_commands().items() if app == "ory_auth"} == {
        "ory_check",
        "ory_export_users",
        "ory_import_users",
        "ory_link",
        "ory_local",
        "ory_sync",
        "ory_templates",
        "ory_webhooks",
    }


def test_the_permissions_are_stable() -> None:
    permissions = [*OryIdentity._meta.permissions, *Impersonation._meta.permissions]
    assert {codename for codename, _ in permissions} == {
        "revoke_sessions",
        "deactivate_identity",
        "activate_identity",
        "send_recovery",
        "show_recovery",
        "resend_verification",
        "remove_second_factor",
        "open_in_console",
        "impersonate",
    }


def test_the_request_has_the_attributes(ory: Ory, client: Client, rf: RequestFactory) -> None:
    request = cast(types.OryHttpRequest, client.get("/silent").wsgi_request)
    assert request.user.is_anonymous
    assert request.ory_session is None
    assert inspect.iscoroutinefunction(request.auser)
    assert inspect.iscoroutinefunction(request.aory_session)
    assert type(request).__name__ == "WSGIRequest"
    assert types.OryHttpRequest.__annotations__.keys() <= set(dir(request))


def test_the_guard_takes_these_arguments() -> None:
    parameters = inspect.signature(ory_required).parameters.values()
    assert [(p.name, p.kind.name, p.default) for p in parameters if p.name != "view"] == [
        ("aal", "KEYWORD_ONLY", None),
        ("max_age", "KEYWORD_ONLY", None),
        ("fresh", "KEYWORD_ONLY", False),
    ]
    assert (OryRequiredMixin.aal, OryRequiredMixin.max_age, OryRequiredMixin.fresh) == (None, None, False)


@pytest.mark.parametrize("decorate", [ory_required, ory_required(aal="aal2"), ory_required(fresh=True), ory_optional])
def test_a_guarded_view_keeps_its_name_and_its_kind(
    decorate: Callable[[Callable[..., object]], Callable[..., object]],
) -> None:
    @decorate
    def view(request: HttpRequest) -> None:
        """What it is."""

    @decorate
    async def aview(request: HttpRequest) -> None:
        """What it is."""

    assert (view.__name__, aview.__name__, view.__doc__) == ("view", "aview", "What it is.")
    assert (inspect.iscoroutinefunction(view), inspect.iscoroutinefunction(aview)) == (False, True)


def test_the_handler_methods_are_stable() -> None:
    public = {name for name, value in vars(UserHandler).items() if callable(value) and not name.startswith("_")}
    assert public == {
        "admit",
        "create",
        "update",
        "replacement",
        "fields",
        "values",
        "may_link",
        "revoke_credentials",
        "export",
        "refuse_deletion",
        "refuse_impersonation",
        "delete",
        "cache_scope",
    }


def test_the_backend_is_a_model_backend_without_passwords() -> None:
    backend = import_module("ory_auth.backends").OryBackend
    assert issubclass(backend, ModelBackend)
    assert backend().authenticate(None, username="root", password="x") is None


def test_the_exceptions_form_one_tree() -> None:
    assert issubclass(exceptions.OryUnavailable, exceptions.OryAuthError)
    assert issubclass(exceptions.OryResponseInvalid, exceptions.OryUnavailable)
    assert issubclass(exceptions.RateLimited, exceptions.OryUnavailable)
    for name in exceptions.__all__:
        assert issubclass(getattr(exceptions, name), exceptions.OryAuthError)
    for name in ("NotFound", "Conflict", "InvalidIdentity", "AALRequired", "NotAdmitted"):
        assert not issubclass(getattr(exceptions, name), exceptions.OryUnavailable)


def test_levels_are_ordered_words() -> None:
    assert str(types.AAL.AAL2) == "aal2"
    assert types.AAL.AAL0 < types.AAL.AAL1 < types.AAL.AAL2


SESSION = {"id", "identity", "aal", "authenticated_at", "expires_at", "issued_at", "authentication_methods", "raw"}
IDENTITY = {
    "id",
    "schema_id",
    "state",
    "traits",
    "external_id",
    "metadata_public",
    "metadata_admin",
    "verifiable_addresses",
    "verified_emails",
    "organization_id",
    "updated_at",
    "raw",
}


@pytest.mark.parametrize(("value", "names"), [(types.OrySession, SESSION), (types.Identity, IDENTITY)])
def test_the_value_types_have_stable_attributes_and_are_frozen(value: Any, names: set[str]) -> None:
    assert names <= set(dir(value))
    assert value.__dataclass_params__.frozen


def test_ory_identity_has_orys_id_as_primary_key() -> None:
    assert (OryIdentity._meta.pk.name, OryIdentity._meta.pk.get_internal_type()) == ("id", "UUIDField")
    assert OryIdentity._meta.get_field("user").one_to_one


def test_every_public_name_of_signals_is_a_signal() -> None:
    assert all(isinstance(getattr(signals, name), Signal) for name in signals.__all__)


def test_every_event_is_one_word() -> None:
    assert all(event.value == event.name.lower() for event in Event)
