"""The findings as JSON. The schema is docs/ory_check.schema.json; keys may be added to it, never removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...ory.addresses import redact
from ..facts.model import Facts
from ..rules.findings import Finding, Level

SCHEMA_VERSION = 1


def build_report(facts: Facts, findings: Sequence[Finding], status: int) -> dict[str, Any]:
    """The report as JSON values. Times are in milliseconds."""
    conf = facts.project.conf
    whoami = facts.at_sdk_url.whoami if facts.at_sdk_url else ()
    levels = [finding.level for finding in findings]
    return {
        "schema_version": SCHEMA_VERSION,
        "exit_status": status,
        "sdk_url": redact(conf.sdk_url) if conf else None,
        "browser_url": (conf.browser_url if conf.uses_gateway else redact(conf.browser_url)) if conf else None,
        "sites": [str(site) for site in facts.sites],
        "counts": {level.name.lower(): levels.count(level) for level in Level},
        "answer_times": [to_milliseconds(result.seconds) for result in whoami],
        "findings": [_to_json(finding) for finding in findings],
    }


def to_milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _to_json(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check.value,
        "level": finding.level.name.lower(),
        "id": finding.id or None,
        "found": finding.found,
        "fix": finding.fix or None,
        "milliseconds": None if finding.seconds is None else to_milliseconds(finding.seconds),
    }
