"""The application that web hooks call: a server on loopback that records the calls, and answers as a test says."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    headers: dict[str, str]
    body: Any  # parsed, if it is JSON


@dataclass(frozen=True)
class Answer:
    status: int = 204
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def content(self) -> bytes:
        if self.body is None:
            return b""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


class Application:
    """`answers` are those for the next calls, `default` is that for all others."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.default = Answer()
        self.answers: deque[Answer] = deque()
        self.during_call: Callable[[], object] = lambda: None  # before an answer is sent
        application = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                is_json = self.headers.get("Content-Type", "") == "application/json" and body
                content = json.loads(body) if is_json else body.decode()
                application.calls.append(Call(self.command, self.path, dict(self.headers), content))
                application.during_call()
                answer = application.answers.popleft() if application.answers else application.default
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    def reset(self) -> None:
        self.calls, self.default, self.during_call = [], Answer(), lambda: None
        self.answers.clear()

    def wait_for_call(self) -> Call:
        """The first call, which may come a bit later than the response that it belongs to."""
        deadline = time.monotonic() + 2
        while not self.calls and time.monotonic() < deadline:
            time.sleep(0.005)
        return self.calls[0]

    def take_calls(self) -> list[Call]:
        """The calls so far. They count only once."""
        calls, self.calls = self.calls, []
        self.answers.clear()
        return calls

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
