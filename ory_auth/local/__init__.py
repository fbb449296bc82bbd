"""A small server that speaks Ory Kratos' HTTP, for development and tests only.

It keeps everything in memory. As with Kratos, the pages for people who sign in are those of the project. It sends no
mail, and shows its messages at /mailbox. Its responses are compared with recordings of Kratos 26.2.0.

    with LocalOry(Config(public_port=0, admin_port=0)) as ory:
        ada = ory.create_identity(email="ada@example.org", password="correct horse 9")
        session = ory.create_session(ada["id"])
"""

from __future__ import annotations

from .control.direct_access import CreatedSession
from .control.local_ory import LocalOry
from .http.recorded_request import RecordedRequest
from .http.server import PortUnavailable
from .model.config import Config

# The former names, which the tests of projects may import.
GivenSession = CreatedSession
Received = RecordedRequest

__all__ = ["Config", "CreatedSession", "LocalOry", "PortUnavailable", "RecordedRequest"]
