"""``path(".well-known/", include("ory_auth.well_known"))``: where password managers look for the page that changes it.

Follows https://www.w3.org/TR/change-password-url/. Include it in the root URLconf without a prefix.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .ory.flows import FlowKind


@never_cache
@require_safe
@login_not_required
def change_password(request: HttpRequest) -> HttpResponse:
    """Redirect to the password section of the settings."""
    return HttpResponseRedirect(f"{reverse(FlowKind.SETTINGS.url_name)}#ory-password")


urlpatterns = [path("change-password", change_password, name="change_password")]
