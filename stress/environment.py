"""What campaigns run in: one Ory, one PostgreSQL and one Redis for all, and sites for each."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from stress import servers
from stress.processes import private_directory
from stress.proxy import Proxy
from stress.servers import CreatedSession, Ory, PostgreSQL, Redis, Site

POOL = "16"  # connections of a process to PostgreSQL

N = TypeVar("N", int, float)


class Environment:
    """Starts servers when they are first used, and stops them at the end."""

    def __init__(self, *, short: bool = False) -> None:
        self.short = short
        self._servers = ExitStack()
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._servers.close()

    def scaled(self, full: N, short: N) -> N:
        """The first number, or the second one in the short form."""
        return short if self.short else full

    @cached_property
    def ory(self) -> Ory:
        return self._servers.enter_context(servers.ory())

    @cached_property
    def postgresql(self) -> PostgreSQL:
        return self._servers.enter_context(servers.postgresql(max_connections=400))

    @cached_property
    def redis(self) -> Redis:
        return self._servers.enter_context(servers.redis())

    @cached_property
    def logs(self) -> Path:
        """The directory for the logs of all sites, at DEBUG level."""
        return self._servers.enter_context(private_directory())

    def people(self, count: int, sessions: int = 1) -> list[CreatedSession]:
        """New people at Ory, signed in."""
        return self.ory.people(count, sessions)

    @contextmanager
    def proxy(self) -> Iterator[Proxy]:
        """A proxy in front of Ory, see `stress.proxy`."""
        [stranger] = self.people(1)
        session = self.ory.http.public("GET", "/sessions/whoami", headers=stranger.by_token).body
        with private_directory() as directory, Proxy(self.ory.public_url, session, directory) as proxy:
            yield proxy

    def site_variables(
        self,
        *,
        ory_auth: Mapping[str, Any] | None = None,
        proxy: Proxy | None = None,
        database: str | None = None,
        **more: str,
    ) -> dict[str, str]:
        """The ``SITE_…`` variables of a site with a new database, or with ``database`` (a URL)."""
        return {
            "SITE_ORY_URL": proxy.url if proxy else self.ory.public_url,
            "SITE_ADMIN_URL": self.ory.admin_url,
            "SITE_REDIS_URL": self.redis.url,
            "SITE_DATABASE_URL": database or self.new_database(more.get("SITE_USER_MODEL", "auth.User")),
            "SITE_LOG": str(self.logs / f"{next(self._numbers)}.log"),
            "SITE_ORY_AUTH": json.dumps(dict(ory_auth or {})),
            **(proxy.site_variables if proxy else {}),
            **more,
        }

    def new_database(self, user_model: str = "auth.User") -> str:
        """The URL of an empty database with the site's tables."""
        return self.postgresql.database(f"site_{next(self._numbers)}", user_model)

    def site(
        self, kind: Literal["gunicorn", "uvicorn"], variables: Mapping[str, str], workers: int = 2, threads: int = 4
    ) -> AbstractContextManager[Site]:
        """The site under one server.

        Under uvicorn each request has a thread, so connections to the database are in a pool, unless
        ``SITE_CONN_MAX_AGE`` is set.
        """
        if kind == "gunicorn":
            return servers.gunicorn(variables, workers, threads)
        pool = {} if "SITE_CONN_MAX_AGE" in variables else {"SITE_POOL": POOL}
        return servers.uvicorn({**pool, **variables}, workers)

    @contextmanager
    def sites(self, variables: Mapping[str, str], workers: int = 2, threads: int = 4) -> Iterator[tuple[Site, Site]]:
        """The site under gunicorn and under uvicorn, started at the same time."""
        with ExitStack() as ends, ThreadPoolExecutor() as starters:
            wsgi = starters.submit(ends.enter_context, self.site("gunicorn", variables, workers, threads))
            asgi = starters.submit(ends.enter_context, self.site("uvicorn", variables, workers))
            yield wsgi.result(), asgi.result()
