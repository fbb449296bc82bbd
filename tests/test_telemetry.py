"""OpenTelemetry sees what happens, and no secret; without it nothing is missing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ory_auth.local import LocalOry
from ory_auth.sessions import circuit_breaker
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.types import ChangeSettings

READER, SPANS = InMemoryMetricReader(), InMemorySpanExporter()


@pytest.fixture(scope="session", autouse=True)
def _sdk() -> None:
    metrics.set_meter_provider(MeterProvider([READER]))
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(SPANS))
    trace.set_tracer_provider(provider)


def counted(name: str) -> dict[tuple[str, ...], float]:
    """The values of one instrument, by the values of its attributes."""
    data = READER.get_metrics_data()
    scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
    found = [metric for scope in scopes for metric in scope.metrics if metric.name == name]
    points = [point for metric in found for point in metric.data.data_points]
    return {
        tuple(str(v) for v in (point.attributes or {}).values()): float(
            getattr(point, "value", getattr(point, "count", 0))
        )
        for point in points
    }


Growth = Callable[[str], dict[tuple[str, ...], float]]


@pytest.fixture
def growth() -> Growth:
    """How much an instrument has grown since the test began."""
    before = {name: counted(name) for name in ("ory_auth.cache.hits", "ory_auth.lookups", "ory_auth.lookup.duration")}
    SPANS.clear()

    def since(name: str) -> dict[tuple[str, ...], float]:
        now = counted(name)
        grown = {key: value - before[name].get(key, 0) for key, value in now.items()}
        return {key: value for key, value in grown.items() if value}

    return since


@pytest.mark.parametrize(("settings_of_tiers", "tier"), [({}, "cache"), ({"LOCAL_CACHE_SECONDS": 5}, "memory")])
def test_hits_are_counted_by_tier(
    ory: Ory,
    web: DualClient,
    ory_auth: ChangeSettings,
    growth: Growth,
    settings_of_tiers: dict[str, object] | dict[str, int],
    tier: str,
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60, **settings_of_tiers)
    session = ory.person().app_session()
    for _ in range(3):
        web.get("/session", headers=session.headers)
    assert growth("ory_auth.cache.hits") == {(tier,): 2}
    assert growth("ory_auth.lookups") == {("signed_in",): 1}
    assert growth("ory_auth.lookup.duration") == {("signed_in",): 1}


def test_lookups_are_counted_by_outcome(ory: Ory, web: DualClient, local_ory: LocalOry, growth: Growth) -> None:
    web.get("/session", headers={"X-Session-Token": "made up"})
    with local_ory.failing(500):
        web.get("/session", headers={"X-Session-Token": "made up as well"})
    assert growth("ory_auth.lookups") == {("signed_out", "session_gone"): 1, ("unavailable", "unavailable"): 1}


def test_a_lookup_is_a_child_span_of_its_request(ory: Ory, web: DualClient, growth: Growth) -> None:
    session = ory.person().app_session()
    with trace.get_tracer("test").start_as_current_span("request") as request:
        web.get("/asession", headers=session.headers)
    [span] = [span for span in SPANS.get_finished_spans() if span.name == "ory_auth.lookup"]
    assert span.parent
    assert span.parent.span_id == request.get_span_context().span_id
    assert dict(span.attributes or {}) == {"ory_auth.outcome": "signed_in"}


@pytest.mark.django_db
def test_no_span_holds_a_secret(ory: Ory, web: DualClient, local_ory: LocalOry, growth: Growth) -> None:
    session = ory.person("secret-address@example.org").app_session()
    for fault in (local_ory.slow(0), local_ory.failing(500, body=b"secret-body"), local_ory.hang_up()):
        with fault:
            web.get("/fresh", headers=session.headers)
    text = "".join(span.to_json() for span in SPANS.get_finished_spans())
    assert "ory_auth.lookup" in text
    assert all(secret not in text for secret in (session.token, "secret-address", "secret-body", session.person.id))


def test_the_state_of_the_breaker_is_reported(ory: Ory, web: DualClient, local_ory: LocalOry) -> None:
    before = counted("ory_auth.breaker.open").get((), 0)
    with local_ory.stopped():
        for _ in range(circuit_breaker.MAX_FAILURES):
            web.get("/session", headers={"X-Session-Token": "made up"})
        assert counted("ory_auth.breaker.open")[()] == before + 1


def test_everything_works_without_opentelemetry() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from ory_auth.sessions import telemetry\n"
        "telemetry.record_hit('cache'); telemetry.record_breaker(is_open=True)\n"
        "with telemetry.lookup_span(telemetry.current_trace()) as span: telemetry.record_lookup(span, None, 0.1)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
