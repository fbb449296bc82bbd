"""What the in-process tier weighs: sessions are asked for one after the other, and Python's own memory is traced.

A process: ``python -m trials.bench.memory VARIANT COUNT …`` prints bytes by number of sessions: ``{"10": 20000}``.
"""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc

from trials.bench import drive
from trials.bench.project import Variant, configure
from trials.bench.stand_in import token

WARM = 50  # sessions before the tracing begins


def main() -> None:
    variant, counts = Variant(**json.loads(sys.argv[1])), sorted(map(int, sys.argv[2:]))
    configure(variant)
    ask = drive.wsgi_any("ory", "/sync/session")
    for number in range(WARM):
        ask(token(10**8 + number))
    gc.collect()
    tracemalloc.start()
    empty, _ = tracemalloc.get_traced_memory()
    found, asked = {}, 0
    for count in counts:
        for number in range(asked, count):
            ask(token(number))
        asked = count
        gc.collect()
        found[count] = tracemalloc.get_traced_memory()[0] - empty
    print(json.dumps(found))


if __name__ == "__main__":
    main()
