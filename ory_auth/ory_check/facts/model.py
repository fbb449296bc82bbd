"""The facts about this project, its Ory, and a session."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from django.core.checks import CheckMessage

from ...conf import Conf
from ...ory.addresses import Origin
from ...ory.credentials import Credential, Kind
from ...sessions.outcomes import Outcome
from .connection import Reachability
from .http_result import HttpResult

STORE_BYTES = "store bytes"


@dataclass(frozen=True, slots=True)
class CacheDefect:
    """An operation that a cache cannot do, and the symptom: the name of an error, or a wrong result."""

    operation: str
    symptom: str


@dataclass(frozen=True, slots=True)
class CacheResult:
    """The cache that ``SESSION_CACHE`` names."""

    alias: str
    error: str = ""  # the name of an exception
    loses_values: bool = False  # it does not return what was just stored
    seconds: float = 0.0
    missing_table: str = ""
    is_shared: bool = True  # between processes
    eviction_policy: str = ""  # of a Redis that may drop keys before they expire; empty if it does not, or is unknown
    defect: CacheDefect | None = None


@dataclass(frozen=True, slots=True)
class DatabaseResult:
    alias: str
    error: str = ""  # the name of an exception
    seconds: float = 0.0
    missing: tuple[str, ...] = ()  # migrations that are not applied, or the table that they should have created


@dataclass(frozen=True, slots=True)
class WebhookCalls:
    """The web hooks that have arrived: what kind, and how many seconds ago the last one of it."""

    ages: tuple[tuple[str, float], ...] = ()  # the newest first
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Synchronizations:
    """The runs of ``ory_sync``. Ages are in seconds; ``None`` if there was no such run."""

    complete_age: float | None = None  # of the last complete run
    identities: int = 0  # that it has compared
    interrupted_age: float | None = None  # of a newer run that is neither complete nor under way
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Hosts:
    """The settings that say which hosts and origins belong to this project."""

    allowed: tuple[str, ...] = ()  # ALLOWED_HOSTS
    trusted_origins: tuple[str, ...] = ()  # CSRF_TRUSTED_ORIGINS
    cors_origins: tuple[str, ...] = ()  # CORS_ALLOWED_ORIGINS of django-cors-headers
    redirects: tuple[str, ...] = ()  # LOGIN_REDIRECT_HOSTS
    debug: bool = False
    site_options: tuple[str, ...] = ()  # --site


@dataclass(frozen=True, slots=True)
class Project:
    """This project. ``conf`` has the valid part of ``ORY_AUTH``; ``None`` without a valid ``SDK_URL``."""

    conf: Conf | None
    keys: frozenset[str]  # of ORY_AUTH that are set
    hosts: Hosts
    messages: tuple[CheckMessage, ...]
    checks_seconds: float
    login_path: str  # of ory_auth:login; empty if the URLs are not included
    serves_login_page: bool  # False if another view of the project answers at login_path
    backends: tuple[str, ...]  # AUTHENTICATION_BACKENDS
    database: DatabaseResult
    cache: CacheResult | None
    synchronizations: Synchronizations | None = None  # None if there was none, or if the database cannot tell
    webhooks: WebhookCalls | None = None  # None without WEBHOOK_SECRETS, or if the database cannot tell

    def has_message(self, message_id: str) -> bool:
        return any(message.id == message_id for message in self.messages)


class Service(Enum):
    """What answers at an address."""

    PUBLIC_API = auto()
    ADMIN_API = auto()
    NOT_ORY = auto()
    NO_RESPONSE = auto()
    TLS = auto()  # the URL is http, and the server speaks TLS


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL of Ory's public API, and its responses."""

    url: str
    reachability: Reachability
    service: Service = Service.NO_RESPONSE
    whoami: tuple[HttpResult, ...] = ()
    login_flow: HttpResult = field(default_factory=HttpResult)  # as JSON
    login_redirect: HttpResult = field(default_factory=HttpResult)  # to the login page, as a browser gets it
    admin: HttpResult = field(default_factory=HttpResult)  # a request to the admin API at this URL, without a key


@dataclass(frozen=True, slots=True)
class AdminApi:
    """The admin API at ``ADMIN_URL``."""

    url: str
    reachability: Reachability
    result: HttpResult = field(default_factory=HttpResult)


@dataclass(frozen=True, slots=True)
class SuppliedCredential:
    """The value of ``--token`` or ``--cookie``. ``credential`` is ``None`` if the value cannot be one."""

    kind: Kind
    credential: Credential | None = field(repr=False)
    cookie_name: str = ""  # if the cookie was supplied with its name


@dataclass(frozen=True, slots=True)
class UserFacts:
    """The user that is linked to an identity in the database."""

    error: str = ""  # the name of an exception
    exists: bool = False
    pk: str = ""
    active: bool = True
    staff: bool = False
    superuser: bool = False
    admitted: bool = True


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """The session of a supplied credential: Ory's response, its outcome in this project, and the user."""

    supplied: SuppliedCredential
    result: HttpResult
    outcome: Outcome | None = None
    user: UserFacts | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the probes found. Most of it is empty without a valid ``SDK_URL``, or if Ory is down."""

    project: Project
    proxy_variable: str = ""  # the environment variable that names a proxy for SDK_URL; never its value
    at_sdk_url: Endpoint | None = None
    at_browser_url: Endpoint | None = None  # None if it is the same URL, or a host that this server cannot know
    readiness: HttpResult = field(default_factory=HttpResult)
    version: HttpResult = field(default_factory=HttpResult)
    login_page_exists: bool = False  # whether this project has a view at the path of Ory's login page
    sites: tuple[Origin, ...] = ()
    return_to: tuple[tuple[Origin, HttpResult], ...] = ()
    webhook_view: HttpResult = field(default_factory=HttpResult)  # what this site answers to a GET of ory_auth:webhook
    flow_through_gateway: HttpResult = field(default_factory=HttpResult)  # a login flow, as JSON
    form_action: tuple[tuple[str, ...], ...] = ()  # the sources in each Content-Security-Policy of the login page
    providers: tuple[tuple[str, HttpResult], ...] = ()  # IDs, and Ory's response to a form for social sign-in
    cors_preflights: tuple[tuple[str, HttpResult], ...] = ()
    admin: AdminApi | None = None
    session: SessionFacts | None = None

    @property
    def admin_url_works(self) -> bool:
        """Whether ``ADMIN_URL`` is set, and Ory's admin API answers there."""
        return self.admin is not None and "ADMIN_URL" in self.project.keys and self.admin.result.is_ory_error(404)

    @property
    def browser_endpoint(self) -> Endpoint | None:
        """The endpoint that browsers use. If this server cannot reach it: the same Ory at ``SDK_URL``."""
        if self.at_browser_url and self.at_browser_url.service is Service.PUBLIC_API:
            return self.at_browser_url
        return self.at_sdk_url

    @property
    def ory_responds(self) -> bool:
        """Whether Ory's public API answers at ``SDK_URL``."""
        return self.at_sdk_url is not None and self.at_sdk_url.service is Service.PUBLIC_API
