"""A package: how a project uses it, and what must be true then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compatibility.visit import Visit

Probe = Callable[["Visit"], None]
OWN = "own probe"


class Verdict(StrEnum):
    WORKS = "works"
    WITH_SETTINGS = "works, with settings"
    FAILS = "does not work"


@dataclass(frozen=True)
class Package:
    """A package that people use together with django-ory.

    ``probe`` runs while Ory responds, ``outage`` while it does not; both under WSGI and under ASGI, after the general
    probes of `compatibility.general`. They raise `Unexpected`. A callable imports the package and Django when it is
    called, because this module is imported before Django has settings.
    """

    name: str  # of the distribution, or the usual name
    note: str  # for the table: what to set, or what to do instead
    verdict: Verdict = Verdict.WORKS
    install: tuple[str, ...] = ()  # what pip installs; () is the name
    apps: tuple[str, ...] = ()
    outermost: tuple[str, ...] = ()  # middleware in front of all others
    middleware: tuple[str, ...] = ()  # middleware after OryMiddleware
    backends: tuple[str, ...] = ()  # authentication backends in front of OryBackend
    settings: Mapping[str, Any] = field(default_factory=dict)
    change: Callable[[dict[str, Any]], None] | None = None  # a last change to the settings
    urls: Callable[[], Sequence[Any]] | None = None
    register: Callable[[Any], None] | None = None  # gets the class Note while models are loaded
    start: Callable[[], None] | None = None  # after django.setup() and migrate
    asgi: Callable[[Any], Any] | None = None  # wraps the ASGI application
    probe: Probe | None = None
    outage: Probe | None = None
    kinds: tuple[str, ...] = ("wsgi", "asgi")
    needs: tuple[str, ...] = ()  # "redis", "memcached", "postgresql": `Project.urls` has the address
    warnings: tuple[str, ...] = ()  # the package's own warnings, as regular expressions

    @property
    def requirements(self) -> tuple[str, ...]:
        return self.install or (self.name,)


class Unexpected(AssertionError):
    """Something is not as expected."""


def expect(found: object, expected: object, what: str) -> None:
    if found != expected:
        raise Unexpected(f"{what}: {_short(found)}, expected {_short(expected)}")


def expect_that(condition: object, what: str) -> None:
    if not condition:
        raise Unexpected(what)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 300 else f"{text[:300]}…"
