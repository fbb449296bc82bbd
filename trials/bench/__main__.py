"""``python -m trials.bench``: the table of what a signed-in request costs."""

from __future__ import annotations

import argparse
from contextlib import ExitStack

from trials.bench.crew import crew, rounds
from trials.bench.lines import ORY_AUTH, rows
from trials.bench.project import Variant
from trials.bench.table import results, table
from trials.servers import ory, redis


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m trials.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--count", type=int, default=50)
    options = parser.parse_args()
    with ExitStack() as stack:
        identities, cache = stack.enter_context(ory()), stack.enter_context(redis())
        [ada] = identities.people(1)
        variants = [
            Variant(
                name,
                "",
                identities.public_url,
                ada.cookie,
                ada.identity,
                f"redis://127.0.0.1:{cache.port}/{number}" if name.startswith("redis") else "",
                settings,
            )
            for number, (name, settings) in enumerate(ORY_AUTH.items())
        ]
        workers = stack.enter_context(crew(variants, {}))
        found = list(rounds(workers, options.rounds, options.count))
    for line in table(results(rows(), found)):
        print(line)


if __name__ == "__main__":
    main()
