"""The pages of identities in the admin: a list that needs no call to Ory, and what staff may do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import CharField, QuerySet, TextField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.module_loading import import_string

from ..models import OryIdentity
from .columns import IdentityColumns
from .filters import FILTERS
from .menu import OryIdentityActions
from .page_urls import history_url


class OryIdentityAdmin(IdentityColumns, OryIdentityActions, admin.ModelAdmin):  # type: ignore[type-arg]
    """Find people by their identity, see what Ory says about them, and help them.

    The list and its filters show what this site knows, without asking Ory. Links between users and identities are made
    by ``manage.py ory_link``.
    """

    list_display = ("id", "linked_user", "state_at_ory", "has_verified_address", "last_sign_in")
    list_filter = FILTERS
    list_select_related = ("user",)
    fields = readonly_fields = (
        "id",
        "linked_user",
        "state_at_ory",
        "has_verified_address",
        "last_sign_in",
        "panel",
        "last_change",
        "synced_at",
        "deleted_at",
        "deactivated_at",
    )
    list_display_links = ("id",)
    show_full_result_count = False  # it counts the whole table on each filtered page
    ordering = ("-authenticated_at",)

    class Media:
        css = {"all": ("ory_auth/admin.css",)}
        js = ("ory_auth/admin.js",)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """The ID, and the primary key, username and e-mail address of the user."""
        model: Any = get_user_model()
        names = dict.fromkeys((model.USERNAME_FIELD, getattr(model, "EMAIL_FIELD", None) or model.USERNAME_FIELD))
        texts = [name for name in names if isinstance(model._meta.get_field(name), CharField | TextField)]
        return "id", "user__pk", *(f"user__{name}" for name in texts)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OryIdentity], search_term: str
    ) -> tuple[QuerySet[OryIdentity], bool]:
        """A whole ID is found by the index, in any size of table."""
        try:
            found = queryset.filter(pk=UUID(search_term.strip()))
        except ValueError:
            found = queryset.none()
        return (found, False) if found.exists() else super().get_search_results(request, queryset, search_term)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OryIdentity]:
        """Only identities whose users the staff member sees in the admin of users."""
        visible: QuerySet[OryIdentity] = import_string("ory_auth.admin.targets.visible_identities")(
            request, self.admin_site, super().get_queryset(request)
        )
        return visible

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Every field is read-only, so the page has no button to save."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Without the link, the person would have a new user, and lose the rights of the old one."""
        permitted = super().has_delete_permission(request, obj)
        return permitted and (obj is None or not self._keeps(request, obj))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Also for several links at once, which have no permission of each row."""
        found, counts, missing, protected = super().get_deleted_objects(objs, request)
        if any(self._keeps(request, identity) for identity in objs):
            missing = {*missing, str(self.opts.verbose_name)}
        return found, counts, missing, protected

    def _keeps(self, request: HttpRequest, identity: OryIdentity) -> bool:
        """Whether it is the link of a person with rights that the staff member does not have."""
        has_rights_beyond = import_string("ory_auth.users.rights.has_rights_beyond")
        return identity.user is not None and has_rights_beyond(identity.user, request.user)

    def get_urls(self) -> list[URLPattern]:
        def view(name: str) -> Any:
            def call(request: HttpRequest, **arguments: Any) -> HttpResponse:
                # Imported on use, because every command loads the admin pages of all apps.
                page: HttpResponse = import_string(f"ory_auth.admin.views.{name}")(self, request, **arguments)
                return page

            return self.admin_site.admin_view(call)

        return [
            path("<uuid:identity_id>/at-ory/", view("show_panel"), name="ory_auth_oryidentity_at_ory"),
            path("action/<str:name>/", _outside_transactions(view("confirm")), name="ory_auth_oryidentity_action"),
            *super().get_urls(),
        ]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """That of the user, if there is one: actions are logged with the user."""
        identity = self.get_object(request, unquote(object_id))
        url = history_url(identity.user, self.admin_site) if identity is not None and identity.user is not None else ""
        return HttpResponseRedirect(url) if url else super().history_view(request, object_id, extra_context)


def _outside_transactions(view: Any) -> Any:
    """With ``ATOMIC_REQUESTS``, an error would undo the history of what was done at Ory."""
    for alias in settings.DATABASES:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view
