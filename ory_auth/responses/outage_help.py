"""Why this site refuses a request, and what to do about it. It is for developers, so it is only shown with ``DEBUG``.

Names settings, paths and commands; never a credential, a trait or anything that Ory sent. Free of I/O.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from urllib.parse import urlsplit

from django.contrib.auth import get_user_model

from ..conf import Conf
from ..events import Event
from ..ory.addresses import Origin, host_of, is_loopback
from ..ory.local_command import build_local_ory_command
from ..sessions.outcomes import CAUSE_BREAKER_OPEN, Unavailable

SETUP_PROBLEMS = frozenset({Event.MIGRATIONS_MISSING, Event.USER_NOT_CREATED})  # waiting does not help

CHECK = "python manage.py ory_check"
WHOAMI = "GET /sessions/whoami"

PLAIN_HOST = re.compile(r"[a-z0-9.-]+|[0-9a-f:.]+")
_TLS_ERRORS = ("SSLCertVerificationError", "SSLError", "SSLEOFError", "SSLZeroReturnError")


@dataclass(frozen=True, slots=True)
class Help:
    """What the page and the JSON show. ``tried`` and ``setting`` are about the connection to Ory, if that failed."""

    title: str
    cause: str
    fix: str
    commands: tuple[str, ...] = ()
    setting: str = ""
    tried: str = ""

    def as_json(self) -> dict[str, object]:
        """The object ``debug`` in the JSON of a refusal."""
        return {name: value for name, value in asdict(self).items() if value}


def explain(outcome: Unavailable, conf: Conf, last_failure: Unavailable | None = None, *, pages_url: str = "") -> Help:
    """What went wrong. ``last_failure`` is why the circuit breaker is open, if it is.

    ``pages_url`` is the URL below which this site has its pages, such as ``http://127.0.0.1:8000/auth``.
    """
    match outcome.event:
        case Event.MIGRATIONS_MISSING:
            return Help(
                "The database is not migrated",
                "A table or a column that signing in needs is missing in the database.",
                "Run the migrations. If you have several databases, migrate the one that has the users.",
                ("python manage.py migrate",),
            )
        case Event.USER_NOT_CREATED:
            return _explain_user_model(outcome)
        case Event.DB_UNAVAILABLE:
            return Help(
                "The database does not answer",
                "Ory says who the user is, but the user could not be read from the database or saved to it "
                f"({outcome.cause or 'unknown error'}).",
                "Check DATABASES in your settings, and that the database server is running.",
                ("python manage.py check --database default",),
            )
    if outcome.cause == CAUSE_BREAKER_OPEN:
        return _explain_open_breaker(outcome, conf, last_failure, pages_url)
    return _explain_call(outcome, conf, pages_url)


def explain_refusal(reason: Event) -> Help:
    """Why Ory knows the person, and this site does not let them in."""
    match reason:
        case Event.EMAIL_CONFLICT | Event.USERNAME_CONFLICT:
            what = "e-mail address" if reason is Event.EMAIL_CONFLICT else "username"
            return Help(
                f"The {what} is taken or missing",
                f"Another user of this site has the {what} of this identity, or your user model requires one and the "
                "identity has none. So no user was created.",
                "If both are the same person, link them: manage.py ory_link, or ORY_AUTH['LINK_BY_VERIFIED_EMAIL'].",
                ("python manage.py ory_link USER IDENTITY",),
            )
        case Event.USER_DELETED:
            return Help(
                "The user was deleted here",
                "The user of this identity was deleted on this site after the session at Ory began.",
                "Sign out and sign in again: that creates a new user.",
            )
        case Event.VALUE_REFUSED:
            return Help(
                "The database refuses a value of the identity",
                "A trait does not fit into the field of the user that it is mapped to. So no user was created.",
                "Correct ORY_AUTH['USER_FIELDS'], or change the value in create() of your ORY_AUTH['USER_HANDLER'].",
            )
        case Event.USER_MISMATCH:
            return Help(
                "request.user is somebody else",
                "Other code has assigned request.user, or the person signed in with Django later. The guard checks the "
                "Ory session, and that belongs to another person.",
                "To open this view, end the impersonation, or sign out of Django.",
            )
    return Help(
        "This user is not admitted",
        "The user is inactive (is_active), or admit() of your ORY_AUTH['USER_HANDLER'] refuses them.",
        "Activate the user, or change admit().",
    )


def explain_forbidden_return(reason: str, known: str) -> Help:
    """Why Ory does not send people back to a page. ``reason`` is Ory's own text, which may quote its address.

    ``known`` is the origin of the error page, which Ory does know.
    """
    page = _find_origin(reason)
    start = f"The page you came from is at {page}, and" if page else "Unlike the page you came from,"
    return Help(
        "Ory does not allow this address",
        f"{start} Ory sends people back only to addresses that it allows.",
        _advise_on_return(page, Origin.of(known)),
        (CHECK,),
    )


def _find_origin(text: str) -> Origin | None:
    """The origin of the first http URL in the text. An attacker may have written it, so the host must be plain."""
    url = re.search(r"""https?://[^\s"'\\]+""", text)
    origin = Origin.of(url.group()) if url else None
    return origin if origin and PLAIN_HOST.fullmatch(origin.host) else None


def _advise_on_return(page: Origin | None, known: Origin | None) -> str:
    option = f"--allow-return-to {page}" if page else "--allow-return-to URL"
    allow = (
        f"{page or 'that address'}: in Kratos with selfservice.allowed_return_urls, "
        f"for the local Ory with the option {option}."
    )
    if known is None or page == known:
        return f"Allow {allow}"
    open_known = f"Open the site at {known}, the address that Ory knows"
    if page and page.host != known.host and is_loopback(page.host) and is_loopback(known.host):
        return f"{open_known}. To a browser, {page.host} and {known.host} are different hosts with different cookies."
    return f"{open_known}. If this site is also at the other address, you can allow {allow}"


def _explain_user_model(outcome: Unavailable) -> Help:
    model = get_user_model()._meta.label
    what = f"These fields have no value: {outcome.cause}." if outcome.cause else "The database refused the new row."
    return Help(
        f"The new user could not be saved ({model})",
        f"The person is signed in at Ory, but this site could not create a user for them. {what}",
        "Map each field to the identity with ORY_AUTH['USER_FIELDS'], give it a default or null=True, "
        "or fill it in create() of your own ORY_AUTH['USER_HANDLER'].",
        setting=f"AUTH_USER_MODEL = {model!r}",
    )


def _explain_open_breaker(outcome: Unavailable, conf: Conf, last_failure: Unavailable | None, pages_url: str) -> Help:
    pause = "This site has stopped calling Ory for a moment (circuit breaker) and tries again every second."
    if last_failure is None or last_failure.cause == CAUSE_BREAKER_OPEN:
        return Help("Ory is not called", f"{pause} The log says why.", "Read the log, or run ory_check.", (CHECK,))
    found = explain(last_failure, conf, pages_url=pages_url)
    return Help(found.title, f"{found.cause} {pause}", found.fix, found.commands, found.setting, found.tried)


def _explain_call(outcome: Unavailable, conf: Conf, pages_url: str) -> Help:
    title, cause, fix = _describe(outcome, conf)
    return Help(title, cause, fix, _commands(outcome, conf, pages_url), _setting(conf), _tried(outcome, conf))


def _describe(outcome: Unavailable, conf: Conf) -> tuple[str, str, str]:
    host = urlsplit(conf.sdk_url).hostname or ""
    status = outcome.status
    match outcome.event:
        case Event.TIMEOUT:
            return (
                "Ory did not answer in time",
                f"There was no complete response within {conf.timeout:g} seconds.",
                "Check that this URL is Ory's, that no firewall drops the connection, and that Ory is not overloaded. "
                "ORY_AUTH['TIMEOUT'] is the limit.",
            )
        case Event.NOT_READY:
            return (
                "Ory is not ready",
                "Ory answers, but its readiness check (/health/ready) fails. "
                "Usually its database is down or not migrated.",
                "Read Ory's log. For Kratos, run its migrations and check its DSN.",
            )
        case Event.RATE_LIMITED:
            return (
                "Ory limits the rate of calls",
                "Ory answered 429: too many calls. This site waits as long as Ory asked for.",
                "Cache sessions (ORY_AUTH['SESSION_CACHE_SECONDS']), or raise the limits at Ory.",
            )
        case Event.POOL_FULL:
            return (
                "All connections to Ory are in use",
                f"{conf.max_connections} calls were in progress, and none finished in time.",
                "Find out why Ory is slow, or raise ORY_AUTH['MAX_CONNECTIONS'].",
            )
        case Event.FLOOD:
            return (
                "Too many unknown credentials",
                "This site limits how often it asks Ory about credentials that it has not seen before.",
                "Wait ten seconds. If real people are affected behind a proxy, set ORY_AUTH['TRUSTED_PROXIES'].",
            )
        case Event.UPSTREAM_REDIRECT:
            return (
                "This URL redirects",
                f"The response was {status}, a redirect. Ory's API never redirects this call.",
                "Use the URL that it redirects to, such as https:// instead of http://, or the API's own host.",
            )
        case Event.UPSTREAM_REJECTS if status == 404:
            return (
                "This URL is not Ory's API",
                "The response was 404: that server has no such path.",
                "Use the URL of Ory's public API. For Kratos, that is port 4433, with the base path if it has one. For "
                "Ory Network, it is the URL of your project.",
            )
        case Event.UPSTREAM_REJECTS:
            return (
                "Ory refuses the call",
                f"The response was {status}, which is not about the user.",
                "Check that this is Ory's public API (for Kratos, port 4433), and that no proxy refuses the call.",
            )
        case Event.BAD_ANSWER | Event.ANSWER_TOO_BIG:
            return (
                "The response is not from Ory",
                "Something answered, but not with the JSON of an Ory session.",
                "Check that this URL is Ory's public API, and not a website, this site or a proxy.",
            )
    if outcome.connected:
        advice = "Read Ory's log, and that of the proxy in front of it."
        if status:
            return ("Ory returned an error", f"The server answered {status}.", advice)
        cause = outcome.cause or "no response"
        return ("Ory closed the connection", f"The server closed the connection ({cause}).", advice)
    return _describe_no_connection(outcome.cause or "", host)


def _describe_no_connection(cause: str, host: str) -> tuple[str, str, str]:
    if cause == "gaierror":
        return (
            "The host name of Ory is unknown",
            f"The host name {host!r} could not be resolved.",
            "Check the spelling. The name of a container is known only inside its network.",
        )
    if cause in _TLS_ERRORS:
        return (
            "No secure connection to Ory",
            f"The TLS handshake with {host!r} failed ({cause}).",
            "Check the certificate and the name in it, or write http:// if this server speaks no TLS.",
        )
    if cause == "ConnectionRefusedError":
        return (
            "No Ory is running here",
            "The connection was refused: nothing is listening on this address and port.",
            "Start Ory in another terminal (for development, the local Ory), or correct the setting. "
            "Then run ory_check, which tests the rest of your setup.",
        )
    return (
        "Ory can't be reached",
        f"There was no connection ({cause or 'unknown error'}).",
        "Check the URL, the network between this server and Ory, and that Ory is running.",
    )


def _commands(outcome: Unavailable, conf: Conf, pages_url: str) -> tuple[str, ...]:
    if outcome.connected or not is_loopback(host_of(conf.sdk_url)):
        return (CHECK,)
    install = () if find_spec("starlette") else ("pip install 'django-ory[local]'",)
    return (*install, f"python {build_local_ory_command(conf, pages_url)}", CHECK)


def _setting(conf: Conf) -> str:
    return f"ORY_AUTH['SDK_URL'] = {conf.sdk_url!r}"


def _tried(outcome: Unavailable, conf: Conf) -> str:
    method, _, path = (outcome.tried or WHOAMI).partition(" ")
    return f"{method} {conf.sdk_url}{path}"
