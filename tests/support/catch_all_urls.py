"""A URLconf with one view for all paths, as single-page apps have it."""

from django.urls import re_path

from tests.project import views

urlpatterns = [re_path(r"", views.greeting)]
