from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.urls import include, path
from rest_framework import permissions

from ory_auth.admin import OryIdentityActions, OryIdentityInline, login_through_ory
from ory_auth.rest_framework import AAL2Required
from tests.support.types import User

from . import views


class UserAdmin(OryIdentityActions, auth_admin.UserAdmin):  # type: ignore[type-arg]
    inlines = (OryIdentityInline,)


if admin.site.is_registered(User):  # not the model of tests.uuid_project
    admin.site.unregister(User)
    admin.site.register(User, UserAdmin)
second_admin = admin.AdminSite(name="second")
second_admin.login = login_through_ory(second_admin)  # type: ignore[method-assign]

urlpatterns = [
    path("", views.home),
    path("bye", views.silent),
    path("silent", views.silent),
    path("who", views.who),
    path("awho", views.awho),
    path("session", views.session),
    path("asession", views.asession),
    path("template", views.template),
    path("atemplate", views.atemplate),
    path("swallowing", views.swallowing),
    path("django-guarded", views.django_guarded),
    path("staff-only", views.staff_only),
    path("guarded", views.guarded),
    path("aguarded", views.aguarded),
    path("aal2", views.aal2),
    path("aaal2", views.aaal2),
    path("recent", views.recent),
    path("recent-aal2", views.recent_aal2),
    path("fresh", views.fresh),
    path("mixin", views.Mixin.as_view()),
    path("amixin", views.AsyncMixin.as_view()),
    path("just-now", views.just_now),
    path("strict-mixin", views.StrictMixin.as_view()),
    path("astrict-mixin", views.AsyncStrictMixin.as_view()),
    path("fresh-mixin", views.FreshMixin.as_view()),
    path("afresh", views.afresh),
    path("afresh-mixin", views.AsyncFreshMixin.as_view()),
    path("decorated", views.Decorated.as_view()),
    path("raises-refresh", views.raises_refresh),
    path("raises-not-admitted", views.raises_not_admitted),
    path("araises-aal", views.araises_aal),
    path("greeting", views.greeting),
    path("agreeting", views.agreeting),
    path("cached", views.cached),
    path("stream", views.stream),
    path("remember", views.remember),
    path("recall", views.recall),
    path("django-login", views.django_login),
    path("django-logout", views.django_logout),
    path("django-alogin", views.django_alogin),
    path("django-alogout", views.django_alogout),
    path("impersonate", views.impersonate),
    path("aimpersonate", views.aimpersonate),
    path("impersonate-guarded", views.impersonate_guarded),
    path("asks-and-breaks", views.asks_and_breaks),
    path("hides-trouble", views.hides_trouble),
    path("no-such-thing", views.not_found),
    path("broken", views.broken),
    path("raises-aal", views.raises_aal),
    path("api/me", views.ApiMe.as_view()),
    path("api/open", views.ApiMe.as_view(permission_classes=[permissions.AllowAny])),
    path("api/aal2", views.ApiMe.as_view(permission_classes=[AAL2Required])),
    path("auth/", include("ory_auth.urls")),
    path(".well-known/", include("ory_auth.well_known")),
    path("admin/", admin.site.urls),
    path("second-admin/", second_admin.urls),
]
