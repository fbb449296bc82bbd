"""The views of `trials.bench` that are asked under load."""

from django.urls import path

from trials.bench import views

urlpatterns = [
    path("bare", views.bare),
    path("abare", views.abare),
    path("session", views.session),
    path("asession", views.asession),
    path("user", views.user),
    path("auser", views.auser),
]
