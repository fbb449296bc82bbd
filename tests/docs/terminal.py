"""The reader's terminals: a directory, a shell that remembers where it is, and servers that run beside it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.support.ports import free_ports

ROOT = Path(__file__).resolve().parent.parent.parent
PLUGINS = Path(__file__).with_name("plugins")
PATIENCE = 60  # seconds: a limit for what has to happen soon
# The ports that the documents name; each run of a page takes free ones in their places.
PORTS = ("8000", "4433", "4434", "5173")
SHELL = """
source {state}
set -a
{command}
status=$?
{{ export -p; printf 'cd %q\\n' "$PWD"; }} > {state}
exit $status
"""
# Commands that do not end, the options that name their ports, and the port at which they answer.
SERVERS = {
    r"\bmanage\.py runserver\b": (" localhost:8000", " --noreload", "8000"),
    r"\bmanage\.py ory_local\b": (" --port 4433 --admin-port 4434", " --ui-base http://127.0.0.1:8000/auth", "4433"),
    r"\bhttp\.server 5173\b": ("", "", "5173"),
}


class Terminal:
    """Everything that one page's reader has running; ends it all when it is left."""

    def __init__(self, directory: Path, ports: dict[str, str] | None = None) -> None:
        """``directory`` is there and empty; ``ports`` takes others than free ones for those of the documents."""
        self.directory, self.state = directory / "work", directory / "state.sh"
        self.directory.mkdir()
        self.state.write_text(f"cd {shlex.quote(str(self.directory))}\n")
        self.ports = ports or dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
        self.environment = _environment(directory)
        self.servers: dict[str, Server] = {}
        self.changed = False  # the code, since the site was started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for server in self.servers.values():
            server.stop()

    @property
    def here(self) -> Path:
        """The directory that the shell is in."""
        return Path(shlex.split(self.state.read_text().splitlines()[-1])[1])

    def own(self, text: str) -> str:
        """The text with the ports of this run in the places of those in the documents."""
        return re.sub(r"(?<=[: A])(8000|4433|4434|5173)\b", lambda found: self.ports[found[0]], text)

    def copy(self, project: Path) -> None:
        """Take over a project that names the ports of the documents."""
        shutil.copytree(project, self.here, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        for file in self.here.rglob("*.py"):
            file.write_text(self.own(file.read_text()))

    def write(self, path: str, text: str, *, at_the_end: bool) -> None:
        file = self.here / path
        assert not at_the_end or file.exists(), f"{path} is to be added to, and is not there"
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.read_text() + "\n\n" if at_the_end else ""
        file.write_text(before + self.own(text))
        self.changed = self.changed or file.suffix == ".py"

    def type(self, command: str) -> str:
        """What the command prints, errors included; raises ``AssertionError`` where it fails."""
        for pattern, (port, more, answers_at) in SERVERS.items():
            if re.search(pattern, command):
                named = "" if command.endswith(":8000") else port
                return self._serve(pattern, self.own(command + named + more), self.ports[answers_at])
        self.settle()
        script = SHELL.format(state=shlex.quote(str(self.state)), command=self.own(command))
        done = subprocess.run(
            ["bash", "-c", script],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"exit status {done.returncode}:\n{done.stdout}"
        return done.stdout

    def is_serving(self, command: str) -> bool:
        return any(re.search(pattern, command) for pattern in self.servers)

    def said(self, command: str) -> str:
        """What the server that this command started has printed until now."""
        return next(server.said() for pattern, server in self.servers.items() if re.search(pattern, command))

    def settle(self) -> None:
        """Restart the site if a file has changed, as Django's own server does."""
        if self.changed:
            for pattern, server in self.servers.items():
                if "runserver" in pattern:
                    server.stop()
                    server.start()
        self.changed = False

    def _serve(self, pattern: str, command: str, port: str) -> str:
        assert pattern not in self.servers, f"{command} runs already"
        log = self.state.with_name(f"server{len(self.servers)}.log")
        server = self.servers[pattern] = Server(f"exec {command}", int(port), self.here, self.environment, log)
        server.start()
        self.changed = False
        return server.said()


class Server:
    """A command that answers at a port until it is ended."""

    def __init__(self, command: str, port: int, directory: Path, environment: dict[str, str], log: Path) -> None:
        self.port, self.log = port, log
        self._open: Callable[..., subprocess.Popen[bytes]] = lambda out: subprocess.Popen(
            ["bash", "-c", command], cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("wb") as out:
            self._process = self._open(out)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"nothing answers at port {self.port}:\n{self.said()}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def said(self) -> str:
        return self.log.read_text(errors="replace")


def _environment(home: Path) -> dict[str, str]:
    """The machine's, without what would speak to Django, Ory or pytest, and with this Python and this package first."""
    dropped = ("DJANGO_", "ORY_", "PYTEST_", "COVERAGE_", "PYTHON", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
    return {
        **kept,
        "PATH": path,
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(PLUGINS))),
        # The first is one that an installed package brings by its entry point.
        "PYTEST_PLUGINS": "ory_auth.pytest_plugin,system_chromium",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }
