"""The texts of the pages for Ory's messages, labels and errors, by the ids that Ory gives them.

Each English text is the ``msgid`` of its translations. The ids are those of Kratos 26.2.0, older versions that are
still in use, and newer ones that Ory Network already sends. They are documented at
https://www.ory.com/docs/kratos/concepts/ui-messages.

A text says what to do next, in the words that people know: "email", "code", "passkey", "security key". It never says
"flow", "identifier", "credential" or "second factor". ``%(name)s`` is a value of the message's ``context``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from django.utils.translation import gettext_noop as _
from django.utils.translation import pgettext_lazy


class Plural(NamedTuple):
    """A text whose wording depends on a number of the context, which is named by ``number``."""

    singular: str
    plural: str
    number: str


class ByChannel(NamedTuple):
    """A text that names where a code or a link went: an email address, a phone number, or an address not known."""

    email: str
    phone: str
    unknown: str


Text = str | Plural | ByChannel


def _n(singular: str, plural: str, *, number: str) -> Plural:
    """Marks both for translation, as ``gettext_noop`` does one."""
    return Plural(singular, plural, number)


CONTINUE, BACK, CONNECT = _("Continue"), _("Back"), _("Sign in and connect")
SEND_CODE = _("Send me a code")
CONTINUE_WITH = _("Continue with %(provider)s")
SECURITY_KEY = _("Use a security key")
APP_CODE = _("Code from your authenticator app")
ONE_TIME_CODE = ByChannel(
    email=_("Code from the email"), phone=_("Code from the text message"), unknown=_("Code that we sent you")
)
CODE_SENT = ByChannel(
    email=_(
        "We sent a code to %(sent_to)s. If it doesn't arrive within a few minutes, check your spam folder or ask for a "
        "new one."
    ),
    phone=_(
        "We sent a code by text message to %(sent_to)s. If it doesn't arrive within a few minutes, ask for a new one."
    ),
    unknown=_("We sent you a code. If it doesn't arrive within a few minutes, ask for a new one."),
)
RECOVERY_CODE_SENT = ByChannel(
    email=_(
        "We sent a code to %(sent_to)s. If it doesn't arrive within a few minutes, check your spam folder, and that "
        "this is the address of your account."
    ),
    phone=_(
        "We sent a code by text message to %(sent_to)s. If it doesn't arrive within a few minutes, check that this is "
        "the number of your account."
    ),
    unknown=_(
        "We sent you a code. If it doesn't arrive within a few minutes, check that this is the address of your account."
    ),
)
LINK_SENT_SOMEWHERE = _(
    "We sent you a link. If it doesn't arrive within a few minutes, check that this is the address of your account."
)
LINK_SENT = ByChannel(
    email=_(
        "We sent a link to %(sent_to)s. If it doesn't arrive within a few minutes, check your spam folder, and that "
        "this is the address of your account."
    ),
    phone=LINK_SENT_SOMEWHERE,
    unknown=LINK_SENT_SOMEWHERE,
)
VERIFIED = ByChannel(
    email=_("Your email address is verified. Thank you!"),
    phone=_("Your phone number is verified. Thank you!"),
    unknown=_("Verification is complete. Thank you!"),
)
EXPIRED = _("This page has expired. Please try again.")
NOT_UNDERSTOOD = _("That didn't work. Please check what you entered, and try again.")
DONE_ALREADY = _("You have already completed this step.")
CODE_WRONG = _("That code isn't right, or it has already been used. Check it, or ask for a new one.")
LINK_WRONG = _("This link has expired or has already been used. Please start again to get a new one.")
LINK_INCOMPLETE = _("Part of this link is missing. Please open the whole link, or start again to get a new one.")
START_AGAIN = _("Something went wrong. Please start again.")

WHOLE_EMAIL = _("Enter a full email address, such as name@example.com.")
WHOLE_PHONE = _("Enter the full phone number, with + and the country code.")
CHECK_VALUE = _("Please check this value.")
DISABLED = _("This account has been disabled. Please contact the people who run this site.")
SIGN_IN_TO_CONNECT = _("%(identifier)s already has an account. Sign in to it, and we'll connect %(provider)s.")
SIGN_IN_INSTEAD = _("%(identifier)s already has an account. Sign in to it instead.")

MESSAGES: dict[int, Text] = {
    # signing in
    1010001: _("Sign in"),
    1010002: CONTINUE_WITH,
    1010003: _("Confirm that it's you to continue."),
    1010004: _("One more step to keep your account safe."),
    1010005: _("Confirm"),
    1010006: APP_CODE,
    1010007: _("Backup code"),
    1010008: SECURITY_KEY,
    1010009: _("Confirm code"),
    1010010: _("Use backup code"),
    1010011: SECURITY_KEY,
    1010012: _("Have your security key or device ready, then continue."),
    1010013: CONTINUE,
    1010014: CODE_SENT,
    1010015: SEND_CODE,
    1010016: SIGN_IN_TO_CONNECT,
    1010017: CONNECT,
    1010018: CONTINUE_WITH,
    1010019: SEND_CODE,
    1010021: _("Sign in with a passkey"),
    1010022: _("Sign in"),
    1010023: _("Send a code to %(address)s"),
    1010024: SECURITY_KEY,
    1010025: CODE_SENT,
    # creating an account
    1040001: _("Create account"),
    1040002: CONTINUE_WITH,
    1040003: CONTINUE,
    1040004: _("Create account with a security key"),
    1040005: CODE_SENT,
    1040006: SEND_CODE,
    1040007: _("Create account with a passkey"),
    1040008: BACK,
    1040009: _("Choose how you want to sign in from now on."),
    # settings
    1050001: _("Your changes have been saved."),
    1050002: _("Connect %(provider)s"),
    1050003: _("Disconnect %(provider)s"),
    1050004: _("Remove authenticator app"),
    1050005: _("QR code for your authenticator app"),
    1050007: _("Show backup codes"),
    1050008: _("Create new backup codes"),
    1050010: _("Keep these backup codes in a safe place. You can use each of them once."),
    1050011: _("I have saved these codes"),
    1050012: _("Add security key"),
    1050013: _("Name of the security key"),
    1050014: _("Used on %(used_at)s"),
    1050016: _("Turn off backup codes"),
    1050017: _("Can't scan the QR code? Enter this key in your authenticator app."),
    1050018: _("Remove security key “%(display_name)s”"),
    1050019: _("Add passkey"),
    1050020: _("Remove passkey “%(display_name)s”"),
    1050023: _("Your organization manages this account. To change these settings, contact your administrator."),
    # recovering an account
    1060001: _n(
        "You're signed in. Choose a password, or add another way to sign in, within %(minutes)s minute.",
        "You're signed in. Choose a password, or add another way to sign in, within %(minutes)s minutes.",
        number="minutes",
    ),
    1060002: LINK_SENT,
    1060003: RECOVERY_CODE_SENT,
    1060004: RECOVERY_CODE_SENT,
    1060005: _("For your security, enter the full address."),
    1060006: _("Choose where we should send your code."),
    1060007: BACK,
    # labels
    1070001: _("Password"),
    1070003: _("Save"),
    1070004: _("Email, phone number or username"),
    1070005: _("Submit"),
    1070006: APP_CODE,
    1070007: _("Email address"),
    1070008: _("Send a new code"),
    1070009: CONTINUE,
    1070010: ONE_TIME_CODE,
    1070011: ONE_TIME_CODE,
    1070012: ONE_TIME_CODE,
    1070013: ONE_TIME_CODE,
    1070014: CONNECT,
    1070015: _("Confirm that you're human to continue."),
    1070016: _("Email address or phone number"),
    1070017: _("Phone number"),
    1070018: _("Email address or phone number"),
    # verifying an address
    1080001: LINK_SENT,
    1080002: VERIFIED,
    1080003: RECOVERY_CODE_SENT,
    1080004: RECOVERY_CODE_SENT._replace(
        unknown=_("We sent you a code by text message. If it doesn't arrive, check the number.")
    ),
    1080005: _("Your phone number is verified. Thank you!"),
    # what is wrong with a value
    4000002: _("Please fill this in."),
    4000003: _n(
        "Enter at least %(min_length)s character.", "Enter at least %(min_length)s characters.", number="min_length"
    ),
    4000004: _("This isn't in the right format. Please check it."),
    4000005: _("This password can't be used. Please choose another one."),
    4000006: _("These sign-in details aren't right. Check them and try again."),
    4000007: _("These details already belong to an account. Sign in to that account, or use different details."),
    4000008: _("That code isn't right. Please try again."),
    4000009: _("Enter an email address, phone number or username."),
    4000010: _("Verify your email address first, then sign in."),
    4000011: _("You haven't set up an authenticator app."),
    4000012: _("This backup code has already been used. Please use another one."),
    4000013: _("You haven't added a security key."),
    4000014: _("You don't have any backup codes."),
    4000015: _("We couldn't find an account with this passkey or security key."),
    4000016: _("That backup code isn't right. Please check it."),
    4000017: _n(
        "Enter at most %(max_length)s character.", "Enter at most %(max_length)s characters.", number="max_length"
    ),
    4000018: _("Enter %(minimum)s or more."),
    4000019: _("Enter more than %(minimum)s."),
    4000020: _("Enter %(maximum)s or less."),
    4000021: _("Enter less than %(maximum)s."),
    4000022: _("Enter a multiple of %(base)s."),
    4000023: _n("Enter at most %(max_items)s entry.", "Enter at most %(max_items)s entries.", number="max_items"),
    4000024: _n("Enter at least %(min_items)s entry.", "Enter at least %(min_items)s entries.", number="min_items"),
    4000025: _("Enter each value only once."),
    4000026: CHECK_VALUE,
    4000027: _("These details already belong to an account. Sign in to it to connect the two."),
    4000028: SIGN_IN_INSTEAD,
    4000029: _("Enter exactly this: %(expected)s"),
    4000030: _("This isn't the value that is expected here. Please check it."),
    4000031: _("This password is too similar to your email address, phone number or username."),
    4000032: _n(
        "Use at least %(min_length)s character for your password.",
        "Use at least %(min_length)s characters for your password.",
        number="min_length",
    ),
    4000033: _n(
        "Use at most %(max_length)s character for your password.",
        "Use at most %(max_length)s characters for your password.",
        number="max_length",
    ),
    4000034: _("This password has appeared in a data breach. Please choose another one."),
    4000035: _("We couldn't find an account with these details that can sign in with a code."),
    4000036: _("Your details changed after we sent the code. Go back, and ask for a new one."),
    4000037: _("We couldn't find an account with these details."),
    4000038: _("The check didn't work. Please try again."),
    4000039: _("Your new password must be different from your current one."),
    4000040: WHOLE_EMAIL,
    4000041: WHOLE_PHONE,
    4000043: _("Your security key wasn't accepted. Please try again."),
    # what is wrong with a flow
    **dict.fromkeys((4010001, 4040001, 4050001, 4060005, 4070005), EXPIRED),
    **dict.fromkeys((4010002, 4010003, 4010004, 4010005, 4010006), NOT_UNDERSTOOD),
    **dict.fromkeys((4010007, 4040002, 4060001, 4070002), DONE_ALREADY),
    **dict.fromkeys((4010008, 4040003, 4060006, 4070006), CODE_WRONG),
    4010009: _("This is a different account. Continue with the account that you have used here before."),
    4010010: _("This address doesn't belong to your account. Please check it."),
    4010011: DISABLED,
    4050002: _("Please change one address at a time."),
    **dict.fromkeys((4060002, 4070003, 5000001), START_AGAIN),
    **dict.fromkeys((4060003, 4070004), LINK_INCOMPLETE),
    **dict.fromkeys((4060004, 4070001), LINK_WRONG),
    5000002: _("There is no way to sign in here. Please contact the people who run this site."),
    5000003: _("Your organization's sign-in isn't set up yet. Please contact your administrator."),
}

# These have no words, only a value: a masked address, a secret, a backup code, a list of codes.
VALUES_ALONE = frozenset({1050006, 1050009, 1050015, 1070000})

# Other wordings of messages above, for some places and values.
NEW_PASSWORD = _("New password")
SAVE_IN_GROUP = {"password": _("Save password"), "totp": _("Confirm code")}
KEY_NOT_ACCEPTED = _("Your passkey or security key wasn't accepted. Please try again.")
NEW_PASSWORD_FOR_RECOVERY = _("You're signed in. Choose a password now, or add another way to sign in.")
SEND_CODE_BY_EMAIL = _("Email a code to %(address)s")
SEND_CODE_BY_PHONE = _("Text a code to %(address)s")
REMOVE_UNNAMED = {1050018: _("Remove this security key"), 1050020: _("Remove this passkey")}
DEVICE_NOT_ACCEPTED = {
    "passkey": _("Your passkey wasn't accepted. Please try again."),
    "webauthn": _("Your security key wasn't accepted. Please try again."),
}
NO_SUCH_DEVICE = {
    "passkey": _("We couldn't find an account with this passkey."),
    "webauthn": _("We couldn't find an account with these details that can sign in with a security key."),
}
MISSING = {
    "identifier": _("Enter your email address, phone number or username."),
    "password": _("Enter your password."),
    "code": _("Enter the code that we sent you."),
    "totp_code": _("Enter the code from your authenticator app."),
    "lookup_secret": _("Enter one of your backup codes."),
    "email": _("Enter your email address."),
    "username": _("Enter your username."),
    "phone": _("Enter your phone number."),
    "recovery_address": _("Enter your email address or phone number."),
    "recovery_confirm_address": _("Enter the full address."),
}
TICK_THE_BOX = _("Tick this box to continue.")
CHOOSE_ONE = _("Choose one of the options.")
OF_WRONG_TYPE = {
    "number": _("Enter a number."),
    "integer": _("Enter a whole number."),
    "boolean": _("Choose yes or no."),
}

# The usual labels of the fields above, by which an empty one is asked for.
ASKED_FOR = {
    "Email address": MISSING["email"],
    "Phone number": MISSING["phone"],
    "Username": MISSING["username"],
}

# When an account exists already: how to sign in to it. Each method continues "Sign in with".
HOW_TO_CONNECT = _("%(identifier)s already has an account. Sign in with %(methods)s, and we'll connect %(provider)s.")
HOW_TO_SIGN_IN = _("%(identifier)s already has an account. Sign in with %(methods)s instead.")
SOMEONE = _("This address")
METHODS = {
    "password": pgettext_lazy("Sign in with …", "your password"),
    "code": pgettext_lazy("Sign in with …", "a code"),
    "passkey": pgettext_lazy("Sign in with …", "a passkey"),
    "webauthn": pgettext_lazy("Sign in with …", "a security key"),
    "saml": pgettext_lazy("Sign in with …", "your organization's account"),
    "oidc": pgettext_lazy("Sign in with …", "a connected account"),
}
LIST_COMMA = pgettext_lazy("a list of ways to sign in", "%(first)s, %(second)s")
LIST_OR = pgettext_lazy("the end of a list of ways to sign in", "%(first)s or %(last)s")

NOT_FINISHED_THERE = _(
    "You didn't finish signing in with the other service. You can try again, or sign in another way."
)
FAILED_THERE = _("Signing in with the other service didn't work. Please try again, or sign in another way.")
ALLOW_ACCESS = _("To continue, allow the access that you're asked for. Please try again.")
NO_NEW_ACCOUNTS = _("We couldn't find an account for this, and new accounts can't be created here at the moment.")
NOT_AVAILABLE = _("This is not available on this site.")
ONLY_WAY = _("This is your only way to sign in. Add another one before you remove it.")
CONNECTED_ALREADY = _("This account is already connected, or can't be connected here.")
REMOVED_ALREADY = _("This has already been removed.")
DEVICE_UNREADABLE = _("We couldn't read the response of your device. Please try again.")
TOO_MANY_ATTEMPTS = _("There were too many attempts. Ask for a new code.")
NOTHING_CHANGED = _("You haven't changed anything.")

# 4000001 comes with a reason in English: a rule of the schema, or a refusal that has only a text. First match wins.
_REASONS = {
    r'is not valid "date"$': _("Enter a date, such as 2027-01-31."),
    r'is not valid "date-time"$': _("Enter a date and a time, such as 2027-01-31T10:00:00Z."),
    r'is not valid "time"$': _("Enter a time, such as 10:00:00Z."),
    r'is not valid "(uri|uri-reference|iri|url)"$': _("Enter a full web address, such as https://example.com."),
    r'is not valid "email"$': WHOLE_EMAIL,
    r'is not valid "(tel|phone)"$': WHOLE_PHONE,
    r"^(value )?must be one of ": CHOOSE_ONE,
    r'is not valid "|^\w+ failed$|^(additional|missing) ?properties|^propert(y|ies) ': CHECK_VALUE,
    r'returned error "(access_denied|user_cancelled_\w+|user_denied)"|user denied the request': NOT_FINISHED_THERE,
    r"permissions were not granted|accept the .openid. permission": ALLOW_ACCESS,
    r"OpenID Provider returned error|OpenID Connect flow": FAILED_THERE,
    r"^registration is not allowed": NO_NEW_ACCOUNTS,
    r"^(recovery|verification) is not allowed": NOT_AVAILABLE,
    r"last remaining first factor|lock you out|remove the last first factor": ONLY_WAY,
    r"already existing OpenID Connect connection": CONNECTED_ALREADY,
    r"non-existing OpenID Connect|which does not exist|you have no WebAuthn|because you have none": REMOVED_ALREADY,
    r"parse WebAuthn response": DEVICE_UNREADABLE,
    r"^the code was already used": CODE_WRONG,
    r"submitted too often": TOO_MANY_ATTEMPTS,
    r"^did not receive any value changes": NOTHING_CHANGED,
    r"^identifier is required": MISSING["identifier"],
    r"recovery address is not valid": CHOOSE_ONE,
    r"restart the flow|no session was found|session cookie contains invalid": START_AGAIN,
}
REASONS = tuple((re.compile(pattern, re.ASCII | re.IGNORECASE | re.DOTALL), text) for pattern, text in _REASONS.items())

TITLE_ID = 1070002  # the label of a trait: its title in the identity schema, which is looked up itself
TITLES = {
    "e-mail": _("Email address"),
    "email": _("Email address"),
    "e-mail address": _("Email address"),
    "email address": _("Email address"),
    "mail": _("Email address"),
    "phone": _("Phone number"),
    "telephone": _("Phone number"),
    "phone number": _("Phone number"),
    "mobile": _("Mobile number"),
    "mobile number": _("Mobile number"),
    "username": _("Username"),
    "user name": _("Username"),
    "name": _("Name"),
    "full name": _("Full name"),
    "first name": _("First name"),
    "given name": _("First name"),
    "last name": _("Last name"),
    "family name": _("Last name"),
    "surname": _("Last name"),
    "nickname": _("Nickname"),
    "date of birth": _("Date of birth"),
    "birthday": _("Date of birth"),
    "birthdate": _("Date of birth"),
    "company": _("Company"),
    "organization": _("Organization"),
    "website": _("Website"),
    "address": _("Address"),
    "street": _("Street"),
    "city": _("City"),
    "postal code": _("Postal code"),
    "postcode": _("Postal code"),
    "zip": _("Postal code"),
    "zip code": _("Postal code"),
    "country": _("Country"),
    "language": _("Language"),
    "newsletter": _("Newsletter"),
    "groups": _("Groups"),
}

ERRORS = {
    "identity_disabled": DISABLED,
    # Such as a web hook that is not complete, or a password that only a hook could check.
    "invalid_configuration": _("This is not possible at the moment. Please try again later."),
    "security_csrf_violation": _(
        "The form wasn't sent from this site, or your browser didn't keep a cookie. Allow cookies, then start again."
    ),
    "security_identity_mismatch": _(
        "This form was started with another account. For your safety, it was stopped. Please start again."
    ),
    "self_service_flow_disabled": NOT_AVAILABLE,
    "self_service_flow_expired": EXPIRED,
    "self_service_flow_replaced": EXPIRED,
    "self_service_flow_return_to_forbidden": _("This site can't send you back to the page that you came from."),
    "session_aal1_required": _("You are not signed in."),
    "session_aal2_required": _("You need to complete a second step for this."),
    "session_aal_already_fulfilled": _("You have already completed the second step."),
    "session_already_available": _("You are already signed in."),
    "session_inactive": _("You are not signed in."),
    "session_refresh_required": _("You signed in too long ago for this. Please sign in again."),
    "session_verified_address_required": _("Your address isn't verified yet. Please verify it first."),
}

# Names of providers that only their id tells. Ids at Ory Network end with a random part: "google_x1Y2z3".
PROVIDERS = {
    "auth0": "Auth0", "dingtalk": "DingTalk", "github": "GitHub", "github-app": "GitHub", "gitlab": "GitLab",
    "linkedin": "LinkedIn", "linkedin_v2": "LinkedIn", "netid": "netID", "paypal": "PayPal", "vk": "VK",
    "x": "X", "jackson": "SAML",
}  # fmt: skip
