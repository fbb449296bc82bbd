"""Packages that write down who did what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from compatibility.package import Package, Verdict, expect, expect_that
from compatibility.visit import Visit, Visitor


def _write(visitor: Visitor, path: str = "/notes") -> int:
    reply = visitor.post(path, {"text": "a note"})
    expect(reply.status, 200, f"a note is written at {path}")
    return int(reply.json["note"])


def _silent_in_an_outage(visit: Visit) -> None:
    """What records must not take a page away that does not ask: the general probe has seen it; and a form."""
    reply = visit.nobody.post("/unsigned-notes", {"text": "anonymous"})
    expect(reply.status, 200, "in an outage, an anonymous form")


# ---- history of rows


def _register_history(model: Any) -> None:
    from simple_history import register

    register(model, app="compatibility.notes")


def _atomic(settings: dict[str, Any]) -> None:
    settings["DATABASES"]["default"]["ATOMIC_REQUESTS"] = True


def _simple_history(visit: Visit) -> None:
    from compatibility.notes.models import Note

    for visitor in (visit.ada, visit.bob):
        for path in ("/notes", "/unsigned-notes"):
            note = Note.objects.get(pk=_write(visitor, path))
            expect(note.history.get().history_user, visit.user_of(visitor), f"who wrote at {path}")
    note = Note.objects.get(pk=_write(visit.nobody, "/unsigned-notes"))
    expect(note.history.get().history_user, None, "who wrote, anonymously")


def _simple_history_outage(visit: Visit) -> None:
    from compatibility.notes.models import Note

    _silent_in_an_outage(visit)
    before = Note.objects.count(), Note.history.count()
    reply = visit.stranger.post("/unsigned-notes", {"text": "in an outage"})
    expect(reply.status, 503, "in an outage, a row whose history wants the user")
    expect((Note.objects.count(), Note.history.count()), before, "rows and history after that")


HISTORY = Package(
    "django-simple-history",
    "It asks who the user is while a row is saved. Set `ATOMIC_REQUESTS`, or ask before (`@ory_required`). "
    "Otherwise, in an outage, the row is saved and its history is not.",
    Verdict.WITH_SETTINGS,
    apps=("simple_history",),
    middleware=("simple_history.middleware.HistoryRequestMiddleware",),
    change=_atomic,
    register=_register_history,
    probe=_simple_history,
    outage=_simple_history_outage,
)


def _register_auditlog(model: Any) -> None:
    from auditlog.registry import auditlog

    auditlog.register(model)


def _auditlog(visit: Visit) -> None:
    from auditlog.models import LogEntry

    from compatibility.notes.models import Note

    for visitor in (visit.ada, visit.bob):
        note = Note.objects.get(pk=_write(visitor))
        expect(LogEntry.objects.get_for_object(note).get().actor, visit.user_of(visitor), "the actor")
    note = Note.objects.get(pk=_write(visit.nobody, "/unsigned-notes"))
    expect(LogEntry.objects.get_for_object(note).get().actor, None, "the actor, anonymously")


AUDITLOG = Package(
    "django-auditlog",
    "Its middleware asks on every page. In an outage pages are served, and entries have no actor.",
    apps=("auditlog",),
    middleware=("auditlog.middleware.AuditlogMiddleware",),
    register=_register_auditlog,
    probe=_auditlog,
    outage=_silent_in_an_outage,
)


def _register_reversion(model: Any) -> None:
    import reversion

    reversion.register(model)


def _reversion(visit: Visit) -> None:
    from reversion.models import Version

    from compatibility.notes.models import Note

    for visitor in (visit.ada, visit.bob):
        note = Note.objects.get(pk=_write(visitor))
        expect(Version.objects.get_for_object(note).get().revision.user, visit.user_of(visitor), "who wrote")


REVERSION = Package(
    "django-reversion",
    "Its middleware asks on every POST. In an outage pages are served, and revisions have no user.",
    apps=("reversion",),
    middleware=("reversion.middleware.RevisionMiddleware",),
    register=_register_reversion,
    probe=_reversion,
    outage=_silent_in_an_outage,
)


def _easy_audit(visit: Visit) -> None:
    from easyaudit.models import CRUDEvent

    for visitor in (visit.ada, visit.bob):
        note = _write(visitor)
        event = CRUDEvent.objects.get(object_id=note, content_type__model="note")
        expect(event.user, visit.user_of(visitor), "who wrote")


def _easy_audit_outage(visit: Visit) -> None:
    from easyaudit.models import CRUDEvent

    before = CRUDEvent.objects.count()
    reply = visit.stranger.post("/unsigned-notes", {"text": "in an outage"})
    expect(reply.status, 503, "in an outage, a row whose record needs the user")
    expect(CRUDEvent.objects.count(), before + 1, "records after that")
    expect(CRUDEvent.objects.order_by("pk").last().user, None, "who wrote, in an outage")


EASY_AUDIT = Package(
    "django-easy-audit",
    "It asks while a row is saved. In an outage the row is saved, its record has no user, and the response is a 503. "
    "Ask before (`@ory_required`).",
    apps=("easyaudit",),
    middleware=("easyaudit.middleware.easyaudit.EasyAuditMiddleware",),
    probe=_easy_audit,
    outage=_easy_audit_outage,
)


# ---- logs

STRUCTLOG_EVENTS: list[dict[str, Any]] = []


def _start_structlog() -> None:
    import structlog

    def keep(logger: Any, method: str, event: dict[str, Any]) -> Any:
        STRUCTLOG_EVENTS.append(dict(event))
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.contextvars.merge_contextvars, keep])


def _structlog(visit: Visit) -> None:
    for visitor in (visit.ada, visit.bob):
        STRUCTLOG_EVENTS.clear()
        visitor.get("/who")
        users = {event.get("user_id") for event in STRUCTLOG_EVENTS}
        expect(users, {visit.user_of(visitor).pk}, "the user in the log")
    _no_credential(visit, json.dumps(STRUCTLOG_EVENTS, default=repr))


STRUCTLOG = Package(
    "django-structlog",
    "Its middleware asks on every page, for `user_id`. In an outage pages are served, and `user_id` is empty. With "
    "`DJANGO_STRUCTLOG_USER_ID_FIELD = None` it does not ask.",
    apps=("django_structlog",),
    middleware=("django_structlog.middlewares.RequestMiddleware",),
    start=_start_structlog,
    probe=_structlog,
)


# ---- error collectors


class _Envelopes:
    """What would have been sent to Sentry."""

    events: list[dict[str, Any]] = []


def start_sentry(**options: Any) -> None:
    import sentry_sdk
    from sentry_sdk.transport import Transport

    class Kept(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            _Envelopes.events += [item.payload.json for item in envelope.items if item.type == "event"]

    sentry_sdk.init(dsn="https://key@sentry.invalid/1", transport=Kept, **(options or {"data_collection": {}}))


def sentry_events(visit: Visit, *visitors: Visitor) -> list[dict[str, Any]]:
    """The events since this was asked last; none of them may hold a credential."""
    import sentry_sdk

    sentry_sdk.flush()
    events, _Envelopes.events = _Envelopes.events, []
    _no_credential(visit, json.dumps(events, default=repr), *visitors)
    return events


def _no_credential(visit: Visit, text: str, *visitors: Visitor) -> None:
    for visitor in (visit.ada, visit.bob, visit.stranger, *visitors):
        assert visitor.session
        for secret in filter(None, (visitor.session.token, visitor.cookies.get("ory_kratos_session"))):
            expect_that(secret not in text, "a credential was recorded")


def _sentry(visit: Visit) -> None:
    from sentry_sdk.scrubber import DEFAULT_DENYLIST, EventScrubber

    expect(sentry_events(visit), [], "events before there was an error")
    for visitor in _with_each_credential(visit):
        expect(_event_of_a_bug(visit, visitor)["user"].get("email"), visitor.email, "the user in the event")
    denylist = [*DEFAULT_DENYLIST, "x-session-token"]
    start_sentry(event_scrubber=EventScrubber(denylist=denylist, recursive=True))  # as before data_collection was there
    for visitor in _with_each_credential(visit):
        _event_of_a_bug(visit, visitor)
    start_sentry()
    visit.noticed.expect_bugs()


def _with_each_credential(visit: Visit) -> list[Visitor]:
    bearer, header = visit.new_visitor(by_token=True), visit.new_visitor(by_token=True)
    header.headers = {"X-Session-Token": header.headers["Authorization"].removeprefix("Bearer ")}
    return [visit.ada, bearer, header]


def _event_of_a_bug(visit: Visit, visitor: Visitor) -> dict[str, Any]:
    expect(visitor.get("/broken").status, 500, "a bug in a view")
    [event] = [each for each in sentry_events(visit, visitor) if each.get("exception")]
    return event


def sentry_outage(visit: Visit) -> None:
    """One event says that Ory is down: that of this package's log. Nothing else is one."""
    visit.stranger.get("/who")
    visit.stranger.get("/greeting")
    loggers = {str(event.get("logger")) for event in sentry_events(visit)}
    stray = {name for name in loggers if not name.startswith("ory_auth")}
    expect(stray, set(), "events in an outage that are not ours")


SENTRY = Package(
    "sentry-sdk",
    "Set `data_collection={}`, which hides all three credentials, or add `x-session-token` to the `denylist` of "
    "`EventScrubber`. Without either, Sentry gets the value of `X-Session-Token`.",
    Verdict.WITH_SETTINGS,
    start=start_sentry,
    probe=_sentry,
    outage=sentry_outage,
)


# ---- traces

SPANS: Any = None


def _start_opentelemetry() -> None:
    global SPANS
    from opentelemetry import trace
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    SPANS = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(SPANS))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument()


def _spans(visit: Visit) -> Sequence[Any]:
    spans = SPANS.get_finished_spans()
    SPANS.clear()
    _no_credential(visit, "".join(span.to_json() for span in spans))
    return spans


def _opentelemetry(visit: Visit) -> None:
    _spans(visit)
    visitor = visit.new_visitor()
    visitor.get("/who")
    spans = _spans(visit)
    [lookup] = [span for span in spans if span.name == "ory_auth.lookup"]
    parents = [span.name for span in spans if lookup.parent and span.context.span_id == lookup.parent.span_id]
    expect(parents, ["GET who"], "the span of the lookup belongs to the request's")


def _opentelemetry_outage(visit: Visit) -> None:
    _spans(visit)
    visit.stranger.get("/who")
    spans = {span.name: span.status.status_code.name for span in _spans(visit)}
    expect(spans.get("GET who"), "ERROR", "the span of a request in an outage")


OPENTELEMETRY = Package(
    "opentelemetry-instrumentation-django",
    "The lookup at Ory is a child of the request's span.",
    install=("opentelemetry-instrumentation-django", "opentelemetry-sdk", "opentelemetry-instrumentation-asgi"),
    start=_start_opentelemetry,
    probe=_opentelemetry,
    outage=_opentelemetry_outage,
)
