"""Processes that run in a process group and a directory each, and are stopped by their pid."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

import psutil

ROOT = Path(__file__).resolve().parent.parent
START = 30.0  # seconds that a server may take to start
END = 10.0  # seconds that it may take to stop before it is killed


P = TypeVar("P", bound="Process")


class NotStarted(RuntimeError):
    """A server did not start; the text has the end of its log."""


class Process:
    """One server process. ``start`` and ``stop`` can be called repeatedly; port and directory stay the same."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        port: int = 0,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        end: signal.Signals = signal.SIGTERM,
        pipes: bool = False,
    ) -> None:
        self.command, self.directory, self.log = list(command), directory, directory / "log"
        self.port, self._user, self._end, self._pipes = port, user, end, pipes
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
        self.popen: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self.popen is not None, "it is not running"
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def answers(self) -> bool:
        """Whether it is ready."""
        return listens(self.port)

    def start(self) -> Self:
        """Start it, and return once it answers; raises `NotStarted`."""
        pipe = subprocess.PIPE if self._pipes else None
        with self.log.open("a") as log:
            self.popen = subprocess.Popen(
                self.command,
                cwd=ROOT if self._user is None else self.directory,
                env=self._environment,
                stdin=pipe or subprocess.DEVNULL,
                stdout=pipe or log,
                stderr=log,
                start_new_session=True,
                text=True,
                user=self._user,
                group=self._user,
            )
        self.wait()
        return self

    def wait(self, seconds: float = START) -> None:
        """Wait until it is ready."""
        until = time.monotonic() + seconds
        while not self.answers():
            if not self.running or time.monotonic() > until:
                tail = self.log.read_text(errors="replace")[-2000:]
                self.stop()
                raise NotStarted(f"{' '.join(self.command[:4])} does not answer:\n{tail}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the process and all its children."""
        if self.popen is None:
            return
        everyone = self.process_tree()
        self.thaw()
        with contextlib.suppress(ProcessLookupError):
            self.popen.send_signal(self._end)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(END)
        for process in everyone:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.popen.wait(END)
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe:
                pipe.close()
        self.popen = None

    def freeze(self) -> None:
        """Suspend it: the system accepts connections, but the process does not respond."""
        for process in self.process_tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()

    def thaw(self) -> None:
        for process in reversed(self.process_tree()):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def process_tree(self) -> list[psutil.Process]:
        """The process and its children, the parent first; empty if it has ended."""
        try:
            process = psutil.Process(self.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


class HTTPServer(Process):
    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def running(server: P) -> Iterator[P]:
    """Start the server, and stop it at the end."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def private_directory(owner: str | None = None) -> Iterator[Path]:
    """A temporary directory that only this user (or ``owner``) can read."""
    path = Path(tempfile.mkdtemp(prefix="django-ory-"))
    try:
        if owner:
            shutil.chown(path, owner, owner)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def need(program: str, package: str, places: str = "") -> str:
    """The path of a program. As root, apt installs it if it is missing; others get an error with the command to run."""
    found = _find(program, places)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing {package} …", file=sys.stderr)
        for arguments in (["update"], ["install", "--yes", "--no-install-recommends", package]):
            subprocess.run(
                ["apt-get", "--quiet=2", *arguments],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdout=subprocess.DEVNULL,
                check=True,
            )
        found = _find(program, places)
    if found is None:
        raise SystemExit(f"{program} is needed. Run: sudo apt-get install {package}")
    return found


def _find(program: str, places: str) -> str | None:
    newest = sorted(Path("/").glob(f"{places.lstrip('/')}/{program}"), reverse=True) if places else []
    return str(newest[0]) if newest else shutil.which(program)
