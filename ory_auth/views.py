"""The views of the flows, to extend: their template, their forms and the context."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.utils.decorators import method_decorator

from .pages import flow_views

__all__ = ["LoginView", "RecoveryView", "RegistrationView", "SettingsView", "VerificationView"]

_public = method_decorator(login_not_required, name="dispatch")


@_public
class LoginView(flow_views.LoginView):
    """Sign in, or use a second factor."""


@_public
class RegistrationView(flow_views.RegistrationView):
    """Create an account."""


@_public
class RecoveryView(flow_views.RecoveryView):
    """For people who forgot their password."""


@_public
class VerificationView(flow_views.VerificationView):
    """Verify an address."""


@_public
class SettingsView(flow_views.SettingsView):
    """Profile, password, second factors. Needs Django's CSRF token for the profiles that it gets by POST."""
