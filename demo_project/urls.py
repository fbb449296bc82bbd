from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from . import api, views

urlpatterns = [
    path("", views.home, name="home"),
    path("account/", views.account, name="account"),
    path("vault/", views.vault, name="vault"),
    path("sensitive/", views.sensitive, name="sensitive"),
    path("async/", views.in_async, name="async"),
    path("api/", views.about_api, name="api"),
    path("api/me", api.me, name="api-me"),
    path("demo/codes/", views.codes, name="codes"),
    path("auth/", include("ory_auth.urls")),
    path(".well-known/", include("ory_auth.well_known")),
    path("admin/", admin.site.urls),
]
if settings.ORY_AUTH.get("BROWSER_URL") == "/.ory":
    urlpatterns.append(path(".ory/", include("ory_auth.gateway.urls")))
