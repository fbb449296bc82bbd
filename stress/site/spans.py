"""Writes OpenTelemetry's spans and metrics of this process to a file, as text."""

from __future__ import annotations

import os
from pathlib import Path

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

EVERY = 1000  # milliseconds between two looks at the metrics


def install() -> None:
    """Write them to ``SITE_SPANS``, if that is set."""
    if file := os.environ.get("SITE_SPANS"):
        out = Path(file).open("a", buffering=1)  # noqa: SIM115  (for as long as the process lives)
        spans = TracerProvider()
        spans.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=out)))
        trace.set_tracer_provider(spans)
        reader = PeriodicExportingMetricReader(ConsoleMetricExporter(out=out), export_interval_millis=EVERY)
        metrics.set_meter_provider(MeterProvider([reader]))
