"""What the run reports about a person: without values, addresses and names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MAX_EXTERNAL_ID_LENGTH = 64  # of Ory's column


@dataclass(frozen=True, slots=True)
class Notice:
    """What is wrong with one person's data, and how to fix it.

    ``code`` is stable, so that reports can count it. ``text`` and ``fix`` are sentences without personal data.
    """

    code: str
    text: str
    fix: str


def function_failed(name: str, error: str) -> Notice:
    return Notice(
        "function_failed",
        f"The function for {name.replace('_', ' ')} raised {error} for this user.",
        "Call the function with this user in a shell, and correct it.",
    )


def not_json(name: str) -> Notice:
    return Notice(
        "not_json",
        f"The {name.replace('_', ' ')} of this user cannot be sent as JSON.",
        "Remove NUL characters and broken Unicode from texts. A function must return only objects, lists, texts, "
        "numbers, true, false and null; traits must be an object.",
    )


def wrong_second_factors(what: str) -> Notice:
    return Notice(
        "wrong_second_factors",
        f"The function for second factors returned something else than it should for this user: {what}.",
        "Correct the function (--second-factors).",
    )


def lost_second_factors(lost: Iterable[tuple[str, str]]) -> list[Notice]:
    return [
        Notice(
            "second_factor_lost",
            f"A second factor cannot move: {kind} ({reason}).",
            "Let the person set up an authenticator app with 6 digits and 30 seconds first, or move the person without "
            "it (--allow-lost-second-factors).",
        )
        for kind, reason in lost
    ]


EXTERNAL_ID_TOO_LONG = Notice(
    "external_id_too_long",
    f"The primary key has more than {MAX_EXTERNAL_ID_LENGTH} characters, which Ory does not accept as an external ID.",
    "Move this user by hand, and link it with ory_link.",
)
ORY_TOO_OLD = Notice(
    "ory_too_old",
    "This Ory does not know external_id, by which an import recognizes users who have already moved.",
    "Upgrade Kratos to 25.4 or newer.",
)
MISSING_LIST_ELEMENT = Notice(
    "missing_list_element",
    "USER_FIELDS maps this user's fields to a list of which an earlier element is empty.",
    "Fill in the field of the first element, or build the traits in a function (--traits).",
)
NO_IDENTIFIER = Notice(
    "no_identifier",
    "The user has no e-mail address, username or phone number with which people sign in, and no social account.",
    "Give the user one, or add the username to the identity schema as an identifier.",
)
NO_WAY_IN = Notice(
    "no_way_in",
    "The person will not be able to sign in: no password, no social account, and no address for recovery.",
    "Give the user an e-mail address.",
)
UNREADABLE_PASSWORD = Notice(
    "password_unreadable",
    "The stored password is damaged, or of a hasher that is not in PASSWORD_HASHERS. Django cannot check it either, so "
    "the person moves without a password.",
    "Nothing to do: the person sets a new one by recovery. If the hasher is missing, add it to PASSWORD_HASHERS.",
)
PASSWORD_LEFT = Notice(
    "password_left",
    "Only Django can check this password, so the person moves without one.",
    "Nothing to do: the person sets a new one by recovery.",
)
NEEDS_MIGRATION_HOOK = Notice(
    "needs_migration_hook",
    "Only Django can check this password.",
    "Set up the password migration hook and PASSWORD_MIGRATION_SECRETS, or move such people without a password "
    "(--without-migration-hook).",
)
ROLES_MISSING = Notice(
    "roles_missing",
    "The first sign-in will change this user's groups or is_staff: ORY_AUTH['GROUPS'] takes them from roles at Ory, "
    "and the identity will have other roles.",
    "Return the user's roles from the function of --metadata-public or --metadata-admin.",
)
