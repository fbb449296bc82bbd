"""OpenTelemetry metrics and spans, if ``opentelemetry-api`` is installed.

==============================  =========  ==================================================================
name                            kind       attributes
==============================  =========  ==================================================================
``ory_auth.cache.hits``         counter    ``tier``: memory, cache, stale
``ory_auth.lookups``            counter    ``outcome``: signed_in, signed_out, second_factor_missing, unavailable;
                                           ``event``: the event in the log, if there is one
``ory_auth.lookup.duration``    histogram  the same; seconds, with the wait for a connection
``ory_auth.breaker.open``       up-down    1 while the circuit breaker is open
``ory_auth.lookup``             span       the same as ``ory_auth.lookups``
==============================  =========  ==================================================================
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from .outcomes import Outcome, SecondFactorMissing, SignedIn, SignedOut, Unavailable

try:
    from opentelemetry import context, metrics
    from opentelemetry import trace as tracing
except ImportError:

    def record_hit(tier: str) -> None:
        """A session came from this tier of the caches."""

    def current_trace() -> Any:
        """The trace of this request, for the thread that makes its call."""

    def lookup_span(trace: Any = None) -> AbstractContextManager[Any]:
        """A span around one lookup at Ory."""
        return nullcontext()

    def record_lookup(span: Any, outcome: Outcome, seconds: float) -> None:
        """Record the outcome of a lookup, and how long it took."""

    def record_breaker(*, is_open: bool) -> None:
        """Record that the circuit breaker opened or closed."""

else:
    _meter, _tracer = metrics.get_meter("ory_auth"), tracing.get_tracer("ory_auth")
    _hits = _meter.create_counter("ory_auth.cache.hits", description="Sessions found in a cache, by tier")
    _lookups = _meter.create_counter("ory_auth.lookups", description="Lookups at Ory, by outcome")
    _duration = _meter.create_histogram("ory_auth.lookup.duration", "s", "How long a lookup at Ory took")
    _breaker = _meter.create_up_down_counter("ory_auth.breaker.open", description="1 while the breaker is open")
    _TIERS = {tier: {"tier": tier} for tier in ("memory", "cache", "stale")}

    def record_hit(tier: str) -> None:
        """A session came from this tier of the caches."""
        _hits.add(1, _TIERS[tier])

    def current_trace() -> Any:
        """The trace of this request, for the thread that makes its call."""
        return context.get_current()

    def lookup_span(trace: Any = None) -> AbstractContextManager[Any]:
        """A span around one lookup at Ory."""
        return _tracer.start_as_current_span("ory_auth.lookup", trace, record_exception=False)

    def record_lookup(span: Any, outcome: Outcome, seconds: float) -> None:
        """Record the outcome of a lookup, and how long it took."""
        attributes = _attributes_of(outcome)
        _lookups.add(1, attributes)
        _duration.record(seconds, attributes)
        span.set_attributes({f"ory_auth.{name}": value for name, value in attributes.items()})
        if isinstance(outcome, Unavailable):
            span.set_status(tracing.StatusCode.ERROR)

    def record_breaker(*, is_open: bool) -> None:
        """Record that the circuit breaker opened or closed."""
        _breaker.add(1 if is_open else -1)

    def _attributes_of(outcome: Outcome) -> dict[str, str]:
        match outcome:
            case SignedIn():
                return {"outcome": "signed_in"}
            case SignedOut(reason):
                return {"outcome": "signed_out", **({"event": reason.value} if reason else {})}
            case SecondFactorMissing():
                return {"outcome": "second_factor_missing"}
            case Unavailable():
                return {"outcome": "unavailable", "event": outcome.event.value}
