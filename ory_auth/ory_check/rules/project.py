"""What was seen on this side, judged."""

from __future__ import annotations

from collections.abc import Iterator

from django.core import checks

from ...request.middleware_order import BACKEND
from ..facts.model import STORE_BYTES, Facts, Misfit, Project, Trial
from .findings import Check, Finding, Level, Problem, failure, ok, skipped, warning

BACKENDS = {
    BACKEND: "permissions, never passwords",
    "django.contrib.auth.backends.ModelBackend": "permissions, and passwords of Django's own",
}
# Warnings of manage.py check, which a project may silence if it knows better. Otherwise people cannot sign in.
STOPS_SIGN_IN = frozenset({"ory_auth.W001", "ory_auth.W018", "ory_auth.W028"})
SERIALIZER = "ory_auth.cache_serializer.BytesSerializer"


def judge_project(facts: Facts) -> Iterator[Finding]:
    project = facts.project
    yield from _settings(project)
    if project.backends:
        yield ok(Check.BACKENDS, f"in this order: {', '.join(map(_explained, project.backends))}")
    yield _database(project.database)
    yield _cache(project, project.cache)


def _explained(backend: str) -> str:
    """A backend by its path, and what it does where that is known."""
    return f"{backend} ({BACKENDS[backend]})" if backend in BACKENDS else backend


def _settings(project: Project) -> Iterator[Finding]:
    for message in project.messages:
        stops = message.level >= checks.ERROR or message.id in STOPS_SIGN_IN
        level = Level.FAILURE if stops else Level.WARNING
        yield Finding(Check.SETTINGS, level, str(message.msg), str(message.hint or ""), str(message.id))
    if project.conf is None and not project.messages:
        yield failure(
            Check.SETTINGS,
            Problem.SDK_URL_MISSING,
            "ORY_AUTH['SDK_URL'] is missing.",
            "Set it to Ory's public API as this server reaches it, such as 'http://127.0.0.1:4433'.",
        )
    elif not project.messages:
        found = "the system checks have nothing to say about ORY_AUTH, the middleware, its order and the backend"
        yield ok(Check.SETTINGS, found, project.checks_seconds)


def _database(trial: Trial) -> Finding:
    if trial.trouble:
        return failure(
            Check.DATABASE,
            Problem.DATABASE_UNAVAILABLE,
            f"The database {trial.name!r} does not answer ({trial.trouble}).",
            f"Correct DATABASES[{trial.name!r}], and see that it runs.",
            trial.seconds,
        )
    if trial.missing:
        return failure(
            Check.DATABASE,
            Problem.DATABASE_NOT_MIGRATED,
            f"Migrations of ory_auth are not applied ({', '.join(trial.missing)}): nobody can sign in.",
            f"Run 'manage.py migrate ory_auth{'' if trial.name == 'default' else f' --database {trial.name}'}'.",
            trial.seconds,
        )
    return ok(Check.DATABASE, f"{trial.name!r} answers, and ory_auth's migrations are applied", trial.seconds)


def _cache(project: Project, trial: Trial | None) -> Finding:
    if trial is None or project.conf is None:
        return skipped(Check.CACHE, "ORY_AUTH cannot be read")
    name, check = trial.name, Check.CACHE
    if trial.trouble == "forgets":
        return warning(
            check,
            Problem.CACHE_FORGETS,
            f"The cache {name!r} does not keep what it is given: every request asks Ory.",
            f"Give CACHES[{name!r}] a backend that keeps values, or name another alias in ORY_AUTH['SESSION_CACHE'].",
            trial.seconds,
        )
    if trial.missing:
        return failure(
            check,
            Problem.CACHE_UNAVAILABLE,
            f"The cache {name!r} keeps nothing, for its table {trial.missing[0]!r} is missing: every request asks Ory.",
            "Run 'manage.py createcachetable'.",
            trial.seconds,
        )
    if trial.trouble:
        return failure(
            check,
            Problem.CACHE_UNAVAILABLE,
            f"The cache {name!r} does not answer ({trial.trouble}): every request asks Ory.",
            f"Correct CACHES[{name!r}] or ORY_AUTH['SESSION_CACHE'], and see that the cache runs.",
            trial.seconds,
        )
    if trial.misfit:
        return _misfit(trial, trial.misfit)
    if not trial.shared and not project.hosts.debug:
        return warning(
            check,
            Problem.CACHE_PER_PROCESS,
            f"The cache {name!r} is one per process: a sign-out is not seen by the other processes while they keep it.",
            f"Give CACHES[{name!r}] a backend that all processes share, such as Redis.",
            trial.seconds,
        )
    if trial.evicts:
        return warning(
            check,
            Problem.CACHE_EVICTS,
            f"The cache {name!r} throws entries away when its memory is full (maxmemory-policy {trial.evicts}), and "
            "sign-outs among them: a session that Ory could not be told to end would count again.",
            f"Give the sessions a Redis of their own with 'maxmemory-policy noeviction' in CACHES[{name!r}].",
            trial.seconds,
        )
    kind = "keeps what it is given" if trial.shared else "keeps what it is given, each process for itself"
    return ok(check, f"{name!r} {kind}", trial.seconds)


def _misfit(trial: Trial, misfit: Misfit) -> Finding:
    effect = "sign-outs may get lost"
    if misfit.what == STORE_BYTES:
        effect = "no session is cached, and every request asks Ory"
    return failure(
        Check.CACHE,
        Problem.CACHE_UNFIT,
        f"The cache {trial.name!r} cannot {misfit.what} ({misfit.how}): {effect}.",
        "Name another alias in ORY_AUTH['SESSION_CACHE'], with a backend of Django's or of django-redis. If you set a "
        f"serializer for it, it has to return bytes unchanged, as {SERIALIZER!r} does.",
        trial.seconds,
    )
