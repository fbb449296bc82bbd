"""A project whose public pages are at every address, as with a single-page app."""

from django.urls import re_path

from tests.project import views

urlpatterns = [re_path(r"", views.greeting)]
