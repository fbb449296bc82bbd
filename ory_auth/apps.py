"""The app: connects signal receivers and registers system checks."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core import checks
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.utils.translation import gettext_lazy as _

TAG = "ory_auth"


def _load_when_run(name: str) -> Callable[..., Any]:
    """A check that imports its code when it runs, so that commands without checks start sooner."""

    def check(**kwargs: Any) -> Any:
        return getattr(import_module("ory_auth.checks"), name)(**kwargs)

    check.__name__ = name
    return check


# Made once: Django calls ready() again if a test changes INSTALLED_APPS, and each check must be registered once.
_check_project, _check_deployment, _check_table = map(
    _load_when_run, ("check_project", "check_deployment", "check_table")
)


class OryAuthConfig(AppConfig):
    name = "ory_auth"
    verbose_name = _("Ory")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .request import receivers  # models have to be loaded first
        from .signals import session_ended

        user_logged_in.connect(receivers.on_user_logged_in, dispatch_uid="ory_auth")
        user_logged_out.connect(receivers.on_user_logged_out, dispatch_uid="ory_auth")
        session_ended.connect(receivers.on_session_ended, dispatch_uid="ory_auth")
        self._register_checks()
        self._watch_users(receivers)

    def _register_checks(self) -> None:
        """``check --tag ory_auth`` runs these alone."""
        checks.register(_check_project, TAG)
        checks.register(_check_deployment, TAG, deploy=True)
        # With our tag, Django 6.1 would run it even in commands that do not use a database.
        checks.register(_check_table, checks.Tags.database)

    def _watch_users(self, receivers: Any) -> None:
        """Drop cached users (``USER_CACHE_SECONDS``) when they change."""
        user, identity, group = get_user_model(), self.get_model("OryIdentity"), apps.get_model("auth.Group")
        family = [m for m in apps.get_models(include_auto_created=True) if issubclass(m, user) or issubclass(user, m)]
        for model in (*family, identity):
            for signal in (post_save, post_delete):
                signal.connect(receivers.on_user_changed, sender=model, dispatch_uid="ory_auth")
        rights: tuple[Any, ...] = (*user._meta.many_to_many, *group._meta.many_to_many)
        for relation in rights:
            m2m_changed.connect(
                receivers.on_rights_changed, sender=relation.remote_field.through, dispatch_uid="ory_auth"
            )
        post_delete.connect(receivers.on_rights_changed, sender=group, dispatch_uid="ory_auth_group")
