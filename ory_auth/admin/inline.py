"""A person's identity on the page of their user. It asks Ory only when it is opened."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest

from ..models import OryIdentity
from .columns import IdentityColumns


class _ReadOnlyFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Takes nothing from the form, so that the user is saved as if the inline were not there."""

    def __init__(self, data: Any = None, files: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.new_objects: list[Any] = []
        self.changed_objects: list[Any] = []
        self.deleted_objects: list[Any] = []

    def is_valid(self) -> bool:
        return True

    def save(self, commit: bool = True) -> list[Any]:
        return []


class OryIdentityInline(IdentityColumns, admin.StackedInline):  # type: ignore[type-arg]
    """The identity of a user, in the admin of your user model: ``inlines = [OryIdentityInline]``.

    It costs one query on the page of a user, and none in lists. What Ory says is loaded when the panel is opened.
    Saving the user needs nothing of it. Staff need the permission to view Ory identities, and the same admin site needs
    ``OryIdentityAdmin``.
    """

    model = OryIdentity
    fk_name = "user"
    formset = _ReadOnlyFormSet
    template = "admin/ory_auth/oryidentity/inline.html"
    fields = readonly_fields = ("state_at_ory", "has_verified_address", "last_sign_in", "panel")
    extra = 0
    max_num = 1
    can_delete = False
    show_change_link = True

    class Media:
        css = {"all": ("ory_auth/admin.css",)}
        js = ("ory_auth/admin.js",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not on the page that adds a user."""
        return obj is not None and super().has_view_permission(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OryIdentity]:
        """Django asks for the permission without the user here; without it, there is no inline."""
        return OryIdentity.objects.all()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
