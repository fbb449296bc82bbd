"""The app: connects the receivers and registers the checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.utils.translation import gettext_lazy as _


class OryAuthConfig(AppConfig):
    name = "ory_auth"
    verbose_name = _("Ory")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, receivers  # models have to be loaded first

        user_logged_in.connect(receivers.on_user_logged_in, dispatch_uid="ory_auth")
        user_logged_out.connect(receivers.on_user_logged_out, dispatch_uid="ory_auth")
        checks.register()
