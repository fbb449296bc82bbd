"""A whoami that answers for any number of sessions at once, so that Ory is not what is measured.

The local Ory is asked for one answer; every other is that one with its own ids and address. The session of number 7 is
proven by the token ``ory_st_7``; anything else is 401. ``GET /asked`` says how often whoami was asked so far.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from uuid import UUID

import urllib3

from ory_auth.local import Config, LocalOry
from stress.processes import Process, free_port, private_directory, running

EMAIL = "person-0@example.org"
REFUSAL = b'{"error":{"code":401,"status":"Unauthorized","message":"No valid session credentials found."}}'
TOKEN = re.compile(rb"\r\nx-session-token: ory_st_([0-9]{1,9})\r\n", re.IGNORECASE)


class Whoami(asyncio.Protocol):
    """One connection. Requests have no body and come one after the other."""

    asked = 0
    transport: asyncio.Transport

    def __init__(self, template: Template) -> None:
        self.template, self.unread = template, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self.unread = (self.unread + data).split(b"\r\n\r\n")
        for request in requests:
            self.transport.write(self._answer(request + b"\r\n"))

    def _answer(self, request: bytes) -> bytes:
        path = request.split(b" ", 2)[1]
        if path == b"/sessions/whoami":
            Whoami.asked += 1
            found = TOKEN.search(request)
            return self.template.answer(int(found[1])) if found else _message(401, REFUSAL)
        if path == b"/asked":
            return _message(200, json.dumps(Whoami.asked).encode())
        return _message(200, b'{"status":"ok"}') if path == b"/health/ready" else _message(404, b"{}")


class Template:
    """The local Ory's own answer, with places for what differs between people."""

    def __init__(self) -> None:
        ory = LocalOry(Config(session_lifespan=24 * 3600))
        ada = ory.create_identity(email=EMAIL, traits={"name": {"first": "Ada", "last": "Example"}}, verified=True)
        given = ory.create_session(ada["id"])
        session = ory.state.session_json(ory.state.get_session(given.id))
        self._body = json.dumps(session, separators=(",", ":")).encode()
        self._session, self._identity = given.id.encode(), ada["id"].encode()

    def answer(self, number: int) -> bytes:
        """The whole response for this session."""
        identity = str(UUID(int=number + (1 << 100))).encode()
        body = self._body.replace(self._session, str(UUID(int=number + (1 << 101))).encode())
        body = body.replace(self._identity, identity).replace(EMAIL.encode(), b"person-%d@example.org" % number)
        return _message(
            200, body, b"X-Kratos-Authenticated-Identity-Id: %b\r\nOry-Session-Cache-For: 60\r\n" % identity
        )


def _message(status: int, body: bytes, more: bytes = b"") -> bytes:
    date = formatdate(usegmt=True).encode()
    head = b"HTTP/1.1 %d -\r\nDate: %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    return head % (status, date, len(body)) + more + b"\r\n" + body


async def serve(port: int) -> None:
    template = Template()
    server = await asyncio.get_running_loop().create_server(lambda: Whoami(template), "127.0.0.1", port)
    await server.serve_forever()


# ---- from outside


class StandIn(Process):
    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked(self) -> int:
        """How often whoami has been asked so far."""
        return int(urllib3.request("GET", f"{self.url}/asked", retries=False, timeout=10).data)


def identity_id(number: int) -> str:
    """Whose session that is."""
    return str(UUID(int=number + (1 << 100)))


def token(number: int) -> dict[str, str]:
    """What a client sends to prove the session of this number."""
    return {"X-Session-Token": f"ory_st_{number}"}


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """One in a process of its own."""
    port = free_port()
    with private_directory() as directory:
        command = [sys.executable, "-m", "trials.bench.stand_in", str(port)]
        with running(StandIn(command, directory=directory, port=port)) as process:
            yield process


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
