"""Operations with which support helps people who cannot sign in: recovery, verification, a lost second factor."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ..conf import conf
from ..exceptions import InvalidIdentity, MethodDisabled, NotFound, OryResponseInvalid
from ..ory.admin_client import AdminClient
from ..ory.verification import VerificationApi, verification_api_of
from ..sessions.invalidation import drop_cached_sessions
from ..types import Identity
from ..users.sign_ins import known_session_ids
from .driver import ApiCall, Steps, ask, locally
from .reading import get
from .targets import Who, find_id

REMOVABLE_SECOND_FACTORS = ("totp", "lookup_secret", "webauthn")  # the last one unless it has only passkeys
CODE_DISABLED = "Recovery by code is turned off at Ory. Set selfservice.methods.code.enabled to true."
LINK_DISABLED = (
    "Recovery by link is turned off at Ory. Set selfservice.methods.link.enabled to true, or use a recovery code."
)


@dataclass(frozen=True)
class RecoveryLink:
    """A link that signs the person in once. Its ``repr`` hides it."""

    url: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class RecoveryCode:
    """A code that signs the person in once, and the page on which they enter it. Its ``repr`` hides both."""

    code: str = field(repr=False)
    url: str = field(repr=False)
    expires_at: datetime


def recovery_link(who: Who, *, expires_in: timedelta | None = None) -> Steps[RecoveryLink]:
    """Create a link with which the person signs in and sets a new password. It works once, for all who have it.

    Programs that check mails for viruses also open links, so a code is safer. ``expires_in`` is by default what Ory
    is configured for.

    Raises :class:`.NotFound`, and :class:`.MethodDisabled` if Ory's recovery by link is turned off. Follows
    https://www.ory.com/docs/reference/api#operation/createRecoveryLinkForIdentity.
    """
    identity_id = yield from find_id(who)
    try:
        data = yield from ask(AdminClient.create_recovery_link, identity_id, _duration(expires_in))
    except InvalidIdentity:  # what Ory answers for an unknown identity
        raise NotFound from None
    except MethodDisabled:
        raise MethodDisabled(LINK_DISABLED) from None
    return RecoveryLink(_read_text(data, "recovery_link"), _read_expiry(data))


def recovery_code(who: Who, *, expires_in: timedelta | None = None) -> Steps[RecoveryCode]:
    """Create a code with which the person signs in and sets a new password. It works once, for all who have it.

    ``expires_in`` is by default what Ory is configured for.

    Raises :class:`.NotFound`, and :class:`.MethodDisabled` if Ory's recovery by code is turned off. Follows
    https://www.ory.com/docs/reference/api#operation/createRecoveryCodeForIdentity.
    """
    identity_id = yield from find_id(who)
    try:
        data = yield from ask(AdminClient.create_recovery_code, identity_id, _duration(expires_in))
    except MethodDisabled:
        raise MethodDisabled(CODE_DISABLED) from None
    return RecoveryCode(_read_text(data, "recovery_code"), _read_text(data, "recovery_link"), _read_expiry(data))


def resend_verification(who: Who) -> Steps[int]:
    """Let Ory mail a code or a link to each e-mail address that is not verified. Returns the number of mails.

    Raises :class:`.NotFound`, and :class:`.MethodDisabled` if Ory's verification is turned off. Follows
    https://www.ory.com/docs/kratos/self-service/flows/verify-email-account-activation.
    """
    identity = yield from get(who)
    addresses = [str(each.get("value")) for each in identity.verifiable_addresses if _needs_verification(each)]
    for address in addresses:
        yield from _send_verification(verification_api_of(conf()), address)
    return len(addresses)


def remove_second_factor(who: Who) -> Steps[tuple[str, ...]]:
    """Remove the second factors of a person who has lost them: authenticator app, backup codes, security keys.

    Returns Ory's words for what was removed, such as ``("totp", "lookup_secret")``; passkeys are a first factor and
    stay. Sessions that have begun stay, too: call :func:`revoke_sessions` if another person may have the device.

    Raises :class:`.NotFound`. Follows https://www.ory.com/docs/reference/api#operation/deleteIdentityCredentials.
    """
    identity_id = yield from find_id(who)
    data = yield from ask(AdminClient.get_identity, identity_id, include_credentials=("webauthn",))
    removed = []
    for credential_type in _second_factors(data):
        with suppress(NotFound):
            yield from ask(AdminClient.delete_credential, identity_id, credential_type)
            removed.append(credential_type)
    if removed:
        yield from locally(_drop_sessions, identity_id)  # they may have needed the second factor
    return tuple(removed)


def recovery_address(identity: Identity) -> str:
    """The e-mail address to which a recovery may go: a verified one if possible. Raises :class:`.NotFound`."""
    own = [
        str(each.get("value")) for each in identity.raw.get("recovery_addresses") or () if each.get("via") == "email"
    ]
    verified = identity.verified_emails()
    for address in (*(each for each in own if each in verified), *own, *verified):
        return address
    raise NotFound("This identity has no e-mail address for a recovery.")


def _second_factors(identity: dict[str, Any]) -> list[str]:
    """The types of second factors that this identity has, from Ory's JSON."""
    credentials = identity.get("credentials")
    if not isinstance(credentials, dict):
        return []
    found = [each for each in REMOVABLE_SECOND_FACTORS if each in credentials]
    if "webauthn" in found and not _has_security_key(credentials["webauthn"]):
        found.remove("webauthn")
    return found


def _has_security_key(webauthn: Any) -> bool:
    """Whether a key is a second factor. A key that is passwordless is a passkey."""
    try:
        return any(not key.get("is_passwordless") for key in webauthn["config"]["credentials"])
    except (KeyError, TypeError, AttributeError):
        return False


def _needs_verification(address: Any) -> bool:
    return address.get("via") == "email" and address.get("verified") is not True and bool(address.get("value"))


def _send_verification(api: VerificationApi, address: str) -> Steps[None]:
    flow_id, method = yield ApiCall(api, api.start)
    yield ApiCall(api, lambda: api.send_mail(flow_id, method, address))


def _drop_sessions(identity_id: UUID) -> None:
    drop_cached_sessions(known_session_ids(identity_id), conf())


def _duration(value: timedelta | None) -> str | None:
    """A duration as Ory reads it. It takes no fractions, and nothing below zero."""
    if value is None:
        return None
    if value < timedelta(seconds=1):
        raise ValueError("expires_in must be one second or more.")
    return f"{int(value.total_seconds())}s"


def _read_text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    del data
    if isinstance(value, str) and (name != "recovery_link" or value.startswith(("https://", "http://"))):
        return value
    raise OryResponseInvalid(f"Ory's response has no {name}.", status=200)


def _read_expiry(data: dict[str, Any]) -> datetime:
    try:
        expires_at = datetime.fromisoformat(data["expires_at"])
        if expires_at.tzinfo is not None:
            return expires_at
    except (KeyError, TypeError, ValueError):
        pass
    del data
    raise OryResponseInvalid("Ory's response does not say when the recovery expires.", status=200)
