"""A look at this side: settings, system checks, the database, the cache. Nothing here talks to Ory."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

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
from ..facts.model import Hosts, Misfit, Project, Trial
from .cache import find_misfit

OWN_CHECKS = "ory_auth."  # modules, and ids of messages
PROBE_SECONDS = 60  # that the cache may keep the probe's key, should it not be removed


def look_at_project(given_sites: tuple[str, ...] = ()) -> Project:
    """Everything there is to see without asking Ory. Writes some keys to the cache, and removes them."""
    conf, _ = parse(getattr(settings, "ORY_AUTH", None))
    started = time.perf_counter()
    messages = tuple(_system_checks())
    seconds = time.perf_counter() - started
    return Project(
        conf=conf,
        keys=configured_keys(),
        hosts=_hosts(conf, given_sites),
        messages=messages,
        checks_seconds=seconds,
        login_path=_login_path(),
        login_is_ours=_login_is_ours(),
        backends=_texts("AUTHENTICATION_BACKENDS"),
        database=_database(),
        cache=_cache(conf) if conf else None,
    )


def answers_at(path: str) -> bool:
    """Whether this project has a view at this path."""
    try:
        resolve(path)
    except Resolver404:
        return False
    except Exception:  # a URLconf that cannot be imported: system checks and every request say so
        return False
    return True


def _system_checks() -> Iterator[checks.CheckMessage]:
    """The messages of this app's own checks, which never raise; the database is looked at more closely here."""
    for check in registry.get_checks(include_deployment_checks=not settings.DEBUG):
        if check.__module__.startswith(OWN_CHECKS):
            found = check(app_configs=None, databases=None)
            yield from (m for m in found if str(m.id).startswith(OWN_CHECKS) and not m.is_silenced())


def _hosts(conf: Conf | None, given: tuple[str, ...]) -> Hosts:
    return Hosts(
        allowed=_texts("ALLOWED_HOSTS"),
        origins=_texts("CSRF_TRUSTED_ORIGINS"),
        api_origins=_texts("CORS_ALLOWED_ORIGINS") if apps.is_installed("corsheaders") else (),
        redirects=tuple(ascii_host(host) or host for host in conf.login_redirect_hosts) if conf else (),
        debug=bool(settings.DEBUG),
        given=given,
    )


def _texts(name: str) -> tuple[str, ...]:
    """The texts in a list of Django's settings, whatever else is in it."""
    value = getattr(settings, name, ())
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, (list, tuple, set)) else ()


def _login_path() -> str:
    try:
        return reverse("ory_auth:login")
    except Exception:  # not included, or a URLconf that cannot be imported
        return ""


def _login_is_ours() -> bool:
    """Whether the page of ours answers at its address. Another pattern before it may match the same address."""
    try:
        match = resolve(f"/{_login_path().removeprefix(get_script_prefix()).lstrip('/')}")
    except Exception:  # as above
        return False
    return "ory_auth" in match.app_names and match.url_name == "login"


def _database() -> Trial:
    started = time.perf_counter()
    alias = writing_alias()
    missing: tuple[str, ...] = ()
    trouble = ""
    try:
        executor = MigrationExecutor(connections[alias])
        targets = executor.loader.graph.leaf_nodes("ory_auth")
        missing = tuple(f"{migration.app_label}.{migration.name}" for migration, _ in executor.migration_plan(targets))
        if not missing and OryIdentity._meta.db_table not in _tables(alias):
            missing = (OryIdentity._meta.db_table,)  # a router kept them from doing anything
    except Exception as error:  # of any driver; its text may hold a host and a user name
        trouble = type(error).__name__
    return Trial(alias, trouble, time.perf_counter() - started, missing=missing)


def _tables(alias: str) -> list[str]:
    with connections[alias].cursor() as cursor:
        return connections[alias].introspection.table_names(cursor)


def _cache(conf: Conf) -> Trial:
    """Write, read and delete: in a thread, because a cache may hang for as long as it likes."""
    alias, trouble = conf.session_cache, ["TimeoutError"]
    shared, evicts = True, [""]
    misfits: list[Misfit | None] = []

    def use() -> None:
        key, value = f"ory_auth:check:{secrets.token_hex(8)}", secrets.token_hex(8)
        cache = caches[alias]
        cache.set(key, value, PROBE_SECONDS)
        kept = cache.get(key)
        cache.delete(key)
        if kept == value:
            misfits.append(find_misfit(cache))
        trouble[0] = "" if kept == value else "forgets"
        evicts[0] = _eviction_policy(cache)

    started = time.perf_counter()
    _bounded(use, trouble, conf.timeout)
    seconds = time.perf_counter() - started
    if not trouble[0] or trouble[0] == "forgets":
        shared = not isinstance(caches[alias], (LocMemCache, DummyCache))
    misfit = next(iter(misfits), None)
    return Trial(alias, trouble[0], seconds, _missing_table(alias) if trouble[0] else (), shared, evicts[0], misfit)


def _eviction_policy(cache: BaseCache) -> str:
    """Redis' rule for what goes when its memory is full; empty where nothing goes, and where it does not say."""
    if not isinstance(cache, RedisCache):
        return ""
    try:
        memory = cache._cache.get_client().info("memory")
        policy = str(memory["maxmemory_policy"])
        return policy if int(memory["maxmemory"]) and policy != "noeviction" else ""
    except Exception:  # a server that is no Redis, or may not be asked this
        return ""


def _missing_table(alias: str) -> tuple[str, ...]:
    """The table of a cache in the database, where it is not there."""
    try:
        cache = caches[alias]
        if not isinstance(cache, BaseDatabaseCache):
            return ()
        table = str(cache.cache_model_class._meta.db_table)
        connection = connections[router.db_for_write(cache.cache_model_class)]
        with connection.cursor() as cursor:
            tables = connection.introspection.table_names(cursor)
    except Exception:  # no such alias, or a database that does not answer: that there is trouble is said anyway
        return ()
    return () if table in tables else (table,)


def _bounded(action: Callable[[], Any], trouble: list[str], timeout: float) -> None:
    def run() -> None:
        try:
            action()
        except Exception as error:  # whatever a backend raises
            trouble[0] = type(error).__name__
        finally:
            connections.close_all()  # this thread's own, which a cache in the database opens

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout)
