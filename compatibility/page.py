"""The results as a page of the docs."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version

from compatibility.result import Result

HEAD = """\
# Packages and servers beside django-ory

`make compatibility` installs the newest version of each package below and tries it in a small project. `OryMiddleware`
comes directly after `AuthenticationMiddleware`. Some people are signed in, some visitors are anonymous, and Ory has an
outage, under WSGI and under ASGI. Warnings are errors. So are tracebacks, error mails and redirects to the sign-in page
in an outage. `make compatibility ARGS=--write` writes this page.

Last run: {date}, with Python {python}, Django {django} and the local Ory. It took {minutes} minutes.

## Packages

| package | version | result | what to know |
|---|---|---|---|
{packages}

## Servers

Each server has two workers, if it has workers, and they share a Redis. Three people send {requests} requests, {at_once}
at once, by cookie and by token, and each must see only themselves. When one of them signs out, every worker must know
at its next request. Then the server gets SIGTERM while it answers requests: they must be answered, and it must end with
status 0.

| server | version | result | what to know |
|---|---|---|---|
{servers}
"""


def page(packages: Sequence[Result], servers: Sequence[Result], *, requests: int, at_once: int, seconds: float) -> str:
    """The page in Markdown."""
    return HEAD.format(
        date=f"{date.today():%d %B %Y}".lstrip("0"),
        python=platform.python_version(),
        django=version("django"),
        packages="\n".join(map(_row, packages)),
        servers="\n".join(map(_row, servers)),
        requests=requests,
        at_once=at_once,
        minutes=round(seconds / 60),
    )


def _row(result: Result) -> str:
    verdict = result.verdict if result.is_as_expected else f"**{result.verdict}**"
    return f"| {result.name} | {_versions(result.name, result.versions)} | {verdict} | {result.note} |"


def _versions(name: str, versions: Mapping[str, str]) -> str:
    """The version of what the row is about; of each, where that is several."""
    if name in versions:
        return versions[name]
    if len(versions) > 1:
        return ", ".join(f"{each} {found}" for each, found in versions.items())
    return "".join(versions.values())
