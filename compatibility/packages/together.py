"""Several packages in one project: Sentry, HTMX, DRF with drf-spectacular, Channels and django-redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compatibility.package import Package, expect, expect_that
from compatibility.packages import apis, pages, records, stores
from compatibility.visit import Visit, Visitor


def _urls() -> Sequence[Any]:
    return [*apis.spectacular_urls(), *pages.htmx_urls()]


def _everything(visit: Visit) -> None:
    for probe in (apis.spectacular, pages.htmx, stores.cached, _refused, _stepped_up):
        probe(visit)
    if visit.kind == "asgi":
        apis.channels(visit)
    _nothing_stray(visit)


def _refused(visit: Visit) -> None:
    """Somebody whom the project does not admit: 403 everywhere, and never a way to the login."""
    visitor = visit.new_visitor()
    visitor.get("/who")
    user = visit.user_of(visitor)
    user.is_active = False
    user.save()
    expect(visitor.get("/guarded").status, 403, "a page for somebody who is not admitted")
    for path, headers in (("/fragment", {"HX_Request": "true"}), ("/api/whoami", {})):
        reply = visitor.get(path, **headers)
        expect((reply.status, reply.headers.get("HX-Redirect")), (403, None), f"{path} for somebody not admitted")
    if visit.kind == "asgi":
        expect(apis.socket(visitor, "/ws/guarded"), 403, "a socket for somebody who is not admitted")


def _stepped_up(visit: Visit) -> None:
    """A second factor is missing, then used."""
    session = visit.ory.http.person().browser_session()
    session.set_up_totp()
    person, first_only = session.person, session.person.browser_session()
    visitor, ory = Visitor(visit.site, first_only), visit.ory.public_url
    reply = visitor.get("/second-factor")
    expect((reply.status, reply.location.startswith(ory)), (302, True), "a page without the second factor")
    reply = visitor.get("/second-factor", HX_Request="true", HX_Current_URL=f"{visit.site}/page")
    expect(300 <= reply.status < 400, False, "a redirect for HTMX without the second factor")
    expect_that(reply.headers.get("HX-Redirect", "").startswith(ory), "HTMX is not led to the second factor")
    reply = visitor.get("/api/vault")
    expect((reply.status, reply.json.get("code")), (403, "session_aal2_required"), "the API without it")
    first_only.step_up()
    visitor = Visitor(visit.site, first_only)
    for path in ("/second-factor", "/api/vault"):
        expect(visitor.get(path).json["email"], person.email, f"{path} with the second factor")
    if visit.kind == "asgi":
        expect(apis.socket(visitor, "/ws/vault"), person.email, "a socket with the second factor")


def _outage(visit: Visit) -> None:
    records.sentry_outage(visit)
    for probe in (apis.api_in_an_outage, pages.htmx_outage, *([apis.channels_outage] if visit.kind == "asgi" else [])):
        probe(visit)
    expect({str(event.get("logger")).split(".")[0] for event in records.sentry_events(visit)} - {"ory_auth"}, set(),
           "events at Sentry that are not ours")  # fmt: skip


def _nothing_stray(visit: Visit) -> None:
    expect(records.sentry_events(visit), [], "events at Sentry")
    lines = [record.getMessage() for record in visit.noticed.records if record.name != "django.request"]
    expect([line for line in lines if not line.startswith("not_admitted ")], [], "warnings in the log")


TOGETHER = Package(
    "sentry-sdk, django-htmx, drf-spectacular, channels and django-redis together",
    "People are signed in, refused and asked for a second factor, and Ory has an outage, without a stray "
    "redirect, event or warning.",
    install=("sentry-sdk", "django-htmx", "drf-spectacular", "channels", "django-redis", "websockets", "wsproto"),
    apps=("rest_framework", "drf_spectacular", "django_htmx"),
    middleware=("django_htmx.middleware.HtmxMiddleware",),
    settings=apis.SPECTACULAR.settings,
    change=stores.use_django_redis,
    urls=_urls,
    start=records.start_sentry,
    asgi=apis.channels_application,
    needs=("redis",),
    probe=_everything,
    outage=_outage,
)
