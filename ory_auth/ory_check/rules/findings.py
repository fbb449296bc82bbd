"""What a look at something came to: one line of ``manage.py ory_check``. Ids are stable; docs/ory_check.md has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How good or bad it is."""

    OK = "ok"
    UNKNOWN = "not known"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILURE = "failure"


class Part(StrEnum):
    """The parts of the report, in order."""

    PROJECT = "This project"
    ORY = "Ory, from this server"
    BROWSER = "Ory, from a browser on this site"
    ADMIN = "Ory's admin API"
    SESSION = "Somebody signed in"


class Check(StrEnum):
    """What was looked at, in order."""

    subject: str
    part: Part

    def __new__(cls, slug: str, subject: str = "", part: Part = Part.PROJECT) -> Check:
        check = str.__new__(cls, slug)
        check._value_, check.subject, check.part = slug, subject, part
        return check

    SETTINGS = "settings", "Settings", Part.PROJECT
    BACKENDS = "backends", "Backends", Part.PROJECT
    DATABASE = "database", "Database", Part.PROJECT
    CACHE = "cache", "Cache", Part.PROJECT
    NAME = "name", "Name (DNS)", Part.ORY
    CONNECTION = "connection", "Connection", Part.ORY
    PROXY = "proxy", "Proxy", Part.ORY
    IDENTITY_OF_ORY = "ory", "SDK_URL", Part.ORY
    READY = "ready", "Readiness", Part.ORY
    VERSION = "version", "Version", Part.ORY
    ANSWER_TIME = "answer-time", "Answer time", Part.ORY
    CACHING = "caching", "Cost of a request", Part.ORY
    CLOCK = "clock", "Clock", Part.ORY
    BROWSER_URL = "browser-url", "BROWSER_URL", Part.BROWSER
    BASE_URL = "base-url", "Ory's own URL", Part.BROWSER
    SCHEMES = "schemes", "http and https", Part.BROWSER
    COOKIES = "cookies", "Cookies", Part.BROWSER
    LOGIN_PAGE = "login-page", "Login page", Part.BROWSER
    RETURN_TO = "return-to", "return_to", Part.BROWSER
    CORS = "cors", "CORS", Part.BROWSER
    ADMIN = "admin", "ADMIN_URL", Part.ADMIN
    ADMIN_IN_PUBLIC = "admin-in-public", "In public", Part.ADMIN
    SESSION = "session", "Session", Part.SESSION
    COOKIE_NAME = "cookie-name", "Session cookie", Part.SESSION
    CACHE_TIME = "cache-time", "Cache time", Part.SESSION
    USER = "user", "User here", Part.SESSION
    GUARDS = "guards", "Guards", Part.SESSION


class Problem(StrEnum):
    """What can be wrong, each with an id that stays. Findings of system checks have the ids of those."""

    SDK_URL_MISSING = "sdk-url-missing"
    DATABASE_UNAVAILABLE = "database-unavailable"
    DATABASE_NOT_MIGRATED = "database-not-migrated"
    CACHE_UNAVAILABLE = "cache-unavailable"
    CACHE_FORGETS = "cache-forgets"
    CACHE_UNFIT = "cache-unfit"
    CACHE_PER_PROCESS = "cache-per-process"
    CACHE_EVICTS = "cache-evicts"
    NAME_UNKNOWN = "name-unknown"
    UNREACHABLE = "ory-unreachable"
    CERTIFICATE = "certificate-refused"
    CERTIFICATE_ENDS = "certificate-ends-soon"
    HTTPS_TO_HTTP = "https-to-http"
    HTTP_TO_HTTPS = "http-to-https"
    PROXY_IGNORED = "proxy-ignored"
    ADMIN_AS_SDK_URL = "admin-as-sdk-url"
    NOT_ORY = "not-ory"
    NOT_READY = "ory-not-ready"
    VERSION_OLD = "version-old"
    SLOW = "ory-slow"
    CACHING_OFF = "caching-off"
    CACHING_OFF_HERE = "caching-off-here"
    CLOCKS_APART = "clocks-apart"
    BROWSER_URL_INTERNAL = "browser-url-internal"
    BROWSER_URL_UNREACHABLE = "browser-url-unreachable"
    BROWSER_URL_NOT_ORY = "browser-url-not-ory"
    BROWSER_URL_OTHER_ORY = "browser-url-other-ory"
    BASE_URL_DIFFERS = "base-url-differs"
    SCHEMES_MIXED = "schemes-mixed"
    COOKIE_OTHER_DOMAIN = "cookie-other-domain"
    COOKIE_OTHER_LOOPBACK = "cookie-other-loopback"
    COOKIE_DOMAIN_REFUSED = "cookie-domain-refused"
    COOKIE_SECURE = "cookie-secure"
    COOKIE_SAMESITE = "cookie-samesite"
    LOGIN_PAGE_MISSING = "login-page-missing"
    LOGIN_PAGE_ELSEWHERE = "login-page-elsewhere"
    RETURN_TO_REFUSED = "return-to-refused"
    CORS_REFUSED = "cors-refused"
    ADMIN_UNREACHABLE = "admin-unreachable"
    ADMIN_IS_PUBLIC = "admin-url-is-public"
    ADMIN_NOT_ORY = "admin-not-ory"
    API_KEY_MISSING = "api-key-missing"
    API_KEY_REFUSED = "api-key-refused"
    ADMIN_OPEN = "admin-open"
    CREDENTIAL_MALFORMED = "credential-malformed"
    SESSION_REFUSED = "session-refused"
    SESSION_UNAVAILABLE = "session-unavailable"
    SECOND_FACTOR_MISSING = "second-factor-missing"
    COOKIE_NAME_DIFFERS = "cookie-name-differs"
    CACHE_TIME_NONE = "cache-time-none"
    NOT_ADMITTED = "not-admitted"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, how to mend it in one sentence, and how long looking took."""

    check: Check
    level: Level
    found: str
    fix: str = ""
    id: str = ""
    seconds: float | None = None


def ok(check: Check, found: str, seconds: float | None = None) -> Finding:
    return Finding(check, Level.OK, found, seconds=seconds)


def unknown(check: Check, found: str, seconds: float | None = None) -> Finding:
    return Finding(check, Level.UNKNOWN, f"not known: {found}", seconds=seconds)


def skipped(check: Check, found: str) -> Finding:
    return Finding(check, Level.SKIPPED, found)


def warning(check: Check, problem: Problem, found: str, fix: str, seconds: float | None = None) -> Finding:
    return Finding(check, Level.WARNING, found, fix, problem.value, seconds)


def failure(check: Check, problem: Problem, found: str, fix: str, seconds: float | None = None) -> Finding:
    return Finding(check, Level.FAILURE, found, fix, problem.value, seconds)


def exit_status(findings: Iterable[Finding], *, strict: bool) -> int:
    """For scripts: 2 where anything fails, 1 for warnings where those count, else 0."""
    levels = {finding.level for finding in findings}
    if Level.FAILURE in levels:
        return 2
    return 1 if strict and Level.WARNING in levels else 0
