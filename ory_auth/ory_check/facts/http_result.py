"""What came of one HTTP request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...ory.http_client import Response


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a request: an answer, or ``trouble``, in words without anything from the answer."""

    answer: Response | None = field(default=None, repr=False)
    trouble: str = ""
    seconds: float = 0.0
    at: float = 0.0  # Unix time halfway between question and answer, by this machine's clock

    @property
    def status(self) -> int:
        """Ory's HTTP status, 0 where there was no answer."""
        return self.answer.status if self.answer else 0

    @property
    def header(self) -> Mapping[str, str]:
        return self.answer.headers if self.answer else {}

    @property
    def content(self) -> dict[str, Any]:
        """The JSON object in the answer, empty where there is none."""
        try:
            data = json.loads(self.answer.body) if self.answer else None
        except (ValueError, RecursionError):
            return {}
        return data if isinstance(data, dict) else {}

    @property
    def error(self) -> dict[str, Any]:
        """The error as Ory writes it, empty where the answer is not such a one."""
        error = self.content.get("error")
        return error if isinstance(error, dict) else {}

    def says(self, status: int) -> bool:
        """Whether it is Ory that answers with this status: its errors in JSON repeat it."""
        return self.status == status and self.error.get("code") == status

    @property
    def told(self) -> str:
        """In words, what came."""
        return f"{self.status}" if self.answer else self.trouble
