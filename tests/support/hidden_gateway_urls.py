"""A catch-all pattern before the gateway."""

from django.urls import path, re_path

from tests.project import views
from tests.support.gateway import urlpatterns as gateway_urls

urlpatterns = [path("", views.home), re_path(".*", views.silent), *gateway_urls]
