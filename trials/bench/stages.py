"""The profiles for the docs: one table for each cached way to answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from stress.processes import private_directory
from stress.servers import ory, redis
from trials.bench.crew import migrated
from trials.bench.lines import MEMORY, MEMORY_LOCAL, ORY_AUTH, REDIS, REDIS_LOCAL, REDIS_USERS
from trials.bench.profile import profile_of, table
from trials.bench.project import Variant

PROFILES = (
    ("does not ask", MEMORY, "wsgi silent"),
    ("reads ory_session, in process", MEMORY_LOCAL, "wsgi session"),
    ("reads user, local memory", MEMORY, "wsgi user"),
    ("reads user, Redis", REDIS, "wsgi user"),
    ("reads user, Redis and LOCAL_CACHE_SECONDS", REDIS_LOCAL, "wsgi user"),
    ("reads user, the same and USER_CACHE_SECONDS", REDIS_USERS, "wsgi user"),
)


def profiles(seconds: float) -> Iterator[str]:
    """The lines of all tables, in Markdown; ``seconds`` for each."""
    with ory() as identities, redis() as cache, private_directory() as directory:
        [ada] = identities.people(1)
        for number, (title, name, case) in enumerate(PROFILES):
            database = directory / f"{number}.sqlite3"
            migrated(database)
            url = f"redis://127.0.0.1:{cache.port}/{number}" if name.startswith("redis") else ""
            variant = Variant(name, str(database), identities.public_url, ada.cookie, ada.identity, url, ORY_AUTH[name])
            yield from table(title, profile_of(json.dumps(asdict(variant)), case, seconds))
