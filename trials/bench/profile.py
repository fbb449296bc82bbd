"""Where the microseconds of a cached request go: a sampling profile, since a tracing one makes small functions dear.

As a process (``python -m trials.bench.profile VARIANT CASE SECONDS``) it prints one profile as JSON. Each sample counts
for the innermost function of ``ory_auth`` that is on the stack, whatever Django or Python do on its behalf. What is on
nobody's behalf is Django's own, and so is what a middleware hands on to: the rest of the handler, and the view.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from stress.processes import ROOT
from trials.bench.project import Variant, configure

INTERVAL = 0.0002  # seconds between two samples
OWN = str(ROOT / "ory_auth") + os.sep
INWARD = ("django/core/handlers/exception.py", "django/core/handlers/base.py")  # where a request goes further in
AROUND = "Django's handler, URL resolver and the view"


class Sampler:
    """Counts what this thread is doing, for as long as a ``with`` block lasts."""

    def __init__(self) -> None:
        self.samples: Counter[tuple[CodeType | None, CodeType]] = Counter()  # who it is done for, what is done

    def __enter__(self) -> Sampler:
        signal.signal(signal.SIGALRM, self._note)
        signal.setitimer(signal.ITIMER_REAL, INTERVAL, INTERVAL)
        return self

    def __exit__(self, *exception: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        owner: FrameType | None = frame
        while owner is not None and not owner.f_code.co_filename.startswith(OWN):
            owner = None if owner.f_code.co_filename.endswith(INWARD) else owner.f_back
        self.samples[owner.f_code if owner else None, frame.f_code] += 1


def profile(call: Callable[[], Any], seconds: float) -> dict[str, Any]:
    """Run it for so long: microseconds of one call without the sampler, and the shares of who took them."""
    until, took = time.perf_counter() + seconds / 3, []
    while time.perf_counter() < until:
        start = time.perf_counter_ns()
        call()
        took.append(time.perf_counter_ns() - start)
    until = time.perf_counter() + seconds
    with Sampler() as sampler:
        while time.perf_counter() < until:
            call()
    return {"microseconds": statistics.median(took) / 1000, "parts": list(_parts(sampler.samples))}


def _parts(samples: Mapping[tuple[CodeType | None, CodeType], int]) -> Iterator[dict[str, Any]]:
    """For each function of ``ory_auth``: its share of all samples, and what it mostly waits for."""
    total = sum(samples.values())
    owners = Counter[CodeType | None]()
    for (owner, _), count in samples.items():
        owners[owner] += count
    for owner, count in owners.most_common():
        leaves = Counter({leaf: n for (own, leaf), n in samples.items() if own is owner and leaf is not owner})
        mostly = [f"{_name(leaf)} {n / total:.0%}" for leaf, n in leaves.most_common(3) if n >= total / 100]
        yield {"name": _name(owner) if owner else AROUND, "share": count / total, "mostly": ", ".join(mostly)}


def _name(code: CodeType) -> str:
    path = Path(code.co_filename)
    module = path.stem if path.stem != "__init__" else path.parent.name
    return f"{module}.{code.co_qualname.replace('<locals>.', '')}"


# ---- as a process, and reading what it says


def main() -> None:
    variant, case, seconds = Variant(**json.loads(sys.argv[1])), sys.argv[2], float(sys.argv[3])
    configure(variant)
    cases = {each.name: each for each in import_module(variant.cases).cases(variant)}
    chosen = cases[case]
    chosen.run(asyncio.new_event_loop(), 300)
    assert chosen.call is not None
    print(json.dumps(profile(chosen.call, seconds)))


def profile_of(given: str, case: str, seconds: float) -> dict[str, Any]:
    """The profile of one case, taken in a process of its own; ``given`` is the variant as JSON."""
    command = [sys.executable, "-m", "trials.bench.profile", given, case, str(seconds)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def table(title: str, found: Mapping[str, Any], least: float = 0.01) -> Iterator[str]:
    """A Markdown table: microseconds by function, the dearest first; what is below ``least`` of all is added up."""
    total, parts = found["microseconds"], found["parts"]
    shown: Sequence[Mapping[str, Any]] = [part for part in parts if part["share"] >= least]
    rest = sum(part["share"] for part in parts) - sum(part["share"] for part in shown)
    rows = [(part["name"], f"{part['share'] * total:.1f}", f"{part['share']:.0%}", part["mostly"]) for part in shown]
    rows.append(("the rest", f"{rest * total:.1f}", f"{rest:.0%}", ""))
    width = max(len(name) for name, *_ in rows)
    yield f"\n{title}: {total:.0f} µs\n"
    yield f"| {'done for':<{width}} |    µs | share | mostly in |"
    yield f"| {'-' * width} | ----: | ----: | --------- |"
    for name, microseconds, share, mostly in rows:
        yield f"| {name:<{width}} | {microseconds:>5} | {share:>5} | {mostly} |"


if __name__ == "__main__":
    main()
