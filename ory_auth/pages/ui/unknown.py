"""Parts of a flow that this package does not know. Each is logged once, and the page does without it."""

from __future__ import annotations

import re

from ...events import Event, log_once

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


def report_unknown(part: str, name: object) -> None:
    """Log, once in each process, that Ory sent a ``part`` ("node", "trigger", "message") with an unknown ``name``."""
    text = str(name) if isinstance(name, str | int) else ""
    readable = text if NAME.fullmatch(text) else "?"
    log_once(Event.UNKNOWN_ENUM, per=f"{part} {readable}", field=part, name=readable)
