"""The URLconf of a project without any URLs."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
