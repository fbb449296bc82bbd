"""Health and version of the server."""

from __future__ import annotations

from starlette.responses import Response

from ..http.exchange import Exchange


def alive(exchange: Exchange) -> Response:
    """GET /health/alive"""
    return exchange.json({"status": "ok"})


def ready(exchange: Exchange) -> Response:
    """GET /health/ready: an error if the database is down, unless a test has set `ready_status` to 200."""
    if exchange.state.database_is_up or exchange.state.ready_status == 200:
        return exchange.json({"status": "ok"})
    return exchange.json({"errors": {"database": "the database is down"}}, exchange.state.ready_status)


def version(exchange: Exchange) -> Response:
    """GET /version"""
    return exchange.json({"version": "local"})
