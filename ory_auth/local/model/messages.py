"""The messages and labels of flows. The IDs are those of Kratos, the texts are our own.

https://www.ory.com/docs/kratos/concepts/ui-messages
"""

from __future__ import annotations

from typing import Any

TEXTS = {
    1010001: "Sign in",
    1010003: "Please sign in again to confirm that it is you.",
    1010004: "Please complete the second step.",
    1010006: "Authentication code",
    1010007: "Backup code",
    1010009: "Use the authenticator app",
    1010010: "Use a backup code",
    1010014: "A code was sent to your address. Please enter it here.",
    1010015: "Send a code to sign in",
    1010023: "Send a code to {address}",
    1010022: "Sign in with password",
    1040001: "Sign up",
    1040005: "A code was sent to your address. Please enter it here.",
    1040006: "Send a code to sign up",
    1040008: "Back",
    1040009: "Please choose how to sign in from now on.",
    1050001: "Your changes have been saved.",
    1050004: "Remove the authenticator app",
    1050005: "QR code for the authenticator app",
    1050006: "{secret}",
    1050007: "Show the backup codes",
    1050008: "Create new backup codes",
    1050009: "{secret}",
    1050010: "These are your backup codes. Keep them in a safe place.",
    1050011: "Confirm the backup codes",
    1050015: "{codes}",
    1050016: "Disable the backup codes",
    1050017: "If you cannot scan the QR code, enter this secret in the authenticator app.",
    1060001: "Your account is recovered. Choose a new password now.",
    1060002: "We sent a link to your e-mail address.",
    1060003: "We sent a code to your e-mail address.",
    1060004: "We sent a code to {masked_address}.",
    1060005: "Enter the whole address.",
    1060006: "Choose where the code goes.",
    1060007: "Back",
    1070001: "Password",
    1070002: "{title}",
    1070003: "Save",
    1070004: "Login name",
    1070006: "Code from the authenticator app",
    1070007: "E-mail address",
    1070008: "Send another code",
    1070009: "Continue",
    1070010: "Recovery code",
    1070011: "Verification code",
    1070016: "E-mail address or phone number",
    1070017: "Phone number",
    1080001: "We sent a link to your e-mail address.",
    1080002: "Your address is verified.",
    1080003: "We sent a code to your e-mail address.",
    1070012: "Code",
    1070013: "Code",
    4000001: "{reason}",
    4000002: "{property} is missing.",
    4000006: "The login name or the password is wrong.",
    4000007: "An account with this login name already exists.",
    4000008: "The authentication code is wrong.",
    4000012: "This backup code has already been used.",
    4000016: "The backup code is wrong.",
    4000031: "The password is too similar to the login name.",
    4000032: "The password must have at least {min_length} characters, but has only {actual_length}.",
    4000035: "This account does not exist, or it cannot sign in with a code.",
    4000036: "The details have changed since the code was sent. Please request another one.",
    4000037: "This account does not exist, or it has no way to sign in.",
    4000040: "This is not a valid e-mail address.",
    4010001: "This took too long. Please try again.",
    4010002: "Choose a way to sign in.",
    4010003: "Choose a way to sign up.",
    4010004: "Choose a setting to change.",
    4010005: "Choose how to recover the account.",
    4010006: "Choose how to verify the address.",
    4060004: "This link has been used before, or is not valid.",
    4060005: "The recovery took too long. Please try again.",
    4060006: "The code is wrong, or has been used before.",
    4070001: "This link has been used before, or is not valid.",
    4070002: "This address was verified before.",
    4070005: "The verification took too long. Please try again.",
    4070006: "The code is wrong, or has been used before.",
    4010008: "This code is wrong, or it has already been used.",
    4040003: "This code is wrong, or it has already been used.",
}

SUCCESSES = {1050001, 1060001, 1080002}

Message = dict[str, Any]


def message(id: int, **context: Any) -> Message:
    """The message or label with this ID, in the JSON of flows. `context` fills the placeholders of its text."""
    kind = "error" if id >= 4000000 else "success" if id in SUCCESSES else "info"
    return {
        "id": id,
        "text": TEXTS[id].format(**context),
        "type": kind,
        **({"context": context} if context else {}),
    }
