"""Probes of this project: settings, system checks, the database and the cache. Ory is not called."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.cache import BaseCache, caches
from django.core.cache.backends.db import BaseDatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.core.checks.registry import registry
from django.db import connections, router
from django.db.migrations.executor import MigrationExecutor
from django.urls import Resolver404, get_script_prefix, resolve, reverse

from ...conf import Conf, configured_keys, parse
from ...models import OryIdentity
from ...ory.ascii_hosts import ascii_host
from ...users.database import writing_alias
from ..facts.model import CacheDefect, CacheResult, DatabaseResult, Hosts, Project
from .cache import find_defect
from .synchronizations import probe_synchronizations
from .webhooks import probe_webhooks

CHECKS_PREFIX = "ory_auth."  # of the modules of our system checks, and of their ids
LIFETIME_SECONDS = 60  # the lifetime of the cache key, in case it cannot be deleted


def probe_project(site_options: tuple[str, ...] = ()) -> Project:
    """Everything that can be known without calling Ory. Writes some keys to the cache, and deletes them."""
    conf, _ = parse(getattr(settings, "ORY_AUTH", None))
    started = time.perf_counter()
    messages = tuple(_run_system_checks())
    seconds = time.perf_counter() - started
    return Project(
        conf=conf,
        keys=configured_keys(),
        hosts=_read_hosts(conf, site_options),
        messages=messages,
        checks_seconds=seconds,
        login_path=_find_login_path(),
        serves_login_page=_serves_login_page(),
        backends=_read_strings("AUTHENTICATION_BACKENDS"),
        database=_probe_database(),
        cache=_probe_cache(conf) if conf else None,
        synchronizations=probe_synchronizations(),
        webhooks=probe_webhooks(),
    )


def has_view_at(path: str) -> bool:
    """Whether this project has a view at this path."""
    try:
        resolve(path)
    except Resolver404:
        return False
    except Exception:  # a URLconf that cannot be imported: system checks and every request say so
        return False
    return True


def _run_system_checks() -> Iterator[checks.CheckMessage]:
    """The messages of our system checks, which never raise. Not of the one for the database, which is probed here."""
    for check in registry.get_checks(include_deployment_checks=not settings.DEBUG):
        if check.__module__.startswith(CHECKS_PREFIX):
            messages = check(app_configs=None, databases=None)
            yield from (m for m in messages if str(m.id).startswith(CHECKS_PREFIX) and not m.is_silenced())


def _read_hosts(conf: Conf | None, site_options: tuple[str, ...]) -> Hosts:
    return Hosts(
        allowed=_read_strings("ALLOWED_HOSTS"),
        trusted_origins=_read_strings("CSRF_TRUSTED_ORIGINS"),
        cors_origins=_read_strings("CORS_ALLOWED_ORIGINS") if apps.is_installed("corsheaders") else (),
        redirects=tuple(ascii_host(host) or host for host in conf.login_redirect_hosts) if conf else (),
        debug=bool(settings.DEBUG),
        site_options=site_options,
    )


def _read_strings(name: str) -> tuple[str, ...]:
    """The strings in a list of Django's settings. Values of other types are ignored."""
    value = getattr(settings, name, ())
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, (list, tuple, set)) else ()


def _find_login_path() -> str:
    try:
        return reverse("ory_auth:login")
    except Exception:  # not included, or a URLconf that cannot be imported
        return ""


def _serves_login_page() -> bool:
    """Whether ory_auth:login answers at its own path. An earlier pattern may match the same path."""
    try:
        match = resolve(f"/{_find_login_path().removeprefix(get_script_prefix()).lstrip('/')}")
    except Exception:  # as above
        return False
    return "ory_auth" in match.app_names and match.url_name == "login"


def _probe_database() -> DatabaseResult:
    started = time.perf_counter()
    alias = writing_alias()
    missing: tuple[str, ...] = ()
    error_name = ""
    try:
        executor = MigrationExecutor(connections[alias])
        targets = executor.loader.graph.leaf_nodes("ory_auth")
        missing = tuple(f"{migration.app_label}.{migration.name}" for migration, _ in executor.migration_plan(targets))
        if not missing and not _has_table(alias, OryIdentity._meta.db_table):
            missing = (OryIdentity._meta.db_table,)  # a router kept the migrations from creating it
    except Exception as error:  # of any driver; its text may hold a host and a user name
        error_name = type(error).__name__
    return DatabaseResult(alias, error_name, time.perf_counter() - started, missing)


def _has_table(alias: str, table: str) -> bool:
    with connections[alias].cursor() as cursor:
        return table in connections[alias].introspection.table_names(cursor)


@dataclass
class _CacheProbe:
    """Writes to a cache, reads and deletes. Its attributes are the result as far as it got."""

    alias: str
    error: str = "TimeoutError"  # until it ends
    loses_values: bool = False
    eviction_policy: str = ""
    defect: CacheDefect | None = None

    def run(self) -> None:
        try:
            self._use_cache()
            self.error = ""
        except Exception as error:  # backends raise errors of any kind
            self.error = type(error).__name__
        finally:
            connections.close_all()  # those of this thread, which a cache in the database opens

    def _use_cache(self) -> None:
        key, value = f"ory_auth:check:{secrets.token_hex(8)}", secrets.token_hex(8)
        cache = caches[self.alias]
        cache.set(key, value, LIFETIME_SECONDS)
        self.loses_values = cache.get(key) != value
        cache.delete(key)
        if not self.loses_values:
            self.defect = find_defect(cache)
        self.eviction_policy = _read_eviction_policy(cache)


def _probe_cache(conf: Conf) -> CacheResult:
    """In a thread, because a cache may hang without a time limit."""
    probe = _CacheProbe(conf.session_cache)
    started = time.perf_counter()
    thread = threading.Thread(target=probe.run, daemon=True)
    thread.start()
    thread.join(conf.timeout)
    error, seconds = probe.error, time.perf_counter() - started
    if error:
        return CacheResult(probe.alias, error, seconds=seconds, missing_table=_find_missing_table(probe.alias))
    return CacheResult(
        probe.alias,
        loses_values=probe.loses_values,
        seconds=seconds,
        is_shared=not isinstance(caches[probe.alias], (LocMemCache, DummyCache)),
        eviction_policy=probe.eviction_policy,
        defect=probe.defect,
    )


def _read_eviction_policy(cache: BaseCache) -> str:
    """The ``maxmemory-policy`` of a Redis with limited memory; empty if it evicts nothing or does not say."""
    if not isinstance(cache, RedisCache):
        return ""
    try:
        memory = cache._cache.get_client().info("memory")
        policy = str(memory["maxmemory_policy"])
        return policy if int(memory["maxmemory"]) and policy != "noeviction" else ""
    except Exception:  # the server is not a Redis, or does not allow this command
        return ""


def _find_missing_table(alias: str) -> str:
    """The table of a cache in the database, if it does not exist."""
    try:
        cache = caches[alias]
        if not isinstance(cache, BaseDatabaseCache):
            return ""
        table = str(cache.cache_model_class._meta.db_table)
        return "" if _has_table(router.db_for_write(cache.cache_model_class), table) else table
    except Exception:  # no such alias, or a database that does not respond: another finding says so
        return ""
