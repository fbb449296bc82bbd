"""drf-spectacular: the three forms of an Ory credential as security schemes of the OpenAPI schema.

:mod:`ory_auth.rest_framework` imports this module in processes that use drf-spectacular.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.drainage import set_override
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from .conf import conf
from .rest_framework import OrySessionAuthentication

# Subclasses have the same schemes. Without this, drf-spectacular warns that two schemes have the same name.
set_override(OrySessionAuthentication, "suppress_collision_warning", True)


class OrySessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """One of the three schemes is enough. A project's own extension for a subclass takes precedence."""

    target_class = OrySessionAuthentication
    match_subclasses = True
    priority = -1
    name = ["oryBearer", "orySessionToken", "oryCookie"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        csrf_header = settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")
        csrf_header = csrf_header.replace("CSRFTOKEN", "CSRFToken")  # as Django's documentation writes it
        bearer = {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "ory_st_…",
            "description": "The session token of an app.",
        }
        token = {
            "type": "apiKey",
            "in": "header",
            "name": "X-Session-Token",
            "description": "The session token of an app. `Authorization: Bearer` is the better header for it.",
        }
        cookie = {
            "type": "apiKey",
            "in": "cookie",
            "name": conf().session_cookie_name,
            "description": "Ory's session cookie, as a browser sends it. Requests that change something (POST, PUT, "
            f"PATCH, DELETE) also need Django's CSRF token in the header `{csrf_header}`.",
        }
        return [bearer, token, cookie]
