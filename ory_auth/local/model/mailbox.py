"""The mailbox: the messages that the local Ory would send, by e-mail or as text messages to phones.

https://www.ory.com/docs/kratos/emails-sms/custom-email-templates
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from .clock import Clock, rfc3339, truncate_to_microseconds

CODE_LENGTH = 6

WITH_CODE = "{what}, enter this code:\n\n{code}\n\nIf this was not you, do nothing."
WITH_LINK = "{what}, open this link:\n\n{url}\n\nIf this was not you, do nothing."
WITH_BOTH = "{what}, enter this code:\n\n{code}\n\nOr open this link:\n\n{url}\n\nIf this was not you, do nothing."
TEMPLATES = {
    # Kratos' name → subject, body, purpose
    "login_code_valid": ("Use code {code} to sign in", WITH_CODE, "To sign in"),
    "registration_code_valid": ("Use code {code} to create your account", WITH_CODE, "To create your account"),
    "verification_code_valid": ("Use code {code} to verify your address", WITH_BOTH, "To verify your address"),
    "verification_valid": ("Verify your address", WITH_LINK, "To verify your address"),
    "recovery_code_valid": ("Use code {code} to recover your account", WITH_CODE, "To recover your account"),
    "recovery_valid": ("Recover your account", WITH_LINK, "To recover your account"),
}


def new_code() -> str:
    """A one-time code: six random digits."""
    return f"{secrets.randbelow(10**CODE_LENGTH):0{CODE_LENGTH}}"


@dataclass(frozen=True)
class MailMessage:
    """A message to one recipient. `code` and `url` are empty if it has none. `created_at` is in nanoseconds.

    `template_type` is Kratos' name for its kind, such as "recovery_code_valid". `channel` is "email" or "sms".
    """

    template_type: str
    recipient: str
    subject: str = field(repr=False)
    body: str = field(repr=False)
    created_at: int
    code: str = field(default="", repr=False)
    url: str = field(default="", repr=False)
    channel: str = "email"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def to_json(self) -> dict[str, Any]:
        """The message as in Kratos' admin API. It stays queued: no mail server receives it."""
        created_at = rfc3339(self.created_at)
        return {
            "id": self.id,
            "status": "queued",
            "type": self.channel,
            "recipient": self.recipient,
            "body": self.body,
            "subject": self.subject,
            "template_type": self.template_type,
            "channel": self.channel,
            "send_count": 0,
            "created_at": created_at,
            "updated_at": created_at,
        }


class Mailbox:
    """All messages, for all recipients."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._messages: list[MailMessage] = []

    def send(
        self, template_type: str, recipient: str, *, code: str = "", url: str = "", channel: str = "email"
    ) -> MailMessage:
        """Add a message with this code, this link, or both."""
        subject, body, what = TEMPLATES[template_type]
        message = MailMessage(
            template_type,
            recipient,
            "" if channel == "sms" else subject.format(code=code),
            f"{code} is your code." if channel == "sms" else body.format(what=what, code=code, url=url),
            truncate_to_microseconds(self._clock.now()),
            code,
            url,
            channel,
        )
        self._messages.append(message)
        return message

    def messages(self, recipient: str | None = None) -> list[MailMessage]:
        """The messages, the latest first. A recipient is an e-mail address or a phone number."""
        wanted = recipient and recipient.strip().lower()
        return [message for message in reversed(self._messages) if not wanted or message.recipient.lower() == wanted]

    def latest(self, recipient: str | None = None) -> MailMessage:
        """The latest message. Raises `LookupError` if there is none, and names the addresses that have messages."""
        messages = self.messages(recipient)
        if not messages:
            others = ", ".join(sorted({message.recipient for message in self._messages})) or "none at all"
            raise LookupError(f"no message to {recipient or 'anyone'} was sent. Messages were sent to: {others}")
        return messages[0]

    def clear(self) -> None:
        """Delete all messages."""
        self._messages.clear()
