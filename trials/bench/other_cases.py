"""What is measured in the environment of django-ory-auth, beside yardsticks of its own."""

from __future__ import annotations

from django.contrib.auth import get_user_model

from trials.bench import drive
from trials.bench.case import Case
from trials.bench.project import Variant
from trials.bench.signed_in import django_cookie


def cases(variant: Variant) -> list[Case]:
    """Its request has both cookies, as a browser sends them from the second request on."""
    first = drive.wsgi("other", "/sync/user", {"Cookie": variant.cookie})
    first()  # makes the user
    user = get_user_model().objects.get()
    django, other = (
        drive.wsgi(stack, "/sync/user", headers)
        for stack, headers in (
            ("django", {"Cookie": django_cookie(user)}),
            ("other", {"Cookie": f"{variant.cookie}; {django_cookie(user)}"}),  # a session of its own: it writes to it
        )
    )
    return [
        Case("wsgi bare", drive.wsgi("bare", "/sync/bare", {"Cookie": variant.cookie})),
        Case("wsgi django user", django, wanted=django()),
        Case("wsgi other", other, wanted=other(), share=0.1),
    ]
