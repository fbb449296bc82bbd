"""200 requests of one session at once on a cold cache: how often Ory is asked. A process, since the rest is settings.

Prints ``{"wsgi": 1, "asgi": 1}``: calls of whoami.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import urllib3
from django.core.cache import caches

from trials.bench import drive
from trials.bench.project import Variant, configure
from trials.bench.stand_in import token

AT_ONCE = 200


def main() -> None:
    variant = Variant(**json.loads(sys.argv[1]))
    configure(variant)
    found = {"wsgi": _asked(variant, 1, _threads), "asgi": _asked(variant, 2, _tasks)}
    print(json.dumps(found))


def _asked(variant: Variant, number: int, run: Callable[[dict[str, str]], None]) -> int:
    def so_far() -> int:
        return int(urllib3.request("GET", f"{variant.ory_url}/asked").data)

    caches["default"].clear()
    before = so_far()
    run(token(number))
    return so_far() - before


def _threads(headers: dict[str, str]) -> None:
    call, barrier = drive.wsgi("ory", "/sync/session", headers), Barrier(AT_ONCE)

    def one(_: int) -> bytes:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        _same(list(pool.map(one, range(AT_ONCE))))


def _tasks(headers: dict[str, str]) -> None:
    call = drive.asgi("ory", "/async/session", headers)

    async def together() -> list[bytes]:
        return await asyncio.gather(*(call() for _ in range(AT_ONCE)))

    _same(asyncio.run(together()))


def _same(answers: list[bytes]) -> None:
    if len(set(answers)) != 1 or b"None" in answers[0]:
        raise drive.WrongAnswer("the requests of one session did not all see it")


if __name__ == "__main__":
    main()
