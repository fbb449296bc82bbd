"""How far one gets with an address of Ory's, and who answers there, judged."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ...ory.addresses import host_of, is_loopback, is_ory_network, redact
from ..facts.connection import Reached, Trouble
from ..facts.model import Endpoint, Speaker
from .findings import Check, Finding, Problem, failure, ok, warning

DAY = 24 * 3600  # seconds
ENDS_SOON = 14 * DAY
PUBLIC_PORT = "Kratos: serve.public.port, 4433 unless changed"


def judge_reached(key: str, url: str, reached: Reached, *, debug: bool) -> Iterator[Finding]:
    """The name, the connection, and TLS, of the URL in this key; ``debug`` is that of Django's settings."""
    host = urlsplit(url).hostname
    if reached.trouble is Trouble.NAME:
        found = f"The host name {host!r} in ORY_AUTH[{key!r}] has no address here ({reached.detail})."
        fix = f"Correct ORY_AUTH[{key!r}], or the name service of this machine."
        yield failure(Check.NAME, Problem.NAME_UNKNOWN, found, fix, reached.name_seconds)
        return
    yield ok(Check.NAME, _named(host or "", reached), reached.name_seconds)
    if reached.trouble is not None:
        yield _not_connected(key, url, reached, local=debug and is_loopback(host or ""))
        return
    if reached.certificate_left is not None and reached.certificate_left < ENDS_SOON:
        found = f"The certificate of ORY_AUTH[{key!r}] {redact(url)} ends in {reached.certificate_left / DAY:.0f} days."
        fix = "Renew it where Ory's TLS ends: after that nobody can sign in."
        yield warning(Check.CONNECTION, Problem.CERTIFICATE_ENDS, found, fix, reached.connect_seconds)
        return
    yield ok(Check.CONNECTION, f"{redact(url)} takes connections{_secured(reached)}", reached.connect_seconds)


def judge_speaker(key: str, endpoint: Endpoint, *, has_admin_url: bool) -> Finding:
    """Whether it is Ory's public API that answers at the URL in this key."""
    check = Check.IDENTITY_OF_ORY if key == "SDK_URL" else Check.BROWSER_URL
    url, reply = redact(endpoint.url), endpoint.whoami[0]
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
            fix = f"Set ORY_AUTH[{key!r}] to Ory's public API ({PUBLIC_PORT})"
            fix += "." if has_admin_url else ", and ORY_AUTH['ADMIN_URL'] to this one."
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


def is_network(url: str) -> bool:
    """Whether it is a project's own address at Ory Network."""
    return is_ory_network(host_of(url))


def _named(host: str, reached: Reached) -> str:
    if reached.addresses == (host,):
        return f"{host} is an address"
    more = f" and {len(reached.addresses) - 3} more" if len(reached.addresses) > 3 else ""
    return f"{host} is {', '.join(reached.addresses[:3])}{more}"


def _secured(reached: Reached) -> str:
    return f", by {reached.tls} with a certificate that is believed here" if reached.tls else ""


def _not_connected(key: str, url: str, reached: Reached, *, local: bool) -> Finding:
    seconds, here = reached.connect_seconds, f"ORY_AUTH[{key!r}] {redact(url)}"
    match reached.trouble:
        case Trouble.SPEAKS_HTTP:
            found = f"{here} is https, and plain http is spoken there."
            fix = f"Write http:// in ORY_AUTH[{key!r}], or the port at which Ory's TLS ends."
            return failure(Check.CONNECTION, Problem.HTTPS_TO_HTTP, found, fix, seconds)
        case Trouble.CERTIFICATE:
            found = f"{here} has a certificate that is not believed here ({reached.detail})."
            fix = (
                f"Use the name in the certificate in ORY_AUTH[{key!r}], or let this server trust who signed it "
                "(SSL_CERT_FILE)."
            )
            return failure(Check.CONNECTION, Problem.CERTIFICATE, found, fix, seconds)
        case Trouble.TLS:
            found = f"{here} does not speak TLS that is understood here ({reached.detail})."
            fix = f"Correct the port in ORY_AUTH[{key!r}], or what ends TLS before Ory."
            return failure(Check.CONNECTION, Problem.CERTIFICATE, found, fix, seconds)
    found = f"Nobody answers at {here} ({reached.detail})."
    start = "Start Ory (in development: manage.py ory_local)" if local else "Start Ory"
    fix = f"{start}, or set ORY_AUTH[{key!r}] to the host and port where its public API listens ({PUBLIC_PORT})."
    return failure(Check.CONNECTION, Problem.UNREACHABLE, found, fix, seconds)
