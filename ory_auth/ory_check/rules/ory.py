"""What Ory answered to this server, judged."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator

from ..facts.model import Endpoint, Facts
from .connection import is_network, judge_reached, judge_speaker
from .findings import Check, Finding, Problem, failure, ok, skipped, unknown, warning

OLDEST = (1, 3)  # of Kratos, that this package is tried with
NEAR = 5.0  # seconds that clocks may differ without a word
ALLOW_CACHING = (
    "Set feature_flags.cacheable_sessions to true in Kratos' configuration, "
    "or ORY_AUTH['SESSION_CACHE_SECONDS'] to the seconds that you accept."
)


def judge_ory(facts: Facts) -> Iterator[Finding]:
    if facts.sdk is None:
        yield skipped(Check.IDENTITY_OF_ORY, "ORY_AUTH['SDK_URL'] is needed to ask Ory anything")
        return
    yield from judge_reached("SDK_URL", facts.sdk.url, facts.sdk.reached, debug=facts.project.hosts.debug)
    yield from _proxy(facts, facts.sdk)
    if facts.sdk.reached.trouble:
        return
    yield judge_speaker("SDK_URL", facts.sdk, has_admin_url=facts.has_admin_url)
    if facts.answers:
        yield _ready(facts)
        yield _version(facts)
        yield _answer_time(facts, facts.sdk)
        yield _caching(facts, facts.sdk)
        yield _clock(facts.sdk)


def median_seconds(endpoint: Endpoint) -> float:
    """Of an answer of whoami on a connection that is open."""
    return statistics.median(reply.seconds for reply in endpoint.whoami[1:] or endpoint.whoami)


def _proxy(facts: Facts, sdk: Endpoint) -> Iterator[Finding]:
    if not facts.proxy:
        yield ok(Check.PROXY, "none is set for SDK_URL, and none is used")
    elif not sdk.reached.trouble:
        yield ok(Check.PROXY, f"{facts.proxy} is set in the environment; Ory is reached without it")
    else:
        yield warning(
            Check.PROXY,
            Problem.PROXY_IGNORED,
            f"{facts.proxy} is set in the environment, and Ory is asked without a proxy.",
            "Let this server connect to SDK_URL directly, or set ORY_AUTH['SDK_URL'] to a reverse proxy of Ory's "
            "that it can reach.",
        )


def _ready(facts: Facts) -> Finding:
    reply = facts.ready
    if reply.status == 200:
        return ok(Check.READY, "Ory says that it is ready", reply.seconds)
    if reply.status == 404:
        return unknown(Check.READY, "there is no /health/ready, so that every 401 is believed", reply.seconds)
    found = f"Ory says that it is not ready ({reply.told}): every request that asks who it is would be a 503."
    fix = "See to Ory's database (Kratos: dsn), and wait with --wait SECONDS where Ory starts together with this."
    return failure(Check.READY, Problem.NOT_READY, found, fix, reply.seconds)


def _version(facts: Facts) -> Finding:
    version = facts.version.content.get("version")
    if not isinstance(version, str) or not re.fullmatch(r"[\w.+-]{1,40}", version):
        return unknown(Check.VERSION, _no_version(facts), facts.version.seconds or None)
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST:
        found = f"This is Kratos {version}, older than what this package is tried with."
        return warning(Check.VERSION, Problem.VERSION_OLD, found, "Use Kratos 1.3 or newer.", facts.version.seconds)
    return ok(Check.VERSION, f"Kratos {version}", facts.version.seconds)


def _no_version(facts: Facts) -> str:
    """Why Kratos' version is not known."""
    admin = facts.admin
    if admin is None or "ADMIN_URL" not in facts.project.keys:
        return "Kratos tells it at ADMIN_URL only"
    if admin.reached.trouble or admin.reply.answer is None:
        return "nobody answers at ADMIN_URL, where Kratos tells it"
    if admin.reply.status in {401, 403}:
        key = "refused the API key" if facts.project.conf and facts.project.conf.api_key else "asks for an API key"
        return f"ADMIN_URL, where Kratos tells it, {key} ({admin.reply.status})"
    return f"what answers at ADMIN_URL did not tell it ({facts.version.told})"


def _answer_time(facts: Facts, sdk: Endpoint) -> Finding:
    conf = facts.project.conf
    assert conf is not None
    slowest = max(sdk.whoami, key=lambda reply: reply.seconds)
    failed = next((reply for reply in sdk.whoami if reply.answer is None), None)
    if failed or slowest.seconds > conf.timeout / 2:
        found = f"Of {len(sdk.whoami)} answers the slowest took {slowest.seconds:.2g} seconds"
        found = f"{found}{f', and one did not come: {failed.trouble}' if failed else ''}; TIMEOUT is {conf.timeout:g}."
        fix = "Bring Ory nearer or give it more room, or raise ORY_AUTH['TIMEOUT']."
        return warning(Check.ANSWER_TIME, Problem.SLOW, found, fix, slowest.seconds)
    found = f"the median of {len(sdk.whoami) - 1} answers on one connection"
    return ok(Check.ANSWER_TIME, found, median_seconds(sdk))


def _caching(facts: Facts, sdk: Endpoint) -> Finding:
    conf, cost = facts.project.conf, median_seconds(sdk)
    assert conf is not None
    if conf.session_cache_seconds == 0:
        found = "Each request that asks who it is costs a call to Ory: ORY_AUTH['SESSION_CACHE_SECONDS'] is 0."
        fix = "Remove ORY_AUTH['SESSION_CACHE_SECONDS'], and answers are kept as long as Ory allows."
        return warning(Check.CACHING, Problem.CACHING_OFF_HERE, found, fix, cost)
    if conf.session_cache_seconds is not None:
        kept = f"answers are kept for {conf.session_cache_seconds:g} seconds, as ORY_AUTH['SESSION_CACHE_SECONDS'] says"
        return ok(Check.CACHING, f"{kept}, then one call to Ory", cost)
    if "ory-session-cache-for" in sdk.whoami[0].header:
        return ok(
            Check.CACHING, "Ory allows its answers to be kept; where none is, a request that asks costs this", cost
        )
    if is_network(sdk.url):
        return unknown(
            Check.CACHING,
            "whether answers may be kept is said to who is signed in; where not, a request costs this",
            cost,
        )
    found = "Each request that asks who it is costs a call to Ory: Ory does not allow its answers to be kept."
    return warning(Check.CACHING, Problem.CACHING_OFF, found, ALLOW_CACHING, cost)


def _clock(sdk: Endpoint) -> Finding:
    # Ory's Date is in whole seconds, cut off: half a second more is nearest to the truth.
    reply = min(sdk.whoami, key=lambda reply: reply.seconds)
    clock = reply.answer.clock if reply.answer else None
    if clock is None:
        return unknown(Check.CLOCK, "Ory's answer has no Date")
    apart = clock + 0.5 - reply.at
    if abs(apart) <= NEAR:
        return ok(Check.CLOCK, "Ory's and this server's are together, as far as whole seconds tell")
    found = f"Ory's clock is {abs(apart):.0f} seconds {'ahead of' if apart > 0 else 'behind'} this server's."
    fix = "Set both by NTP: sessions are judged by Ory's clock, codes of authenticator apps and certificates by both."
    return warning(Check.CLOCK, Problem.CLOCKS_APART, found, fix)
