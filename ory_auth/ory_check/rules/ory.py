"""Ory as this server sees it: connection, readiness, version, speed, caching and clock."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator

from ...conf import Conf
from ...ory.addresses import host_of, is_ory_network
from ..facts.model import Endpoint, Facts
from .connection import evaluate_reachability, evaluate_service
from .findings import Check, Finding, Problem, failure, ok, skipped, unknown, warning

OLDEST = (1, 3)  # version of Kratos that this package is tested with
MAX_CLOCK_DIFFERENCE = 5.0  # seconds
ALLOW_CACHING = (
    "Set feature_flags.cacheable_sessions to true in Kratos' configuration, or ORY_AUTH['SESSION_CACHE_SECONDS'] to "
    "how long a revoked session may still work."
)


def evaluate_ory(facts: Facts) -> Iterator[Finding]:
    endpoint, conf = facts.at_sdk_url, facts.project.conf
    if endpoint is None or conf is None:
        yield skipped(Check.IDENTITY_OF_ORY, "not tested: ORY_AUTH['SDK_URL'] is missing or invalid")
        return
    yield from evaluate_reachability("SDK_URL", endpoint.url, endpoint.reachability, facts.project)
    yield _evaluate_proxy(facts.proxy_variable, endpoint)
    if endpoint.reachability.problem:
        return
    yield evaluate_service("SDK_URL", endpoint, admin_url_works=facts.admin_url_works)
    if facts.ory_responds:
        yield _evaluate_readiness(facts)
        yield _evaluate_version(facts)
        yield _evaluate_response_time(conf, endpoint)
        yield _evaluate_caching(conf, endpoint)
        yield _evaluate_clock(endpoint)


def median_seconds(endpoint: Endpoint) -> float:
    """The median time of whoami on an open connection."""
    return statistics.median(result.seconds for result in endpoint.whoami[1:] or endpoint.whoami)


def _evaluate_proxy(variable: str, endpoint: Endpoint) -> Finding:
    if not variable:
        return ok(Check.PROXY, "the environment has no proxy for SDK_URL")
    if not endpoint.reachability.problem:
        return ok(Check.PROXY, f"{variable} is set in the environment; Ory is reached without a proxy")
    found = f"{variable} is set in the environment, but Ory is called without a proxy and cannot be reached."
    fix = (
        "Let this server connect to SDK_URL directly, or set ORY_AUTH['SDK_URL'] to a reverse proxy of Ory that it "
        "can reach."
    )
    return warning(Check.PROXY, Problem.PROXY_IGNORED, found, fix)


def _evaluate_readiness(facts: Facts) -> Finding:
    result = facts.readiness
    if result.status == 200:
        return ok(Check.READY, "Ory is ready", result.seconds)
    if result.status == 404:
        return unknown(Check.READY, "Ory has no /health/ready, so every 401 counts as signed out", result.seconds)
    found = f"Ory is not ready ({result.summary}): requests that need the user get a 503."
    fix = "Check Ory's database (Kratos: dsn). If Ory is still starting, run ory_check with --wait SECONDS."
    return failure(Check.READY, Problem.NOT_READY, found, fix, result.seconds)


def _evaluate_version(facts: Facts) -> Finding:
    version, seconds = facts.version.json.get("version"), facts.version.seconds
    if not isinstance(version, str) or not re.fullmatch(r"[\w.+-]{1,40}", version):
        return unknown(Check.VERSION, _explain_missing_version(facts), seconds or None)
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST:
        found = f"Kratos {version} is older than 1.3, the oldest version that this package is tested with."
        return warning(Check.VERSION, Problem.VERSION_OLD, found, "Upgrade Kratos to 1.3 or later.", seconds)
    return ok(Check.VERSION, f"Kratos {version}", seconds)


def _explain_missing_version(facts: Facts) -> str:
    admin, conf = facts.admin, facts.project.conf
    if admin is None or "ADMIN_URL" not in facts.project.keys:
        return "Kratos shows it only at ADMIN_URL, which is not set"
    if admin.reachability.problem or admin.result.response is None:
        return "Kratos shows it only at ADMIN_URL, which does not respond"
    if admin.result.status in {401, 403}:
        reaction = "rejected the API key" if conf and conf.api_key else "requires an API key"
        return f"Kratos shows it only at ADMIN_URL, which {reaction} ({admin.result.status})"
    return f"ADMIN_URL did not show it ({facts.version.summary})"


def _evaluate_response_time(conf: Conf, endpoint: Endpoint) -> Finding:
    slowest = max(endpoint.whoami, key=lambda result: result.seconds)
    failed = next((result for result in endpoint.whoami if result.response is None), None)
    count = len(endpoint.whoami)
    if failed or slowest.seconds > conf.timeout / 2:
        found = f"The slowest of {count} requests took {slowest.seconds:.2g} seconds"
        found += f", and one failed ({failed.problem})" if failed else ""
        found += f", with ORY_AUTH['TIMEOUT'] at {conf.timeout:g} seconds."
        fix = "Run Ory closer to this server or give it more resources, or raise ORY_AUTH['TIMEOUT']."
        return warning(Check.ANSWER_TIME, Problem.SLOW, found, fix, slowest.seconds)
    return ok(Check.ANSWER_TIME, f"the median of {count - 1} requests on an open connection", median_seconds(endpoint))


def _evaluate_caching(conf: Conf, endpoint: Endpoint) -> Finding:
    check, cost = Check.CACHING, median_seconds(endpoint)
    if conf.session_cache_seconds == 0:
        found = "Every request that needs the user calls Ory, because ORY_AUTH['SESSION_CACHE_SECONDS'] is 0."
        fix = "Remove ORY_AUTH['SESSION_CACHE_SECONDS'], so that sessions are cached as long as Ory allows."
        return warning(check, Problem.CACHING_OFF_HERE, found, fix, cost)
    if conf.session_cache_seconds is not None:
        duration = f"{conf.session_cache_seconds:g} seconds (SESSION_CACHE_SECONDS)"
        return ok(check, f"sessions are cached for {duration}, which saves this call to Ory", cost)
    if "ory-session-cache-for" in endpoint.whoami[0].headers:
        return ok(check, "Ory allows sessions to be cached, which saves this call to Ory", cost)
    if is_ory_network(host_of(endpoint.url)):
        return unknown(check, "Ory Network tells this only for a session; --token or --cookie shows it", cost)
    found = "Every request that needs the user calls Ory, because Ory does not allow sessions to be cached."
    return warning(check, Problem.CACHING_OFF, found, ALLOW_CACHING, cost)


def _evaluate_clock(endpoint: Endpoint) -> Finding:
    # Ory's Date is cut off to whole seconds, so on average half a second more is right.
    fastest = min(endpoint.whoami, key=lambda result: result.seconds)
    clock = fastest.response.clock if fastest.response else None
    if clock is None:
        return unknown(Check.CLOCK, "Ory's response has no Date")
    difference = clock + 0.5 - fastest.measured_at
    if abs(difference) <= MAX_CLOCK_DIFFERENCE:
        return ok(Check.CLOCK, f"Ory's clock and this server's differ by less than {MAX_CLOCK_DIFFERENCE:g} seconds")
    direction = "ahead of" if difference > 0 else "behind"
    found = f"Ory's clock is {abs(difference):.0f} seconds {direction} this server's."
    fix = "Synchronize both with NTP: the end of sessions, authenticator codes and certificates depend on the time."
    return warning(Check.CLOCK, Problem.CLOCKS_APART, found, fix)
