"""Why a person was not imported, as far as Ory's answers and the links of this project tell, and what to do then."""

from __future__ import annotations

from .notices import Notice

TAKEN = Notice(
    "taken",
    "Another identity at Ory has the same e-mail address or username.",
    "If Ory has verified that it is the same person's address, link the two with 'manage.py ory_link'. Otherwise "
    "change the user's value, or delete the identity.",
)
EXTERNAL_ID_TAKEN = Notice(
    "external_id_taken",
    "An identity at Ory has the user's primary key as external_id, and nothing proves that it is this person's: no "
    "verified address of the user, and not the password that an interrupted run has sent.",
    "If it is the same person, link the two with 'manage.py ory_link'. Otherwise change that external_id at Ory.",
)
INCOMPLETE = Notice(
    "incomplete",
    "Ory refused the second factor. The identity is inactive, because the password alone must not be enough.",
    "Enable totp and lookup_secret in selfservice.methods at Ory, and run the command again.",
)
BROKEN = Notice(
    "ory_error",
    "Ory answered with an internal error for this person.",
    "Look at Ory's log, and run the command again.",
)
LINKED_TO_ANOTHER_USER = Notice(
    "linked_to_another_user",
    "The person's identity is linked to another user of this project, perhaps since they signed in at Ory.",
    "Merge the two users, then link the remaining one with 'manage.py ory_link --move'.",
)
LINKED_TO_ANOTHER_IDENTITY = Notice(
    "linked_to_another_identity",
    "The user was linked to another identity meanwhile.",
    "Delete one of the two identities at Ory.",
)


def refused_by_ory(fields: tuple[str, ...]) -> Notice:
    """``fields`` are JSON pointers to the values that the identity schema refuses."""
    traits = [pointer.removeprefix("#/traits/") for pointer in fields if pointer.startswith("#/traits/")]
    if not traits:
        return Notice(
            "refused",
            "Ory refused the person's data, and did not say which part.",
            "Compare the traits with the identity schema: an additional or missing trait, or a value's format.",
        )
    names = ", ".join(traits)
    return Notice(
        "refused_by_schema",
        f"The identity schema refuses the trait {names}.",
        "Correct the user's value, or return another one from --traits, or change the identity schema.",
    )
