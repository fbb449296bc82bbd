"""What Ory says about one person, as values that the panel shows. Reads Ory's JSON; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.translation import gettext_lazy

from ..identities.account_help import REMOVABLE_SECOND_FACTORS
from ..pages.account.devices import Device
from ..pages.account.overview import Address, read_addresses
from ..pages.account.session_list import METHODS, SessionRow, make_row
from ..types import Identity, OrySession
from .actions import ACTIVATE, DEACTIVATE, REMOVE_SECOND_FACTOR, RESEND_VERIFICATION, StaffAction

MAX_SIGN_INS = 10
MAX_SESSIONS = 5  # that are listed for one device
CREDENTIALS = {**METHODS, "oidc": gettext_lazy("social account"), "saml": gettext_lazy("single sign-on")}


@dataclass(frozen=True, slots=True)
class DeviceSessions:
    """The sessions on devices with the same name, the latest first."""

    device: Device
    sessions: tuple[SessionRow, ...]

    @property
    def listed(self) -> tuple[SessionRow, ...]:
        return self.sessions[:MAX_SESSIONS]

    @property
    def unlisted(self) -> int:
        return len(self.sessions) - len(self.listed)


@dataclass(frozen=True, slots=True)
class SignIn:
    """One of the last sign-ins."""

    session: SessionRow
    is_active: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """What the panel shows. It has no traits but the addresses that Ory verifies."""

    identity: Identity
    addresses: tuple[Address, ...]
    credentials: tuple[str, ...]
    devices: tuple[DeviceSessions, ...]
    sign_ins: tuple[SignIn, ...]

    @property
    def is_active(self) -> bool:
        return self.identity.state == "active"

    @property
    def unsuitable(self) -> set[StaffAction]:
        """The actions that would change nothing."""
        found = {ACTIVATE if self.is_active else DEACTIVATE}
        if not any(name in REMOVABLE_SECOND_FACTORS for name in self.identity.credential_types):
            found.add(REMOVE_SECOND_FACTOR)
        if all(address.is_verified for address in self.addresses):
            found.add(RESEND_VERIFICATION)
        return found

    @property
    def session_count(self) -> int:
        return sum(len(device.sessions) for device in self.devices)


def make_panel(identity: Identity, sessions: Iterable[OrySession]) -> Panel:
    """The panel of this identity. ``sessions`` are all that Ory still knows, also those that have ended."""
    now = datetime.now(UTC)
    sign_ins = [SignIn(make_row(session), session.active and session.expires_at > now) for session in sessions]
    sign_ins.sort(key=lambda sign_in: sign_in.session.signed_in_at, reverse=True)
    return Panel(
        identity=identity,
        addresses=tuple(read_addresses(identity)),
        credentials=name_credentials(identity.credential_types),
        devices=_by_device([sign_in.session for sign_in in sign_ins if sign_in.is_active]),
        sign_ins=tuple(sign_ins[:MAX_SIGN_INS]),
    )


def name_credentials(types: Iterable[str]) -> tuple[str, ...]:
    """The words for Ory's types of credentials. A type that this version does not know keeps Ory's word."""
    return tuple(str(CREDENTIALS.get(name, name)) for name in types)


def _by_device(rows: Sequence[SessionRow]) -> tuple[DeviceSessions, ...]:
    groups: dict[str, list[SessionRow]] = {}
    for row in rows:
        groups.setdefault(row.device.label, []).append(row)
    return tuple(DeviceSessions(group[0].device, tuple(group)) for group in groups.values())
