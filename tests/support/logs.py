"""The events in the log."""

from __future__ import annotations

import pytest


def event_ids(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The ids of all events that were logged, in order."""
    return [vars(record)["ory_event"] for record in caplog.records if record.name == "ory_auth"]
