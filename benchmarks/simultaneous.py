"""200 requests of one session at once, with empty caches: how often is Ory called?"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.test import override_settings

from benchmarks.handlers import Headers, WrongResponse, asgi_call, wsgi_call
from benchmarks.project import handler
from ory_auth.local import Config, LocalOry

REQUESTS = 200


def count_whoami_calls(kind: str) -> int:
    """Calls of whoami. The local Ory runs in this process, because no time is measured."""
    with LocalOry(Config(public_port=0, admin_port=0)) as ory:
        identity = ory.create_identity(email="ada@example.org")["id"]
        headers = {"X-Session-Token": ory.create_session(identity).token}
        with override_settings(ORY_AUTH={"SDK_URL": ory.public_url}):
            bodies = _in_threads(headers) if kind == "sync" else asyncio.run(_in_tasks(headers))
        if set(bodies) != {identity.encode()}:
            raise WrongResponse("not every request got the session")
        return sum(request.path == "/sessions/whoami" for request in ory.requests)


def _in_threads(headers: Headers) -> list[bytes]:
    call, barrier = wsgi_call(handler("ory", "sync"), "/sync/session"), Barrier(REQUESTS)

    def wait_and_call(_: int) -> bytes:
        barrier.wait()
        return call(headers)

    with ThreadPoolExecutor(REQUESTS) as pool:
        return list(pool.map(wait_and_call, range(REQUESTS)))


async def _in_tasks(headers: Headers) -> list[bytes]:
    call = asgi_call(handler("ory", "async"), "/async/session")
    return await asyncio.gather(*(call(headers) for _ in range(REQUESTS)))
