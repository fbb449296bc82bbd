"""The findings as JSON, for programs. The schema is docs/ory_check.schema.json; what is added later breaks nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...ory.addresses import redact
from ..facts.model import Facts
from ..rules.findings import Finding, Level

SCHEMA_VERSION = 1


def report(facts: Facts, findings: Sequence[Finding], status: int) -> dict[str, Any]:
    """The whole report; times are in milliseconds."""
    conf = facts.project.conf
    levels = [finding.level for finding in findings]
    return {
        "schema_version": SCHEMA_VERSION,
        "exit_status": status,
        "sdk_url": redact(conf.sdk_url) if conf else None,
        "browser_url": redact(conf.browser_url) if conf else None,
        "sites": [str(site) for site in facts.sites],
        "counts": {level.name.lower(): levels.count(level) for level in Level},
        "answer_times": [milliseconds(reply.seconds) for reply in facts.sdk.whoami] if facts.sdk else [],
        "findings": [_finding(finding) for finding in findings],
    }


def milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check.value,
        "level": finding.level.name.lower(),
        "id": finding.id or None,
        "found": finding.found,
        "fix": finding.fix or None,
        "milliseconds": None if finding.seconds is None else milliseconds(finding.seconds),
    }
