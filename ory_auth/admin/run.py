"""Carrying out one action for several people, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from ..exceptions import MethodDisabled, NotFound, OryAuthError, OryUnavailable, RateLimited
from ..types import Identity
from .targets import Target

RUN_SECONDS = 20  # in all; the rest is not tried, because the request has to end
CarryOut = Callable[[Target, Identity], None]  # for one person
Record = Callable[[Target, bool], None]  # writes the history of one person; says whether Ory has confirmed it


class NotApplicable(Exception):
    """The action does not apply to this person. The text says why."""


@dataclass(slots=True)
class Report:
    """What became of each person. ``stopped`` says why those in ``untried`` were not tried."""

    done: list[Target] = field(default_factory=list)
    failed: list[tuple[Target, str]] = field(default_factory=list)
    unconfirmed: list[Target] = field(default_factory=list)
    untried: list[Target] = field(default_factory=list)
    stopped: str = ""

    @property
    def is_complete(self) -> bool:
        return not (self.failed or self.unconfirmed or self.untried)


def run(
    targets: Sequence[Target],
    load: Callable[[list[UUID]], Mapping[UUID, Identity]],
    do: CarryOut,
    record: Record,
    *,
    in_one_call: bool,
) -> Report:
    """Do it for each person, and record it at once, so that a crash or a killed process leaves no gap.

    All identities are loaded first, so that nothing begins while Ory is down.
    """
    report = Report()
    try:
        identities = load([target.id for target in targets])
    except (OryAuthError, ImproperlyConfigured) as error:
        report.untried, report.stopped = list(targets), explain(error)
        return report
    until = time.monotonic() + RUN_SECONDS
    for target in targets:
        if not report.stopped and time.monotonic() >= until:
            report.stopped = _("Ory took too long.")
        if report.stopped:
            report.untried.append(target)
        else:
            _run_one(report, target, identities.get(target.id), do, record, in_one_call)
    return report


def _run_one(
    report: Report, target: Target, identity: Identity | None, do: CarryOut, record: Record, in_one_call: bool
) -> None:
    try:
        if identity is None:
            raise NotFound
        do(target, identity)
    except OryUnavailable as error:
        report.stopped = explain(error)
        if isinstance(error, RateLimited) and in_one_call:
            report.untried.append(target)
        else:
            report.unconfirmed.append(target)
            record(target, False)
    except (NotApplicable, OryAuthError) as error:
        report.failed.append((target, explain(error)))
    except BaseException:
        record(target, False)
        raise
    else:
        report.done.append(target)
        record(target, True)


def explain(error: Exception) -> str:
    """What an error means to a staff member. Contains no value of Ory."""
    match error:
        case NotApplicable() | ImproperlyConfigured():
            return str(error)
        case RateLimited(retry_after=int() as seconds):
            return _("Ory limits the rate of calls. Try again in %(seconds)d seconds.") % {"seconds": seconds}
        case RateLimited():
            return _("Ory limits the rate of calls. Try again later.")
        case OryUnavailable(status=401 | 403):
            return _("Ory's admin API refuses this site: check ADMIN_URL and API_KEY.")
        case OryUnavailable():
            return _("Ory's admin API does not respond.")
        case NotFound():
            return _("Ory no longer has this identity.")
        case MethodDisabled():
            return _("This is turned off at Ory. %(reason)s") % {"reason": error}
    return _("Ory refuses it.")
