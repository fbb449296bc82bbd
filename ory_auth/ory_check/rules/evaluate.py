"""Applies all rules."""

from __future__ import annotations

from ..facts.model import Facts
from .admin import evaluate_admin
from .browser import evaluate_browser
from .findings import Check, Finding, Problem, skipped
from .form_action import evaluate_form_action
from .gateway import evaluate_gateway
from .ory import evaluate_ory
from .project import evaluate_project
from .session import evaluate_session
from .synchronizations import evaluate_synchronizations
from .webhooks import evaluate_webhooks

RULES = (
    evaluate_project,
    evaluate_webhooks,
    evaluate_synchronizations,
    evaluate_ory,
    evaluate_browser,
    evaluate_gateway,
    evaluate_form_action,
    evaluate_admin,
    evaluate_session,
)
# A system check knows only the settings. If a probe found the same problem, its finding says more.
REPLACED_BY = {
    "ory_auth.W007": ("Cookies", {Problem.COOKIE_OTHER_LOOPBACK.value, Problem.COOKIE_OTHER_DOMAIN.value}),
    "ory_auth.W020": ("form-action", {Problem.FORM_ACTION_BLOCKS.value}),
    "ory_auth.W110": ("Cache", {Problem.CACHE_UNFIT.value}),
}


def evaluate_rules(facts: Facts) -> list[Finding]:
    """All findings, in the order of :class:`Check`."""
    order = {check: place for place, check in enumerate(Check)}
    findings = _deduplicate([finding for rule in RULES for finding in rule(facts)])
    return sorted(findings, key=lambda finding: order[finding.check])


def _deduplicate(findings: list[Finding]) -> list[Finding]:
    ids = {finding.id for finding in findings}
    return [_refer_to_probe(finding) if _is_replaced(finding.id, ids) else finding for finding in findings]


def _is_replaced(check_id: str, ids: set[str]) -> bool:
    return check_id in REPLACED_BY and not ids.isdisjoint(REPLACED_BY[check_id][1])


def _refer_to_probe(finding: Finding) -> Finding:
    return skipped(Check.SETTINGS, f"{finding.id}: see the line {REPLACED_BY[finding.id][0]!r} below")
