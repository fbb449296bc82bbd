"""Admins and what developers see of a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from compatibility.package import Package, Verdict, expect, expect_that
from compatibility.visit import Visit, Visitor


def admin_at(path: str, visit: Visit) -> None:
    """Staff get in, strangers are led to Ory, and somebody who may not enter isn't led round in a circle."""
    visit.promote(visit.ada)
    replies = visit.ada.follow(path)
    expect(replies[-1].status, 200, f"a superuser at {path}")
    expect_that('name="password"' not in replies[-1].text, f"{path} shows a form for passwords")
    expect_that(visit.ory.public_url in visit.nobody.follow(path)[-1].location, f"{path} does not lead to Ory")
    last = visit.bob.follow(path)[-1]
    expect_that(last.status == 403, f"who may not enter {path} gets {last.status} {last.location}")


def unavailable_at(path: str, visitor: Visitor) -> None:
    reply = visitor.get(path)
    expect((reply.status, "Retry-After" in reply.headers), (503, True), f"in an outage at {path}")


# ---- Wagtail


def _wagtail_urls() -> Sequence[Any]:
    from django.urls import include, path
    from wagtail import urls as pages
    from wagtail.admin import urls as admin
    from wagtail.documents import urls as documents

    return [path("cms/", include(admin)), path("documents/", include(documents)), path("pages/", include(pages))]


def _wagtail(visit: Visit) -> None:
    admin_at("/cms/", visit)
    expect(visit.ada.get("/cms/account/").status, 200, "the account page of Wagtail's admin")
    expect(visit.nobody.get("/pages/").status, 200, "a public page of Wagtail")


def _wagtail_outage(visit: Visit) -> None:
    unavailable_at("/cms/", visit.stranger)
    expect(visit.nobody.get("/pages/").status, 200, "a public page of Wagtail in an outage")


WAGTAIL = Package(
    "wagtail",
    "Set `WAGTAILADMIN_LOGIN_URL = LOGIN_URL`, `WAGTAIL_PASSWORD_MANAGEMENT_ENABLED = False` and "
    "`WAGTAIL_EMAIL_MANAGEMENT_ENABLED = False`: passwords and addresses are changed at Ory.",
    Verdict.WITH_SETTINGS,
    apps=(
        "wagtail.contrib.forms",
        "wagtail.contrib.redirects",
        "wagtail.embeds",
        "wagtail.sites",
        "wagtail.users",
        "wagtail.snippets",
        "wagtail.documents",
        "wagtail.images",
        "wagtail.search",
        "wagtail.admin",
        "wagtail",
        "modelcluster",
        "taggit",
        "django_filters",
    ),
    middleware=("wagtail.contrib.redirects.middleware.RedirectMiddleware",),
    settings={
        "WAGTAIL_SITE_NAME": "A site",
        "WAGTAILADMIN_BASE_URL": "http://localhost",
        "WAGTAILADMIN_LOGIN_URL": "ory_auth:login",
        "WAGTAIL_PASSWORD_MANAGEMENT_ENABLED": False,
        "WAGTAIL_EMAIL_MANAGEMENT_ENABLED": False,
    },
    urls=_wagtail_urls,
    probe=_wagtail,
    outage=_wagtail_outage,
)


# ---- the admin with another theme


def _admin(visit: Visit) -> None:
    admin_at("/admin/", visit)


def _admin_outage(visit: Visit) -> None:
    unavailable_at("/admin/", visit.stranger)


UNFOLD = Package(
    "django-unfold",
    "Works as Django's own admin does. List `unfold` before `django.contrib.admin`, as its documentation says.",
    apps=("unfold",),
    probe=_admin,
    outage=_admin_outage,
)


JAZZMIN = Package(
    "django-jazzmin",
    "Works as Django's own admin does. Its menu has a useless link to change the password.",
    apps=("jazzmin",),
    probe=_admin,
    outage=_admin_outage,
)


# ---- the debug toolbar


def _toolbar_urls() -> Sequence[Any]:
    from debug_toolbar.toolbar import debug_toolbar_urls

    return debug_toolbar_urls()


def _toolbar_settings(settings: dict[str, Any]) -> None:
    settings["DEBUG"] = True
    settings["DEFAULT_EXCEPTION_REPORTER_FILTER"] = "compatibility.reporter_filter.HidesSessions"
    settings["DEBUG_TOOLBAR_CONFIG"] = {"SHOW_TOOLBAR_CALLBACK": lambda request: True}


def _toolbar(visit: Visit) -> None:
    reply = visit.ada.get("/page")
    expect_that('id="djDebug"' in reply.text, "there is no toolbar on the page")
    expect_that(f'<p id="who">{visit.ada.email}</p>' in reply.text, "the page shows somebody else")
    toolbar = re.search(r'data-request-id="([^"]+)"', reply.text)
    expect_that(toolbar, "the toolbar has no id")
    text = reply.text
    for panel in ("RequestPanel", "HeadersPanel", "SettingsPanel", "CachePanel", "SQLPanel", "TemplatesPanel"):
        query = f"request_id={toolbar[1] if toolbar else ''}&panel_id={panel}"
        text += visit.ada.get(f"/__debug__/render_panel/?{query}").text
    if visit.kind == "wsgi":  # there is no request panel under ASGI
        expect_that("ory_kratos_session" in text, "the request panel was not found")
    expect_that(visit.ada.cookies["ory_kratos_session"] not in text, "the toolbar shows Ory's session cookie")


TOOLBAR = Package(
    "django-debug-toolbar",
    "It shows all cookies. To hide the session cookie, let `DEFAULT_EXCEPTION_REPORTER_FILTER` name a subclass of "
    "Django's `SafeExceptionReporterFilter` whose `hidden_settings` matches the cookie's name.",
    Verdict.WITH_SETTINGS,
    apps=("debug_toolbar",),
    outermost=("debug_toolbar.middleware.DebugToolbarMiddleware",),
    change=_toolbar_settings,
    urls=_toolbar_urls,
    probe=_toolbar,
)


# ---- django-silk


def _silk_urls() -> Sequence[Any]:
    from django.urls import include, path

    return [path("silk/", include("silk.urls", namespace="silk"))]


def _silk(visit: Visit) -> None:
    by_token = visit.new_visitor(by_token=True)
    assert by_token.session
    token = by_token.session.token
    for visitor in (visit.ada, by_token):
        expect(visitor.get("/page").status, 200, "a page that silk records")
    recorded = _what_silk_recorded()
    for secret in (visit.ada.cookies["ory_kratos_session"], token):
        expect_that(secret not in recorded, "silk has recorded a credential")
    visit.nobody.get("/page", X_Session_Token=token)
    expect_that(token in _what_silk_recorded(), "silk hides X-Session-Token now, and the table says that it does not")


def _what_silk_recorded() -> str:
    from silk.models import Request, Response

    requests = Request.objects.values_list("encoded_headers", "raw_body", "body")
    return repr([*requests, *Response.objects.values_list("encoded_headers", "body")])


SILK = Package(
    "django-silk",
    "It hides `Cookie` and `Authorization`, but stores `X-Session-Token`. Let your apps send `Authorization: Bearer`.",
    apps=("silk",),
    outermost=("silk.middleware.SilkyMiddleware",),
    urls=_silk_urls,
    probe=_silk,
)
