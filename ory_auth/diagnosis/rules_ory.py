"""What Ory answered to this server, judged."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from urllib.parse import urlsplit

from ..conf import NETWORK_HOST
from .addresses import shown
from .facts import Endpoint, Facts, Speaker
from .findings import Check, Finding, Problem, failure, ok, skipped, unknown, warning
from .reach import Reached, Trouble

OLDEST = (1, 3)  # of Kratos, that this package is tried with
NEAR = 5.0  # seconds that clocks may differ without a word
DAY = 24 * 3600  # seconds
ENDS_SOON = 14 * DAY
ALLOW_CACHING = (
    "Set feature_flags.cacheable_sessions to true in Kratos' configuration, "
    "or ORY_AUTH['SESSION_CACHE_SECONDS'] to the seconds that you accept."
)
PUBLIC_PORT = "Kratos: serve.public.port, 4433 unless changed"


def judge_ory(facts: Facts) -> Iterator[Finding]:
    if facts.sdk is None:
        yield skipped(Check.IDENTITY_OF_ORY, "ORY_AUTH['SDK_URL'] is needed to ask Ory anything")
        return
    yield from judge_reached("SDK_URL", facts.sdk.url, facts.sdk.reached)
    yield from _proxy(facts, facts.sdk)
    if facts.sdk.reached.trouble:
        return
    yield judge_speaker("SDK_URL", facts.sdk)
    if facts.answers:
        yield _ready(facts)
        yield _version(facts)
        yield _answer_time(facts, facts.sdk)
        yield _caching(facts, facts.sdk)
        yield _clock(facts.sdk)


def judge_reached(key: str, url: str, reached: Reached) -> Iterator[Finding]:
    """The name, the connection, and TLS, of the URL in this key."""
    host = urlsplit(url).hostname
    if reached.trouble is Trouble.NAME:
        found = f"The host name {host!r} in ORY_AUTH[{key!r}] has no address here ({reached.detail})."
        fix = f"Correct ORY_AUTH[{key!r}], or the name service of this machine."
        yield failure(Check.NAME, Problem.NAME_UNKNOWN, found, fix, reached.name_seconds)
        return
    yield ok(Check.NAME, _named(host or "", reached), reached.name_seconds)
    if reached.trouble is not None:
        yield _not_connected(key, url, reached)
        return
    if reached.certificate_left is not None and reached.certificate_left < ENDS_SOON:
        found = f"The certificate of ORY_AUTH[{key!r}] {shown(url)} ends in {reached.certificate_left / DAY:.0f} days."
        fix = "Renew it where Ory's TLS ends: after that nobody can sign in."
        yield warning(Check.CONNECTION, Problem.CERTIFICATE_ENDS, found, fix, reached.connect_seconds)
        return
    yield ok(Check.CONNECTION, f"{shown(url)} takes connections{_secured(reached)}", reached.connect_seconds)


def judge_speaker(key: str, endpoint: Endpoint) -> Finding:
    """Whether it is Ory's public API that answers at the URL in this key."""
    check = Check.IDENTITY_OF_ORY if key == "SDK_URL" else Check.BROWSER_URL
    url, reply = shown(endpoint.url), endpoint.whoami[0]
    match endpoint.speaker:
        case Speaker.ORY if reply.status == 401:
            return ok(
                check,
                f"Ory's public API is at {url}: whoami without credentials is 401, as it should be",
                reply.seconds,
            )
        case Speaker.ORY:
            found = f"Ory at {url} says {reply.status} instead of 401 to whoami without credentials."
            fix = "See Ory's own log (or its status page) for why: every request that asks who it is would be a 503."
            return failure(check, Problem.NOT_READY, found, fix, reply.seconds)
        case Speaker.ADMIN:
            found = f"ORY_AUTH[{key!r}] {url} is Ory's admin API."
            fix = f"Set ORY_AUTH[{key!r}] to Ory's public API ({PUBLIC_PORT}), and ORY_AUTH['ADMIN_URL'] to this one."
            return failure(check, Problem.ADMIN_AS_SDK_URL, found, fix, reply.seconds)
        case Speaker.TLS:
            found = f"ORY_AUTH[{key!r}] is http, and https is spoken at {url}."
            fix = f"Write https:// in ORY_AUTH[{key!r}]."
            return failure(check, Problem.HTTP_TO_HTTPS, found, fix, reply.seconds)
    if endpoint.speaker is Speaker.NOBODY:
        found = f"At ORY_AUTH[{key!r}] {url} connections are taken, and then there is {reply.trouble}."
        fix = f"See whether Ory hangs, or set ORY_AUTH[{key!r}] to the host and port of its public API ({PUBLIC_PORT})."
        return failure(check, Problem.UNREACHABLE, found, fix, reply.seconds)
    problem = Problem.NOT_ORY if key == "SDK_URL" else Problem.BROWSER_URL_NOT_ORY
    found = f"What answers at ORY_AUTH[{key!r}] {url} is not Ory: {reply.status} to whoami, and not in Ory's words."
    fix = f"Set ORY_AUTH[{key!r}] to the host, port and path of Ory's public API ({PUBLIC_PORT})."
    return failure(check, problem, found, fix, reply.seconds)


def median_seconds(endpoint: Endpoint) -> float:
    """Of an answer of whoami on a connection that is open."""
    return statistics.median(reply.seconds for reply in endpoint.whoami[1:] or endpoint.whoami)


def is_network(url: str) -> bool:
    """Whether it is a project's own address at Ory Network."""
    return bool(NETWORK_HOST.match(urlsplit(url).hostname or ""))


def _named(host: str, reached: Reached) -> str:
    if reached.addresses == (host,):
        return f"{host} is an address"
    more = f" and {len(reached.addresses) - 3} more" if len(reached.addresses) > 3 else ""
    return f"{host} is {', '.join(reached.addresses[:3])}{more}"


def _secured(reached: Reached) -> str:
    return f", by {reached.tls} with a certificate that is believed here" if reached.tls else ""


def _not_connected(key: str, url: str, reached: Reached) -> Finding:
    seconds, here = reached.connect_seconds, f"ORY_AUTH[{key!r}] {shown(url)}"
    match reached.trouble:
        case Trouble.SPEAKS_HTTP:
            found = f"{here} is https, and plain http is spoken there."
            fix = f"Write http:// in ORY_AUTH[{key!r}], or the port at which Ory's TLS ends."
            return failure(Check.CONNECTION, Problem.HTTPS_TO_HTTP, found, fix, seconds)
        case Trouble.CERTIFICATE:
            found = f"{here} has a certificate that is not believed here ({reached.detail})."
            fix = f"Use the name in the certificate in ORY_AUTH[{key!r}], or let this server trust who signed it " \
                  "(SSL_CERT_FILE)."  # fmt: skip
            return failure(Check.CONNECTION, Problem.CERTIFICATE, found, fix, seconds)
        case Trouble.TLS:
            found = f"{here} does not speak TLS that is understood here ({reached.detail})."
            fix = f"Correct the port in ORY_AUTH[{key!r}], or what ends TLS before Ory."
            return failure(Check.CONNECTION, Problem.CERTIFICATE, found, fix, seconds)
    found = f"Nobody answers at {here} ({reached.detail})."
    fix = f"Start Ory, or set ORY_AUTH[{key!r}] to the host and port where its public API listens ({PUBLIC_PORT})."
    return failure(Check.CONNECTION, Problem.UNREACHABLE, found, fix, seconds)


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
        return unknown(Check.VERSION, "Kratos tells it at ADMIN_URL only", facts.version.seconds or None)
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST:
        found = f"This is Kratos {version}, older than what this package is tried with."
        return warning(Check.VERSION, Problem.VERSION_OLD, found, "Use Kratos 1.3 or newer.", facts.version.seconds)
    return ok(Check.VERSION, f"Kratos {version}", facts.version.seconds)


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
