"""All findings of what was seen, in the order of the report."""

from __future__ import annotations

from .facts import Facts
from .findings import Check, Finding
from .rules_admin import judge_admin
from .rules_browser import judge_browser
from .rules_ory import judge_ory
from .rules_project import judge_project
from .rules_session import judge_session

RULES = (judge_project, judge_ory, judge_browser, judge_admin, judge_session)


def judge(facts: Facts) -> list[Finding]:
    """The findings, in the order of :class:`Check`."""
    order = {check: place for place, check in enumerate(Check)}
    return sorted((finding for rule in RULES for finding in rule(facts)), key=lambda finding: order[finding.check])
