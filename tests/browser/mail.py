"""Addresses, and the mail that Ory sends to them, read through its admin API."""

from __future__ import annotations

import re
import time
import uuid

from tests.support.ory import Ory

CODE = re.compile(r"\b\d{6}\b")  # and not six digits of an ID
LINK = re.compile(r"https?://\S+/self-service/\S+")


def new_address() -> str:
    """An address that no account has."""
    return f"{uuid.uuid4().hex[:12]}@example.org"


def letters_to(ory: Ory, address: str) -> list[str]:
    """The bodies of the mails to this address, oldest first."""
    messages = ory.admin("GET", "/admin/courier/messages?page_size=250").json
    return [message["body"] for message in reversed(messages) if message["recipient"] == address]


def code_for(ory: Ory, address: str, *, number: int = 1) -> str:
    """The code in the mail with this number (from 1) to the address; waits for it."""
    found: str = CODE.findall(_wait_for_letter(ory, address, number))[0]
    return found


def link_for(ory: Ory, address: str, *, number: int = 1) -> str:
    """The link in that mail."""
    found: str = LINK.findall(_wait_for_letter(ory, address, number))[0]
    return found.rstrip(".,")


def _wait_for_letter(ory: Ory, address: str, number: int) -> str:
    for _ in range(50):
        letters = letters_to(ory, address)
        if len(letters) >= number:
            return letters[number - 1]
        time.sleep(0.1)
    raise AssertionError(f"{len(letters)} mails came, not {number}")
