from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def demo(request: HttpRequest) -> dict[str, bool | str]:
    """``local``: whether Ory is the local one, which sends no mail and knows the people of ``people.json``.

    ``mail_url``: the page of a mail catcher, if there is one.
    """
    return {"local": settings.DEMO_LOCAL_ORY, "mail_url": settings.DEMO_MAIL_URL}
