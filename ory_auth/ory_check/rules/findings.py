"""Findings: the lines of ``manage.py ory_check``. Their ids are stable, and documented in docs/ory_check.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILURE = "failure"


class Section(StrEnum):
    """The sections of the report, in order."""

    PROJECT = "This project"
    ORY = "Ory, from this server"
    BROWSER = "Ory, from a browser on this site"
    ADMIN = "Ory's admin API"
    SESSION = "A session"


class Check(StrEnum):
    """What is checked, in order. The value is ``check`` in the JSON report."""

    subject: str
    section: Section

    def __new__(cls, slug: str, subject: str = "", section: Section = Section.PROJECT) -> Check:
        check = str.__new__(cls, slug)
        check._value_, check.subject, check.section = slug, subject, section
        return check

    SETTINGS = "settings", "Settings", Section.PROJECT
    BACKENDS = "backends", "Backends", Section.PROJECT
    DATABASE = "database", "Database", Section.PROJECT
    CACHE = "cache", "Cache", Section.PROJECT
    WEBHOOKS = "webhooks", "Web hooks", Section.PROJECT
    SYNCHRONIZATION = "synchronization", "ory_sync", Section.PROJECT
    NAME = "name", "DNS", Section.ORY
    CONNECTION = "connection", "Connection", Section.ORY
    PROXY = "proxy", "Proxy", Section.ORY
    IDENTITY_OF_ORY = "ory", "SDK_URL", Section.ORY
    READY = "ready", "Readiness", Section.ORY
    VERSION = "version", "Version", Section.ORY
    ANSWER_TIME = "answer-time", "Response time", Section.ORY
    CACHING = "caching", "Caching", Section.ORY
    CLOCK = "clock", "Clock", Section.ORY
    BROWSER_URL = "browser-url", "BROWSER_URL", Section.BROWSER
    GATEWAY = "gateway", "Gateway", Section.BROWSER
    BASE_URL = "base-url", "Ory's base URL", Section.BROWSER
    SCHEMES = "schemes", "HTTP or HTTPS", Section.BROWSER
    COOKIES = "cookies", "Cookies", Section.BROWSER
    LOGIN_PAGE = "login-page", "Login page", Section.BROWSER
    RETURN_TO = "return-to", "return_to", Section.BROWSER
    FORM_ACTION = "form-action", "form-action", Section.BROWSER
    CORS = "cors", "CORS", Section.BROWSER
    ADMIN = "admin", "ADMIN_URL", Section.ADMIN
    ADMIN_IN_PUBLIC = "admin-in-public", "Exposure", Section.ADMIN
    SESSION = "session", "Session", Section.SESSION
    COOKIE_NAME = "cookie-name", "Session cookie", Section.SESSION
    CACHE_TIME = "cache-time", "Cache time", Section.SESSION
    USER = "user", "Django user", Section.SESSION
    GUARDS = "guards", "Guards", Section.SESSION


class Problem(StrEnum):
    """The ids of warnings and failures. Findings of system checks have the ids of those instead."""

    SDK_URL_MISSING = "sdk-url-missing"
    DATABASE_UNAVAILABLE = "database-unavailable"
    DATABASE_NOT_MIGRATED = "database-not-migrated"
    CACHE_UNAVAILABLE = "cache-unavailable"
    CACHE_FORGETS = "cache-forgets"
    CACHE_UNFIT = "cache-unfit"
    CACHE_PER_PROCESS = "cache-per-process"
    CACHE_EVICTS = "cache-evicts"
    WEBHOOKS_MISSING = "webhooks-missing"
    WEBHOOKS_BLOCKED = "webhooks-blocked"
    SYNC_INTERRUPTED = "sync-interrupted"
    SYNC_OUTDATED = "sync-outdated"
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
    GATEWAY_FAILS = "gateway-fails"
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
    FORM_ACTION_BLOCKS = "form-action-blocks"
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
    """One line of the report. ``found`` and ``fix`` are for people; ``seconds`` is how long the check took."""

    check: Check
    level: Level
    found: str
    fix: str = ""
    id: str = ""
    seconds: float | None = None


def ok(check: Check, found: str, seconds: float | None = None) -> Finding:
    return Finding(check, Level.OK, found, seconds=seconds)


def unknown(check: Check, found: str, seconds: float | None = None) -> Finding:
    return Finding(check, Level.UNKNOWN, f"unknown: {found}", seconds=seconds)


def skipped(check: Check, found: str) -> Finding:
    return Finding(check, Level.SKIPPED, found)


def warning(check: Check, problem: Problem, found: str, fix: str, seconds: float | None = None) -> Finding:
    return Finding(check, Level.WARNING, found, fix, problem.value, seconds)


def failure(check: Check, problem: Problem, found: str, fix: str, seconds: float | None = None) -> Finding:
    return Finding(check, Level.FAILURE, found, fix, problem.value, seconds)


def exit_status(findings: Iterable[Finding], *, strict: bool) -> int:
    """2 if there is a failure; 1 if there is a warning and ``strict`` is set; else 0."""
    levels = {finding.level for finding in findings}
    if Level.FAILURE in levels:
        return 2
    return 1 if strict and Level.WARNING in levels else 0
