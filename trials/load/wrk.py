"""One measurement with wrk: so many connections for so long, every request with the credential of somebody else."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stress.processes import need

SCRIPT = Path(__file__).with_name("credentials.lua")
CONNECTIONS = 16


@dataclass(frozen=True)
class Load:
    """What came of it. Latencies are milliseconds; ``errors``: no answer, or one other than 2xx and 3xx."""

    rate: float  # requests a second
    p50: float
    p99: float
    errors: int
    seconds: float  # that it really took


def wrk(url: str, credential: str, sessions: int, seconds: int) -> Load:
    """Press for so long."""
    program = need("wrk", "wrk")
    command = [program, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", f"-s{SCRIPT}", url]
    done = subprocess.run([*command, "--", credential, str(sessions)], stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    took = found["microseconds"] / 1e6
    return Load(found["requests"] / took, found["p50"] / 1000, found["p99"] / 1000, found["errors"], took)
