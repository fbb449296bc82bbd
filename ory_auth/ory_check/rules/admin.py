"""Ory's admin API: whether it can be used, and whether it is exposed to browsers."""

from __future__ import annotations

from collections.abc import Iterator

from ...conf import Conf
from ...ory.addresses import host_of, is_ory_network, redact
from ..facts.model import AdminApi, Facts
from .findings import Check, Finding, Problem, failure, ok, skipped

SET_ADMIN_URL = "Set ORY_AUTH['ADMIN_URL'] to Ory's admin API (Kratos: serve.admin.port, 4434 by default)."
SET_API_KEY = "Create a project API key in the Ory Console, and set ORY_AUTH['API_KEY'] to it."


def evaluate_admin(facts: Facts) -> Iterator[Finding]:
    conf = facts.project.conf
    if conf is None:
        return
    if facts.admin is None:
        found = "not tested: neither ADMIN_URL nor API_KEY is set, and sign-in needs neither"
        yield skipped(Check.ADMIN, found)
    else:
        yield _evaluate_admin_url(facts.admin, conf)
    yield from _evaluate_exposure(facts)


def _evaluate_admin_url(admin: AdminApi, conf: Conf) -> Finding:
    check, url, result = Check.ADMIN, redact(admin.url), admin.result
    if admin.reachability.problem or result.response is None:
        found = f"Cannot connect to ORY_AUTH['ADMIN_URL'] {url} ({admin.reachability.detail or result.problem})."
        return failure(check, Problem.ADMIN_UNREACHABLE, found, SET_ADMIN_URL, admin.reachability.connect_seconds)
    if result.is_ory_error(404):
        key = ", and it accepts the API key" if conf.api_key and is_ory_network(host_of(admin.url)) else ""
        return ok(check, f"Ory's admin API is at {url}{key}", result.seconds)
    if result.status in {401, 403} and conf.api_key:
        found = (
            f"Ory rejects ORY_AUTH['API_KEY'] ({result.status}): it has expired, was revoked, or belongs to another "
            "project."
        )
        return failure(check, Problem.API_KEY_REFUSED, found, SET_API_KEY, result.seconds)
    if result.status in {401, 403}:
        found = f"Ory's admin API at {url} requires an API key ({result.status}), but ORY_AUTH['API_KEY'] is not set."
        return failure(check, Problem.API_KEY_MISSING, found, SET_API_KEY, result.seconds)
    if 300 <= result.status < 400:
        found = f"ORY_AUTH['ADMIN_URL'] {url} is Ory's public API."
        return failure(check, Problem.ADMIN_IS_PUBLIC, found, SET_ADMIN_URL, result.seconds)
    found = f"ORY_AUTH['ADMIN_URL'] {url} is not Ory's admin API ({result.status})."
    return failure(check, Problem.ADMIN_NOT_ORY, found, SET_ADMIN_URL, result.seconds)


def _evaluate_exposure(facts: Facts) -> Iterator[Finding]:
    """Kratos' admin API has no authentication, so browsers must not reach it."""
    endpoint = facts.browser_endpoint
    if endpoint is None or not facts.ory_responds:
        return
    url, seconds = redact(endpoint.url), endpoint.admin.seconds
    if endpoint.admin.is_ory_error(404):
        found = f"Ory's admin API is open at {url}: anyone can read, change and delete every identity."
        fix = "Let BROWSER_URL and SDK_URL reach only Ory's public port, and let only servers reach the admin port."
        yield failure(Check.ADMIN_IN_PUBLIC, Problem.ADMIN_OPEN, found, fix, seconds)
    else:
        yield ok(Check.ADMIN_IN_PUBLIC, f"the admin API is not open at {url}", seconds)
