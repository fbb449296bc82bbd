"""What the caller of a synchronization decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event as ThreadEvent
from typing import Any

from django.utils.module_loading import import_string

from ..ory.admin_client import MAX_PAGE_SIZE

DEACTIVATE, KEEP = "deactivate", "keep"

Policy = str | Callable[[Any, Any], object]
OnProgress = Callable[[int, int | None, str], None]


@dataclass(frozen=True)
class Options:
    """See :func:`ory_auth.synchronization.synchronize`."""

    inactive: Policy = DEACTIVATE
    deleted: Policy = DEACTIVATE
    create: bool = False
    dry_run: bool = False
    restart: bool = False
    allow_deletions: int | None = None
    page_size: int = MAX_PAGE_SIZE
    on_progress: OnProgress | None = None
    stop: ThreadEvent | None = None


def read_policy(name: str, value: Policy) -> Policy:
    """``"deactivate"``, ``"keep"``, or a function, which may be given by its dotted path. Raises ``ValueError``."""
    if callable(value) or value in {DEACTIVATE, KEEP}:
        return value
    problem = ""
    try:
        function = import_string(value)
    except ImportError:
        problem = "cannot be imported"
    else:
        problem = "" if callable(function) else "is not a function"
    if problem:
        text = f"{name}: {value!r} {problem}. Use 'deactivate', 'keep', or the dotted path of a function."
        raise ValueError(text)
    return function  # type: ignore[no-any-return]
