"""Whether an address of Ory can be reached, and whether Ory's public API answers there."""

from __future__ import annotations

from collections.abc import Iterator

from ...ory.addresses import host_of, is_loopback, redact
from ...ory.local_command import build_local_ory_command
from ..facts.connection import ConnectionProblem, Reachability
from ..facts.model import Endpoint, Project, Service
from .findings import Check, Finding, Problem, failure, ok, warning

DAY = 24 * 3600  # seconds
EXPIRES_SOON = 14 * DAY
PUBLIC_PORT = "Kratos: serve.public.port, 4433 by default"


def evaluate_reachability(key: str, url: str, reachability: Reachability, project: Project) -> Iterator[Finding]:
    """The DNS lookup, the connection and TLS of the URL in this key."""
    host, seconds = host_of(url), reachability.connect_seconds
    if reachability.problem is ConnectionProblem.DNS:
        found = f"The host {host!r} in ORY_AUTH[{key!r}] has no address in DNS ({reachability.detail})."
        fix = f"Correct ORY_AUTH[{key!r}], or the DNS settings of this machine."
        yield failure(Check.NAME, Problem.NAME_UNKNOWN, found, fix, reachability.dns_seconds)
        return
    yield ok(Check.NAME, _describe_addresses(host, reachability), reachability.dns_seconds)
    if reachability.problem is not None:
        yield _describe_connection_failure(key, url, reachability, project)
        return
    expires_in = reachability.certificate_expires_in
    if expires_in is not None and expires_in < EXPIRES_SOON:
        found = f"The certificate of ORY_AUTH[{key!r}] {redact(url)} expires in {expires_in / DAY:.0f} days."
        fix = "Renew it: once it has expired, nobody can sign in."
        yield warning(Check.CONNECTION, Problem.CERTIFICATE_ENDS, found, fix, seconds)
        return
    tls = f" with {reachability.tls_version} and a trusted certificate" if reachability.tls_version else ""
    yield ok(Check.CONNECTION, f"{redact(url)} accepts connections{tls}", seconds)


def evaluate_service(key: str, endpoint: Endpoint, *, admin_url_works: bool) -> Finding:
    """Whether Ory's public API answers at the URL in this key."""
    check = Check.IDENTITY_OF_ORY if key == "SDK_URL" else Check.BROWSER_URL
    url, whoami = redact(endpoint.url), endpoint.whoami[0]
    match endpoint.service:
        case Service.PUBLIC_API if whoami.status == 401:
            found = f"Ory's public API is at {url} (whoami without a session returns 401, as expected)"
            return ok(check, found, whoami.seconds)
        case Service.PUBLIC_API:
            found = f"Ory at {url} responds to whoami without a session with {whoami.status} instead of 401."
            fix = (
                "Find the cause in Ory's log or status page. Until it is fixed, requests that need the user get a 503."
            )
            return failure(check, Problem.NOT_READY, found, fix, whoami.seconds)
        case Service.ADMIN_API:
            found = f"ORY_AUTH[{key!r}] {url} is Ory's admin API."
            fix = f"Set ORY_AUTH[{key!r}] to Ory's public API ({PUBLIC_PORT})"
            fix += "." if admin_url_works else ", and ORY_AUTH['ADMIN_URL'] to this URL."
            return failure(check, Problem.ADMIN_AS_SDK_URL, found, fix, whoami.seconds)
        case Service.TLS:
            found = f"ORY_AUTH[{key!r}] {url} begins with http://, but the server expects https."
            fix = f"Write https:// in ORY_AUTH[{key!r}]."
            return failure(check, Problem.HTTP_TO_HTTPS, found, fix, whoami.seconds)
        case Service.NO_RESPONSE:
            found = f"ORY_AUTH[{key!r}] {url} accepts connections, but then fails: {whoami.problem}."
            fix = f"Check whether Ory hangs, or set ORY_AUTH[{key!r}] to the host and port of its public API "
            fix += f"({PUBLIC_PORT})."
            return failure(check, Problem.UNREACHABLE, found, fix, whoami.seconds)
    problem = Problem.NOT_ORY if key == "SDK_URL" else Problem.BROWSER_URL_NOT_ORY
    found = f"ORY_AUTH[{key!r}] {url} is not Ory: its response to whoami ({whoami.status}) is not one of Ory's."
    fix = f"Set ORY_AUTH[{key!r}] to the host, port and path of Ory's public API ({PUBLIC_PORT})."
    return failure(check, problem, found, fix, whoami.seconds)


def _describe_addresses(host: str, reachability: Reachability) -> str:
    addresses = reachability.ip_addresses
    if addresses == (host,):
        return f"{host} is an IP address"
    more = f" and {len(addresses) - 3} more" if len(addresses) > 3 else ""
    return f"{host} resolves to {', '.join(addresses[:3])}{more}"


def _describe_connection_failure(key: str, url: str, reachability: Reachability, project: Project) -> Finding:
    seconds, where = reachability.connect_seconds, f"ORY_AUTH[{key!r}] {redact(url)}"
    match reachability.problem:
        case ConnectionProblem.PLAIN_HTTP:
            found = f"{where} begins with https://, but the server speaks plain HTTP."
            fix = f"Write http:// in ORY_AUTH[{key!r}], or the port that serves https."
            return failure(Check.CONNECTION, Problem.HTTPS_TO_HTTP, found, fix, seconds)
        case ConnectionProblem.CERTIFICATE:
            found = f"The certificate of {where} is not trusted by this server ({reachability.detail})."
            fix = (
                f"Use the host name of the certificate in ORY_AUTH[{key!r}], or make this server trust its issuer "
                "(SSL_CERT_FILE)."
            )
            return failure(Check.CONNECTION, Problem.CERTIFICATE, found, fix, seconds)
        case ConnectionProblem.TLS:
            found = f"The TLS handshake with {where} failed ({reachability.detail})."
            fix = f"Correct the port in ORY_AUTH[{key!r}], or the TLS settings of the server."
            return failure(Check.CONNECTION, Problem.CERTIFICATE, found, fix, seconds)
    found = f"Cannot connect to {where} ({reachability.detail})."
    fix = f"Start Ory{_mention_local_ory(url, project)}, or set ORY_AUTH[{key!r}] to the host and port of its public "
    fix += f"API ({PUBLIC_PORT})."
    return failure(Check.CONNECTION, Problem.UNREACHABLE, found, fix, seconds)


def _mention_local_ory(url: str, project: Project) -> str:
    conf = project.conf
    if conf is None or not project.hosts.debug or not all(is_loopback(host_of(at)) for at in (url, conf.sdk_url)):
        return ""
    return f" (in development: {build_local_ory_command(conf)})"
