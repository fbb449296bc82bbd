"""Django's page for a user, with what Ory knows and what support may do."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User

from ory_auth.admin import OryIdentityActions, OryIdentityInline

admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(OryIdentityActions, UserAdmin):
    inlines = [OryIdentityInline]
