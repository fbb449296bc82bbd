"""A proxy in front of Ory's admin API, in which a test decides about each call."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3


@dataclass
class Call:
    """A call as the proxy received it; ``number`` counts the calls of this method and path from 1."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]
    number: int

    @property
    def is_batch(self) -> bool:
        return (self.method, self.path) == ("PATCH", "/admin/identities")

    @property
    def people(self) -> int:
        """How many people a batch has."""
        return len(self.body["identities"]) if self.is_batch else 0


@dataclass
class Refuse:
    """Answer with this instead of passing the call on."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


class Lose(Enum):
    """Close the connection without an answer."""

    CALL = auto()  # Ory never receives it
    ANSWER = auto()  # Ory has carried it out


Decide = Callable[[Call], Refuse | Lose | None]  # None: pass it on


class AdminProxy:
    """``decide`` is called with each call, by the threads of the proxy; ``rewrite`` changes the bodies of answers."""

    def __init__(self, admin_url: str, decide: Decide, rewrite: Callable[[bytes], bytes] = bytes) -> None:
        self.calls: list[Call] = []
        self.most_at_once = 0
        self._at_once = 0
        self._admin_url, self._decide, self._rewrite = admin_url, decide, rewrite
        self._lock = threading.Lock()
        self._http = urllib3.PoolManager(retries=False, maxsize=4)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                proxy._handle(self)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def batches(self) -> list[int]:
        """How many people each batch had."""
        return [call.people for call in self.calls if call.is_batch]

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        content = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        call = self._record(handler, json.loads(content) if content else None)
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            answer = self._carry_out(call, handler.path, content)
        finally:
            with self._lock:
                self._at_once -= 1  # before the client can make its next call
        if answer is not None:
            _answer(handler, *answer)

    def _carry_out(self, call: Call, target: str, content: bytes) -> tuple[int, dict[str, str], bytes] | None:
        decision = self._decide(call)
        if decision is Lose.CALL:
            return None
        if isinstance(decision, Refuse):
            body = json.dumps(decision.body or {"error": {"code": decision.status}}).encode()
            return decision.status, {"Content-Type": "application/json", **decision.headers}, body
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        response = self._http.request(
            call.method, self._admin_url + target, headers=headers, body=content, redirect=False
        )
        if decision is Lose.ANSWER:
            return None
        kept = {name: value for name, value in response.headers.items() if name.lower() in {"content-type", "link"}}
        return response.status, kept, self._rewrite(response.data)

    def _record(self, handler: BaseHTTPRequestHandler, body: Any) -> Call:
        path = handler.path.partition("?")[0]
        with self._lock:
            number = 1 + sum((call.method, call.path) == (handler.command, path) for call in self.calls)
            call = Call(handler.command, path, body, dict(handler.headers), number)
            self.calls.append(call)
        return call

    @contextmanager
    def running(self) -> Iterator[AdminProxy]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
            self._http.clear()


def _answer(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    handler.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
