from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def demo(request: HttpRequest) -> dict[str, bool]:
    """``local``: whether Ory is the local one, which sends no mail and knows the people of ``people.json``."""
    return {"local": settings.DEMO_LOCAL_ORY}
