"""The header of Django 6's ``ContentSecurityPolicyMiddleware``, for Django 5.2."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class Policy:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        rules = (f"{name} {' '.join(sources)}" for name, sources in settings.SECURE_CSP.items())
        self.policy = "; ".join(rules)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Content-Security-Policy"] = self.policy
        return response
