"""Ages in words."""

from __future__ import annotations


def describe_age(seconds: float) -> str:
    """Such as "5 minutes ago"."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "just now"
