"""The result of one HTTP request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...ory.http_client import Response


@dataclass(frozen=True, slots=True)
class HttpResult:
    """A response, or a ``problem`` in words that contain nothing from the response."""

    response: Response | None = field(default=None, repr=False)
    problem: str = ""
    seconds: float = 0.0
    measured_at: float = 0.0  # Unix time by this machine's clock, halfway between request and response

    @property
    def status(self) -> int:
        """The HTTP status; 0 without a response."""
        return self.response.status if self.response else 0

    @property
    def headers(self) -> Mapping[str, str]:
        return self.response.headers if self.response else {}

    @property
    def json(self) -> dict[str, Any]:
        """The JSON object in the body; empty if the body is anything else."""
        try:
            data = json.loads(self.response.body) if self.response else None
        except (ValueError, RecursionError):
            return {}
        return data if isinstance(data, dict) else {}

    @property
    def error(self) -> dict[str, Any]:
        """The ``error`` object of Ory's error responses; empty if there is none."""
        error = self.json.get("error")
        return error if isinstance(error, dict) else {}

    def is_ory_error(self, status: int) -> bool:
        """Whether it is an error response of Ory with this status, which its JSON repeats."""
        return self.status == status and self.error.get("code") == status

    @property
    def summary(self) -> str:
        """The status, or the problem."""
        return f"{self.status}" if self.response else self.problem
