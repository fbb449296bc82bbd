"""Errors for which Ory sends a browser to this site: Ory's own, and those of OAuth2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from .messages import translate_error
from .page import ErrorPage
from .values import text_of

# For registration Ory sends an id, for the others only a text. Strangers can write parts of other texts, but not these.
FLOW_DISABLED = "self_service_flow_disabled"
DISABLED_FLOWS = {
    f"{name.capitalize()} is not allowed because it was disabled.": name
    for name in ("registration", "recovery", "verification")
}
ERROR_ID = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)
MAX_TEXT = 1000
CLIENT_MISTAKE = _("The application that sent you here made a mistake. Please go back to it and try again.")
TRY_AGAIN = _("Signing in doesn't work right now. Please try again in a few minutes.")
SIGN_IN_AGAIN = _("Please go back to the application that sent you here, and sign in again.")
# The codes of RFC 6749, of OpenID Connect and of Ory Hydra.
OAUTH2_ERRORS = {
    "access_denied": _("Access was refused, so the application that sent you here can't sign you in."),
    **dict.fromkeys(
        (
            "invalid_request",
            "invalid_client",
            "invalid_grant",
            "invalid_scope",
            "invalid_state",
            "request_not_supported",
            "request_uri_not_supported",
            "unauthorized_client",
            "unsupported_response_type",
            "unsupported_grant_type",
        ),
        CLIENT_MISTAKE,
    ),
    **dict.fromkeys(("server_error", "temporarily_unavailable"), TRY_AGAIN),
    **dict.fromkeys(
        (
            "login_required",
            "consent_required",
            "interaction_required",
            "account_selection_required",
            "request_forbidden",
        ),
        SIGN_IN_AGAIN,
    ),
}


def read_error(error: Mapping[str, Any], *, with_texts: bool) -> ErrorPage:
    """Ory's JSON of an error as a page; Ory's own texts are left out unless ``with_texts``."""
    id_, code = text_of(error.get("id")), error.get("code")
    disabled_flow = DISABLED_FLOWS.get(text_of(error.get("reason")), "registration" if id_ == FLOW_DISABLED else "")
    return ErrorPage(
        id=id_ if ERROR_ID.fullmatch(id_) else "",
        code=code if type(code) is int and 400 <= code < 600 else 0,
        explanation=translate_error(FLOW_DISABLED if disabled_flow else id_),
        disabled_flow=disabled_flow,
        reason=text_of(error.get("reason")) if with_texts else "",
        message=text_of(error.get("message")) if with_texts else "",
    )


def read_oauth2_error(query: Mapping[str, str], *, with_texts: bool) -> ErrorPage:
    """The error of OAuth2 in a URL as a page.

    Anybody can write such a URL. So only the texts of this package are shown, and the others only ``with_texts``.
    """
    code = query.get("error", "")
    explanation = OAUTH2_ERRORS.get(code, "")
    return ErrorPage(
        id=code if ERROR_ID.fullmatch(code) else "",
        explanation=gettext(explanation) if explanation else "",
        reason=text_of(query.get("error_description"))[:MAX_TEXT] if with_texts else "",
        message=text_of(query.get("error_hint"))[:MAX_TEXT] if with_texts else "",
    )
