"""The URLs of the site."""

from django.contrib import admin
from django.urls import include, path, re_path

from stress.site import views

urlpatterns = [
    path("silent", views.silent),
    path("asilent", views.asilent),
    path("session", views.session),
    path("asession", views.asession),
    path("who", views.who),
    path("awho", views.awho),
    path("guarded", views.guarded),
    path("aguarded", views.aguarded),
    path("django-guarded", views.django_guarded),
    path("aal2", views.aal2),
    path("fresh", views.fresh),
    path("afresh", views.afresh),
    path("recent", views.recent),
    path("just-now", views.just_now),
    path("greeting", views.greeting),
    path("agreeting", views.agreeting),
    path("broken", views.broken),
    path("collector", views.collector),
    path("acollector", views.acollector),
    path("django-logout", views.django_logout),
    path("django-alogout", views.django_alogout),
    path("api/who", views.ApiWho.as_view()),
    path("auth/", include("ory_auth.urls")),
    path("admin/", admin.site.urls),
    re_path("^(?:/)", views.aal2),  # a path that begins with two slashes could be taken for a host
]
