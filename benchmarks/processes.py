"""What a process costs: its start, its memory, and the memory of the sessions in its local cache."""

from __future__ import annotations

import gc
import json
import os
import random
import subprocess
import sys
import tracemalloc
from collections import defaultdict
from collections.abc import Sequence

from django.conf import settings
from django.test import override_settings

from benchmarks.cases import LOCAL
from benchmarks.handlers import wsgi_call
from benchmarks.project import Visitor, handler
from stress.ory import CreatedSession
from stress.processes import private_directory

WARM_UP = 50  # sessions before the memory is measured


def measure_starts(visitor: Visitor, number: int) -> dict[str, list[float]]:
    """Start processes with django-ory and with Django alone, in turns: seconds, and bytes of a serving process."""
    values: dict[str, list[float]] = defaultdict(list)
    runs = [
        (command, stack, headers)
        for stack, headers in (("ory", visitor.ory[0]), ("django", visitor.django))
        for command in ("serve", "check")
    ]
    with private_directory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for turn in range(number + 1):
            for command, stack, headers in random.sample(runs, len(runs)):
                found = _start(command, json.dumps(dict(headers)), {**environment, "BENCH_STACK": stack})
                if turn:  # the first start compiles
                    values[f"start of {command} ({stack})"].append(found["seconds"])
                    if command == "serve":
                        values[f"memory of {command} ({stack})"].append(found["bytes"])
    return values


def _start(command: str, headers: str, environment: dict[str, str]) -> dict[str, float]:
    arguments = [sys.executable, "-m", "benchmarks.start", command, headers]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure_memory_of_sessions(sessions: Sequence[CreatedSession]) -> float:
    """Bytes that Python needs for so many sessions in this process, as ``tracemalloc`` counts them."""
    ory_auth = {**settings.ORY_AUTH, "SESSION_CACHE": "redis", **LOCAL}
    with override_settings(ORY_AUTH=ory_auth):
        call = wsgi_call(handler("ory", "sync"), "/sync/session")
        warm_up, counted = sessions[:WARM_UP], sessions[WARM_UP:]
        for session in warm_up:
            call(session.by_token)
        gc.collect()
        tracemalloc.start()
        for session in counted:
            call(session.by_token)
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return size
