"""A request as it arrived, for tests to look at."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RecordedRequest:
    """One request to a port ("public" or "admin"). Headers are in order, decoded as latin-1, with lower-case names."""

    port: str
    method: str
    path: str
    query: str = field(repr=False)
    headers: list[tuple[str, str]] = field(repr=False)

    def header(self, name: str) -> str:
        """All values of this header, joined by commas (cookies by semicolons). Empty if the header is absent."""
        separator = "; " if name == "cookie" else ", "
        return separator.join(value for key, value in self.headers if key == name)
