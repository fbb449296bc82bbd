"""The table as a picture: horizontal bars of microseconds, drawn from the JSON that a run has written.

``python -m trials.bench.picture bench.json bench.svg`` draws one anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

OURS, DJANGO, OTHERS, PLAIN = "#2a6fdb", "#7d8ca3", "#c9795b", "#b9c2ce"
WIDTH, LEFT, RIGHT, ROW, GAP, TOP = 860, 300, 108, 26, 34, 84
GROUPS: Sequence[tuple[str, Sequence[tuple[str, str, str]]]] = (  # heading: label, title in the table, colour
    (
        "A view that does not ask",
        (
            ("bare view, no middleware", "the bare view again (noise)", PLAIN),
            ("django-ory", "does not ask", OURS),
        ),
    ),
    (
        "A view that reads the session, kept in process",
        (
            ("django-ory, local memory", "reads ory_session, local memory", OURS),
            ("django-ory, LOCAL_CACHE_SECONDS", "reads ory_session, LOCAL_CACHE_SECONDS", OURS),
        ),
    ),
    (
        "A view that reads request.user, cache in local memory",
        (
            ("Django’s own sessions", "Django's session authentication, local memory", DJANGO),
            ("django-ory", "reads user, local memory", OURS),
        ),
    ),
    (
        "A view that reads request.user, cache in Redis",
        (
            ("Django’s own sessions", "Django's session authentication, Redis", DJANGO),
            ("django-ory", "reads user, Redis", OURS),
            ("… with LOCAL_CACHE_SECONDS", "reads user, Redis, LOCAL_CACHE_SECONDS", OURS),
            ("… and USER_CACHE_SECONDS", "reads user, the same and USER_CACHE_SECONDS", OURS),
        ),
    ),
    (
        "Other ways to sign people in with Ory",
        (
            ("Ory’s SDK, asked in the view", "Ory's SDK asked in the view, for each request", OTHERS),
            ("django-ory-auth 0.1.3", "django-ory-auth 0.1.3", OTHERS),
        ),
    ),
)
STYLE = """
  text { font: 14px system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: #1f2933 }
  .title { font-size: 20px; font-weight: 600 } .sub, .foot { font-size: 13px; fill: #5b6876 }
  .group { font-weight: 600 } .value { font-variant-numeric: tabular-nums; font-weight: 600 }
"""


@dataclass(frozen=True)
class Bar:
    label: str
    colour: str
    microseconds: float
    low: float
    high: float


def draw(document: Mapping[str, Any]) -> str:
    """The picture of what ``trials.bench --json`` wrote."""
    measured = {row["title"]: row for row in document["ratios"] if "asgi" not in row["section"]}
    groups = [(heading, list(_bars(rows, measured))) for heading, rows in GROUPS]
    usual = max(bar.microseconds for _, bars in groups[:-1] for bar in bars)
    scale = (WIDTH - LEFT - RIGHT) / (usual * 1.12)
    body, y = [], TOP
    for heading, bars in groups:
        body.append(f'<text class="group" x="24" y="{y + 16}">{escape(heading)}</text>')
        y += 28
        for bar in bars:
            body.append(_bar(bar, y, scale))
            y += ROW
        y += GAP - 18
    height = y + 34
    return "\n".join([*_frame(document, height), *body, *_foot(document, height), "</svg>", ""])


def _bars(rows: Sequence[tuple[str, str, str]], measured: Mapping[str, Any]) -> Iterator[Bar]:
    for label, title, colour in rows:
        if title in measured:
            row = measured[title]
            yield Bar(label, colour, row["microseconds"], *row["spread"])


def _frame(document: Mapping[str, Any], height: int) -> Iterator[str]:
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    yield ' role="img" aria-labelledby="t d"><title id="t">What one signed-in request costs</title>'
    yield f'<desc id="d">{escape(_described(document))}</desc><style>{STYLE}</style>'
    yield f'<rect width="{WIDTH}" height="{height}" rx="10" fill="#ffffff" stroke="#dde3ea"/>'
    yield '<text class="title" x="24" y="38">What one signed-in request costs</text>'
    yield '<text class="sub" x="24" y="60">Microseconds in Django’s WSGI handler: shorter is better. '
    yield "The median; the thin line is where the middle half of the rounds lies.</text>"


def _described(document: Mapping[str, Any]) -> str:
    rows = (row for row in document["ratios"] if "asgi" not in row["section"])
    return "; ".join(f"{row['title']}: {row['microseconds']:.0f} µs" for row in rows)


def _bar(bar: Bar, y: int, scale: float) -> str:
    longest = WIDTH - LEFT - RIGHT
    wanted = bar.microseconds * scale
    length = min(wanted, longest)
    middle, end = y + ROW / 2 - 3, LEFT + length
    parts = [
        f'<text x="{LEFT - 12}" y="{middle + 5:.0f}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{ROW - 7}" rx="3" fill="{bar.colour}"/>',
    ]
    if wanted > longest:  # too long for the scale that suits the others
        parts += [_break(end - 40 + shift, y) for shift in (0, 9)]
    else:
        low, high = (min(LEFT + value * scale, WIDTH - RIGHT) for value in (bar.low, bar.high))
        parts.append(f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}" stroke="#1f2933" stroke-opacity=".55"/>')
        end = max(end, high)
    parts.append(f'<text class="value" x="{end + 8:.1f}" y="{middle + 5:.0f}">{bar.microseconds:,.0f} µs</text>')
    return "".join(parts)


def _break(x: float, y: int) -> str:
    return f'<path d="M{x:.1f} {y + ROW - 5}l8 -{ROW - 3}" stroke="#ffffff" stroke-width="4"/>'


def _foot(document: Mapping[str, Any], height: int) -> Iterator[str]:
    text = (
        f"make bench, {document['date']}: Python {document['python']}, Django {document['django']}, SQLite, "
        f"{document['processors']} processors, load {document['load']:.1f} before it began"
    )
    yield f'<text class="foot" x="24" y="{height - 20}">{escape(text)}</text>'


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(draw(json.loads(Path(sys.argv[1]).read_text())))
