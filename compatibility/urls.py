"""The project's URLs, and those of its packages."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from compatibility import views

urlpatterns = [
    path("silent", views.silent),
    path("asilent", views.asilent),
    path("who", views.who),
    path("awho", views.awho),
    path("guarded", views.guarded),
    path("aguarded", views.aguarded),
    path("django-guarded", views.django_guarded),
    path("second-factor", views.second_factor),
    path("greeting", views.greeting),
    path("agreeting", views.agreeting),
    path("page", views.page),
    path("csrf", views.csrf),
    path("notes", views.write_note),
    path("unsigned-notes", views.write_unsigned_note),
    path("broken", views.broken),
    path("auth/", include("ory_auth.urls")),
    path("admin/", admin.site.urls),
    *(pattern for package in settings.PACKAGES if package.urls for pattern in package.urls()),
]
