"""This project: its settings, database and cache."""

from __future__ import annotations

from collections.abc import Iterator

from django.core import checks

from ...request.middleware_order import ORY_BACKEND
from ..facts.model import STORE_BYTES, CacheDefect, CacheResult, DatabaseResult, Facts, Project
from .findings import Check, Finding, Level, Problem, failure, ok, skipped, warning

BACKENDS = {
    ORY_BACKEND: "permissions, never passwords",
    "django.contrib.auth.backends.ModelBackend": "permissions and Django passwords",
}
# Warnings of manage.py check, because a project may have a reason to silence them. Without one, nobody can sign in.
PREVENTS_SIGN_IN = frozenset({"ory_auth.W001", "ory_auth.W018", "ory_auth.W028"})
SERIALIZER = "ory_auth.cache_serializer.BytesSerializer"


def evaluate_project(facts: Facts) -> Iterator[Finding]:
    project = facts.project
    yield from _evaluate_settings(project)
    if project.backends:
        yield ok(Check.BACKENDS, f"in this order: {', '.join(map(_describe_backend, project.backends))}")
    yield _evaluate_database(project.database)
    if project.cache is None:
        yield skipped(Check.CACHE, "not tested: ORY_AUTH cannot be read")
    else:
        yield _evaluate_cache(project.cache, debug=project.hosts.debug)


def _describe_backend(backend: str) -> str:
    return f"{backend} ({BACKENDS[backend]})" if backend in BACKENDS else backend


def _evaluate_settings(project: Project) -> Iterator[Finding]:
    for message in project.messages:
        fails = message.level >= checks.ERROR or message.id in PREVENTS_SIGN_IN
        level = Level.FAILURE if fails else Level.WARNING
        yield Finding(Check.SETTINGS, level, str(message.msg), str(message.hint or ""), str(message.id))
    if project.conf is None and not project.messages:
        yield failure(
            Check.SETTINGS,
            Problem.SDK_URL_MISSING,
            "ORY_AUTH['SDK_URL'] is missing.",
            "Set it to the URL of Ory's public API, such as 'http://127.0.0.1:4433'.",
        )
    elif not project.messages:
        yield ok(Check.SETTINGS, "the system checks of ory_auth found no problems", project.checks_seconds)


def _evaluate_database(database: DatabaseResult) -> Finding:
    alias = database.alias
    if database.error:
        return failure(
            Check.DATABASE,
            Problem.DATABASE_UNAVAILABLE,
            f"The database {alias!r} does not respond ({database.error}).",
            f"Correct DATABASES[{alias!r}], and check that the database is running.",
            database.seconds,
        )
    if database.missing:
        return failure(
            Check.DATABASE,
            Problem.DATABASE_NOT_MIGRATED,
            f"The database {alias!r} lacks migrations of ory_auth ({', '.join(database.missing)}): nobody can sign in.",
            f"Run 'manage.py migrate ory_auth{'' if alias == 'default' else f' --database {alias}'}'.",
            database.seconds,
        )
    return ok(Check.DATABASE, f"{alias!r} responds, and the migrations of ory_auth are applied", database.seconds)


def _evaluate_cache(cache: CacheResult, *, debug: bool) -> Finding:
    check, alias, seconds = Check.CACHE, cache.alias, cache.seconds
    if cache.loses_values:
        found = f"The cache {alias!r} does not store values: every request calls Ory."
        fix = f"Use a backend that stores values in CACHES[{alias!r}], or another alias in ORY_AUTH['SESSION_CACHE']."
        return warning(check, Problem.CACHE_FORGETS, found, fix, seconds)
    if cache.missing_table:
        found = f"The cache {alias!r} cannot store values, because its table {cache.missing_table!r} is missing: "
        found += "every request calls Ory."
        return failure(check, Problem.CACHE_UNAVAILABLE, found, "Run 'manage.py createcachetable'.", seconds)
    if cache.error:
        found = f"The cache {alias!r} does not respond ({cache.error}): every request calls Ory."
        fix = f"Correct CACHES[{alias!r}] or ORY_AUTH['SESSION_CACHE'], and check that the cache is running."
        return failure(check, Problem.CACHE_UNAVAILABLE, found, fix, seconds)
    if cache.defect:
        return _describe_cache_defect(cache, cache.defect)
    if not cache.is_shared and not debug:
        found = f"The cache {alias!r} is separate in each process: other processes accept a session after a sign-out."
        fix = f"Use a backend that all processes share in CACHES[{alias!r}], such as Redis."
        return warning(check, Problem.CACHE_PER_PROCESS, found, fix, seconds)
    if cache.eviction_policy:
        found = (
            f"The cache {alias!r} evicts keys when its memory is full (maxmemory-policy {cache.eviction_policy}). If "
            "it loses a sign-out that Ory has not received, the session works again."
        )
        fix = f"Use a Redis for sessions only in CACHES[{alias!r}], with 'maxmemory-policy noeviction'."
        return warning(check, Problem.CACHE_EVICTS, found, fix, seconds)
    return ok(check, f"{alias!r} stores values{'' if cache.is_shared else ', separately in each process'}", seconds)


def _describe_cache_defect(cache: CacheResult, defect: CacheDefect) -> Finding:
    effect = "sign-outs may get lost"
    if defect.operation == STORE_BYTES:
        effect = "no session is cached, and every request calls Ory"
    return failure(
        Check.CACHE,
        Problem.CACHE_UNFIT,
        f"The cache {cache.alias!r} cannot {defect.operation} ({defect.symptom}): {effect}.",
        "Set ORY_AUTH['SESSION_CACHE'] to an alias with a backend of Django or django-redis. If it has a serializer, "
        f"that must return bytes unchanged, as {SERIALIZER!r} does.",
        cache.seconds,
    )
