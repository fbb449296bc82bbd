"""Whether Ory's web hooks arrive."""

from __future__ import annotations

from collections.abc import Iterator

from ...ory.flows import FlowKind
from ..facts.model import Facts, WebhookCalls
from .ages import describe_age
from .findings import Check, Finding, Problem, ok, warning

MAX_KINDS = 8  # in the line


def evaluate_webhooks(facts: Facts) -> Iterator[Finding]:
    """Nothing without ``WEBHOOK_SECRETS``."""
    calls, view = facts.project.webhooks, facts.webhook_view
    if calls is None:
        return
    if view.problem or (view.response is not None and view.status != 405):
        found = f"Web hooks do not reach ory_auth:webhook: this site answers {view.problem or view.status}."
        fix = (
            'Include ory_auth.urls, and let its path "webhook" through: middleware that redirects, asks for a password '
            "or allows only some hosts must leave it out."
        )
        yield warning(Check.WEBHOOKS, Problem.WEBHOOKS_BLOCKED, found, fix, view.seconds)
    elif not calls.ages:
        found = "No web hook has arrived here yet."
        fix = (
            "Add what 'manage.py ory_webhooks' prints to Ory's configuration, and sign in once. If nothing arrives, "
            "look for webhook_refused in the log here, and for failed web hooks in Ory's log."
        )
        yield warning(Check.WEBHOOKS, Problem.WEBHOOKS_MISSING, found, fix, calls.seconds)
    else:
        yield ok(Check.WEBHOOKS, _describe(calls), calls.seconds)


def _describe(calls: WebhookCalls) -> str:
    latest = ", ".join(f"{_describe_kind(kind)} {describe_age(age)}" for kind, age in calls.ages[:MAX_KINDS])
    arrived = {kind for kind, _ in calls.ages}
    missing = ", ".join(flow.value for flow in FlowKind if flow.value not in arrived)
    is_events_only = not arrived & {flow.value for flow in FlowKind}
    return f"the last ones: {latest}" + (f"; none yet after: {missing}" if missing and not is_events_only else "")


def _describe_kind(kind: str) -> str:
    """The flow or the event; "(decision)" is a call of ``BLOCKING_HOOK``."""
    return kind.removesuffix("_decision") + " (decision)" if kind.endswith("_decision") else kind
