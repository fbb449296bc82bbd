"""Django's admin: entered through Ory, with what staff may do with people's identities.

The pages and the calls to Ory are imported on use, because every command loads the admin pages of all apps.
"""

from __future__ import annotations

from django.contrib import admin

from ..impersonation.audit_admin import ImpersonationAdmin
from ..models import Impersonation, OryIdentity
from .identity_admin import OryIdentityAdmin
from .inline import OryIdentityInline
from .menu import OryIdentityActions
from .sign_in import login_through_ory

__all__ = ["OryIdentityActions", "OryIdentityAdmin", "OryIdentityInline", "login_through_ory"]

admin.site.register(OryIdentity, OryIdentityAdmin)
admin.site.register(Impersonation, ImpersonationAdmin)
admin.site.login = login_through_ory(admin.site)  # type: ignore[method-assign]
