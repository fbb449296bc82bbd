"""What the probes saw: plain values, for the rules to judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from django.core.checks import CheckMessage

from ...conf import Conf
from ...ory.addresses import Origin
from ...ory.credentials import Credential, Kind
from ...sessions.outcomes import Outcome
from .connection import Reached
from .http_result import Reply

STORE_BYTES = "store bytes"


@dataclass(frozen=True, slots=True)
class Misfit:
    """What a cache cannot do, and how that shows: the name of an error, or what it does instead."""

    what: str
    how: str


@dataclass(frozen=True, slots=True)
class Trial:
    """Something tried on this side. ``trouble`` is empty where it worked."""

    name: str
    trouble: str = ""
    seconds: float = 0.0
    missing: tuple[str, ...] = ()  # of the database: migrations that are not applied; of the cache: its table
    shared: bool = True  # of the cache: whether all processes see what one keeps
    evicts: str = (
        ""  # of the cache: by which rule it throws away what is still to be kept; empty: not known, or by none
    )
    misfit: Misfit | None = None  # of the cache: what it cannot do that requests need


@dataclass(frozen=True, slots=True)
class Hosts:
    """Whom this project answers to, as its settings say."""

    allowed: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()  # CSRF_TRUSTED_ORIGINS
    api_origins: tuple[str, ...] = ()  # CORS_ALLOWED_ORIGINS of django-cors-headers
    redirects: tuple[str, ...] = ()  # LOGIN_REDIRECT_HOSTS
    debug: bool = False
    given: tuple[str, ...] = ()  # --site


@dataclass(frozen=True, slots=True)
class Project:
    """This side. ``conf`` is as much of ``ORY_AUTH`` as can be read, ``None`` without a usable ``SDK_URL``."""

    conf: Conf | None
    keys: frozenset[str]  # of ORY_AUTH, as far as they are set
    hosts: Hosts
    messages: tuple[CheckMessage, ...]
    checks_seconds: float
    login_path: str  # of ory_auth:login; empty where the URLs are not included
    login_is_ours: bool  # whether ory_auth:login answers there, not a view of the project
    backends: tuple[str, ...]  # AUTHENTICATION_BACKENDS
    database: Trial
    cache: Trial | None

    def has_message(self, message_id: str) -> bool:
        """Whether a system check of this id has found something."""
        return any(message.id == message_id for message in self.messages)


class Speaker(Enum):
    """Who answers at an address."""

    ORY = auto()
    ADMIN = auto()
    OTHER = auto()
    NOBODY = auto()
    TLS = auto()  # over plain HTTP, and TLS would be right


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of Ory's public addresses, and what it answered."""

    url: str
    reached: Reached
    speaker: Speaker = Speaker.NOBODY
    whoami: tuple[Reply, ...] = ()
    flow: Reply = field(default_factory=Reply)  # a login flow as JSON
    page: Reply = field(default_factory=Reply)  # the same as a browser gets it: the redirect to the login page
    admin: Reply = field(default_factory=Reply)  # the admin API, asked here and without a key


@dataclass(frozen=True, slots=True)
class AdminFacts:
    """The admin API as the settings name it."""

    url: str
    reached: Reached
    reply: Reply = field(default_factory=Reply)


@dataclass(frozen=True, slots=True)
class Given:
    """What ``--token`` or ``--cookie`` gave: a credential, ``None`` where it cannot be one."""

    kind: Kind
    credential: Credential | None = field(repr=False)
    cookie_name: str = ""  # where the cookie came with its name


@dataclass(frozen=True, slots=True)
class UserFacts:
    """The user of a session, as it stands in the database; nothing is created."""

    trouble: str = ""
    known: bool = False
    pk: str = ""
    active: bool = True
    staff: bool = False
    superuser: bool = False
    admitted: bool = True


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A session that was given: what Ory said of it, and what this project makes of it."""

    given: Given
    reply: Reply
    outcome: Outcome | None = None
    user: UserFacts | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was seen. Without a usable ``SDK_URL``, or where nobody answers, most of it is empty."""

    project: Project
    proxy: str = ""  # the environment's variable that names a proxy for SDK_URL; never its value
    sdk: Endpoint | None = None
    browser: Endpoint | None = None  # None: the same as sdk, or not worth asking
    ready: Reply = field(default_factory=Reply)
    version: Reply = field(default_factory=Reply)
    page_is_ours: bool = False  # whether this project has a view at the path of the login page
    sites: tuple[Origin, ...] = ()
    returns: tuple[tuple[Origin, Reply], ...] = ()
    preflights: tuple[tuple[str, Reply], ...] = ()
    admin: AdminFacts | None = None
    session: SessionFacts | None = None

    @property
    def has_admin_url(self) -> bool:
        """Whether ``ADMIN_URL`` is set, and Ory's admin API is there."""
        return self.admin is not None and "ADMIN_URL" in self.project.keys and self.admin.reply.says(404)

    @property
    def entrance(self) -> Endpoint | None:
        """Where browsers come in, as far as this server gets there; else the same Ory by its other address."""
        return self.browser if self.browser and self.browser.speaker is Speaker.ORY else self.sdk

    @property
    def answers(self) -> bool:
        """Whether Ory answers at ``SDK_URL``."""
        return self.sdk is not None and self.sdk.speaker is Speaker.ORY
