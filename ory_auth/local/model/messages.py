"""The messages of flows, by the ids that Kratos gives them; the words are our own.

https://www.ory.com/docs/kratos/concepts/ui-messages
"""

from __future__ import annotations

from typing import Any

TEXTS = {
    1010001: "Sign in",
    1010003: "Please confirm that it is you.",
    1010004: "Please give your second factor.",
    1010006: "Authentication code",
    1010007: "Backup code",
    1010009: "Use the authenticator app",
    1010010: "Use a backup code",
    1010022: "Sign in with password",
    1040001: "Sign up",
    1040008: "Back",
    1040009: "Please choose how to sign in from now on.",
    1050001: "Your changes are saved.",
    1050004: "Remove the authenticator app",
    1050005: "QR code for the authenticator app",
    1050006: "{secret}",
    1050007: "Show the backup codes",
    1050008: "Make new backup codes",
    1050009: "{secret}",
    1050010: "These are your backup codes. Keep them in a safe place.",
    1050011: "Keep these backup codes",
    1050015: "{codes}",
    1050016: "Do without backup codes",
    1050017: "The secret for the authenticator app, should the QR code be of no use.",
    1070001: "Password",
    1070002: "{title}",
    1070003: "Save",
    1070006: "Code of the app",
    4000001: "{reason}",
    4000002: "{property} is missing.",
    4000006: "The name or the password is wrong.",
    4000007: "There is an account of that name already.",
    4000008: "The authentication code is wrong.",
    4000012: "This backup code was used before.",
    4000016: "The backup code is wrong.",
    4000031: "The password is too much like the name.",
    4000032: "The password must have {min_length} characters at least, this one has {actual_length}.",
    4000040: "This is no e-mail address.",
    4010001: "The sign-in took too long and was begun anew.",
    4010002: "There is no such way to sign in.",
    4010003: "There is no such way to sign up.",
    4010004: "There is no such setting.",
}

Message = dict[str, Any]


def message(id: int, **context: Any) -> Message:
    """A message (or a label) as it stands in a flow."""
    kind = "error" if id >= 4000000 else "success" if id == 1050001 else "info"
    return {
        "id": id,
        "text": TEXTS[id].format(**context),
        "type": kind,
        **({"context": context} if context else {}),
    }
