"""All findings of what was seen, in the order of the report."""

from __future__ import annotations

from .facts import Facts
from .findings import Check, Finding, Problem, skipped
from .rules_admin import judge_admin
from .rules_browser import judge_browser
from .rules_ory import judge_ory
from .rules_project import judge_project
from .rules_session import judge_session

RULES = (judge_project, judge_ory, judge_browser, judge_admin, judge_session)
COOKIES_BY_SETTINGS = "ory_auth.W007"  # what settings alone tell of where Ory's cookies go
COOKIES_SEEN = {Problem.COOKIE_OTHER_LOOPBACK.value, Problem.COOKIE_OTHER_DOMAIN.value}


def judge(facts: Facts) -> list[Finding]:
    """The findings, in the order of :class:`Check`."""
    order = {check: place for place, check in enumerate(Check)}
    findings = _said_once([finding for rule in RULES for finding in rule(facts)])
    return sorted(findings, key=lambda finding: order[finding.check])


def _said_once(findings: list[Finding]) -> list[Finding]:
    """Of one mistake one finding: what Ory's cookies show takes the place of what the settings let one expect."""
    if not any(finding.id in COOKIES_SEEN for finding in findings):
        return findings
    below = skipped(Check.SETTINGS, f"what {COOKIES_BY_SETTINGS} says of cookies was looked at: see their line below")
    return [below if finding.id == COOKIES_BY_SETTINGS else finding for finding in findings]
