"""Where the measured views are."""

from django.urls import path

from trials.bench import sdk, views

urlpatterns = [
    path("bare", views.bare),
    path("abare", views.abare),
    path("session", views.session),
    path("asession", views.asession),
    path("user", views.user),
    path("auser", views.auser),
    path("sdk", sdk.sdk),
]
