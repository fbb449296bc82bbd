"""A name server that hangs for one host name while a file exists."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

STEP = 0.05  # seconds between two looks at the file


def install() -> None:
    """Let ``SITE_SLOW_NAME`` stand for 127.0.0.1 in this process, and hang while the file exists."""
    name, file = os.environ.get("SITE_SLOW_NAME"), os.environ.get("SITE_SLOW_NAME_WHILE")
    if not name:
        return
    resolve = socket.getaddrinfo

    def slow(host: Any, *args: Any, **options: Any) -> Any:
        if host != name:
            return resolve(host, *args, **options)
        while file and Path(file).exists():
            time.sleep(STEP)
        return resolve("127.0.0.1", *args, **options)

    socket.getaddrinfo = slow
