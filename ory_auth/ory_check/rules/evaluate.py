"""All findings of what was seen, in the order of the report."""

from __future__ import annotations

from ..facts.model import Facts
from .admin import judge_admin
from .browser import judge_browser
from .findings import Check, Finding, Problem, skipped
from .ory import judge_ory
from .project import judge_project
from .session import judge_session

RULES = (judge_project, judge_ory, judge_browser, judge_admin, judge_session)
SEEN = {  # a system check, which knows the settings only → what was seen instead, which says more
    "ory_auth.W007": ("cookies", {Problem.COOKIE_OTHER_LOOPBACK.value, Problem.COOKIE_OTHER_DOMAIN.value}),
    "ory_auth.W110": ("the cache", {Problem.CACHE_UNFIT.value}),
}


def judge(facts: Facts) -> list[Finding]:
    """The findings, in the order of :class:`Check`."""
    order = {check: place for place, check in enumerate(Check)}
    findings = _said_once([finding for rule in RULES for finding in rule(facts)])
    return sorted(findings, key=lambda finding: order[finding.check])


def _said_once(findings: list[Finding]) -> list[Finding]:
    """One finding for each mistake: what was seen replaces what a system check concludes from the settings."""
    seen = {finding.id for finding in findings}
    return [_below(finding.id) if _is_seen(finding.id, seen) else finding for finding in findings]


def _is_seen(check: str, seen: set[str]) -> bool:
    return check in SEEN and not seen.isdisjoint(SEEN[check][1])


def _below(check: str) -> Finding:
    return skipped(Check.SETTINGS, f"{check} is about {SEEN[check][0]}, which a line below describes as it was found")
