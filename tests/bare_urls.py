"""The URLs of a project that has not included this package's."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
