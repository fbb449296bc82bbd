"""A request as it arrived."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Received:
    """One request: all headers in order, as pairs of text (latin-1), their names in lower case."""

    port: str
    method: str
    path: str
    query: str = field(repr=False)
    headers: list[tuple[str, str]] = field(repr=False)

    def header(self, name: str) -> str:
        """The header's values, by commas; a cookie's by semicolons; empty where there is none."""
        return ("; " if name == "cookie" else ", ").join(value for key, value in self.headers if key == name)
