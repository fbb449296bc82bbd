"""Why a synchronization stops before it is complete."""

from __future__ import annotations

from ..exceptions import OryAuthError


class SyncStopped(OryAuthError):
    """The synchronization has stopped, and says what to do next. What it had changed until then stays changed.

    The next run goes on at the same place.
    """
