"""What is measured in the environment of django-ory-auth, beside yardsticks of its own."""

from __future__ import annotations

from django.contrib.auth import get_user_model

from trials.bench import drive
from trials.bench.case import Case
from trials.bench.project import Variant
from trials.bench.signed_in import django_cookie


def cases(variant: Variant) -> list[Case]:
    """Its request has both cookies, as a browser sends them from the second request on."""
    first = drive.wsgi("other", "/user", {"Cookie": variant.cookie})
    first()  # makes the user
    cookie = django_cookie(get_user_model().objects.get())
    both = {"Cookie": f"{variant.cookie}; {cookie}"}
    return [
        Case("wsgi bare", drive.wsgi("bare", "/bare", both)),
        Case("wsgi django user", drive.wsgi("django", "/user", {"Cookie": cookie})),
        Case("wsgi other", drive.wsgi("other", "/user", both), share=0.1),
    ]
