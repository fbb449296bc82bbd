"""A project with packages that issue credentials: ``python -m tests.support.credentials_project``.

Two users have one credential of each kind. One user gets linked by a verified address. Prints what both have left.
"""

from __future__ import annotations

import json
from datetime import timedelta
from importlib import import_module
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone

from ory_auth.local import Config, LocalOry

ADDRESS = "ada@example.org"
APPS = [
    "rest_framework.authtoken",
    "knox",
    "oauth2_provider",
    "rest_framework_simplejwt.token_blacklist",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "social_django",
]


def me(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.user.pk))


urlpatterns = [path("", me)]


def give_one_of_each(user: Any) -> None:
    """Tokens, grants, accounts and second factors, as their packages keep them."""
    knox: Any = import_module("knox.models").AuthToken
    tokens: Any = import_module("rest_framework_simplejwt.tokens")
    make("authtoken.Token", user=user)
    knox.objects.create(user)
    soon = timezone.now() + timedelta(hours=1)
    application = make("oauth2_provider.Application", user=user, client_type="public", authorization_grant_type="code")
    access = make("oauth2_provider.AccessToken", user=user, token=f"a{user.pk}", expires=soon, application=application)
    make("oauth2_provider.RefreshToken", user=user, token=f"r{user.pk}", access_token=access, application=application)
    make("oauth2_provider.Grant", user=user, code=f"c{user.pk}", expires=soon, application=application)
    tokens.RefreshToken.for_user(user)
    make("account.EmailAddress", user=user, email=user.email.upper())
    make("account.EmailAddress", user=user, email=f"attacker{user.pk}@example.org", verified=True)
    make("socialaccount.SocialAccount", user=user, provider="google", uid=str(user.pk))
    make("mfa.Authenticator", user=user, type="totp", data={})
    make("social_django.UserSocialAuth", user=user, provider="google", uid=str(user.pk))


def make(label: str, **values: Any) -> Any:
    return apps.get_model(label)._default_manager.create(**values)


def left(user: Any) -> dict[str, int]:
    labels = [
        "authtoken.Token",
        "knox.AuthToken",
        "oauth2_provider.AccessToken",
        "oauth2_provider.RefreshToken",
        "oauth2_provider.Grant",
        "oauth2_provider.Application",
        "account.EmailAddress",
        "socialaccount.SocialAccount",
        "mfa.Authenticator",
        "social_django.UserSocialAuth",
    ]
    counts = {label: apps.get_model(label)._default_manager.filter(user=user).count() for label in labels}
    blacklisted: Any = import_module("rest_framework_simplejwt.token_blacklist.models").BlacklistedToken
    return {**counts, "blacklisted": blacklisted.objects.filter(token__user=user).count()}


def main() -> None:
    ory = LocalOry(Config(public_port=0, admin_port=0)).start()
    settings.configure(
        SECRET_KEY="a secret for the tests, long enough for any package",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "ory_auth",
            *APPS,
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "allauth.account.middleware.AccountMiddleware",
            "ory_auth.middleware.OryMiddleware",
        ],
        AUTHENTICATION_BACKENDS=["ory_auth.backends.OryBackend"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        ORY_AUTH={"SDK_URL": ory.public_url, "LINK_BY_VERIFIED_EMAIL": True},
    )
    django.setup()

    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    users = get_user_model()._default_manager
    ada, bob = users.create(username="ada", email=ADDRESS), users.create(username="bob", email="bob@example.org")
    for user in (ada, bob):
        give_one_of_each(user)
    identity = ory.create_identity(email=ADDRESS, verified=True)
    token = ory.create_session(identity["id"]).token
    reply = Client().get("/", headers={"X-Session-Token": token})
    assert reply.content == str(ada.pk).encode(), reply.content
    print(json.dumps({"linked": left(ada), "other": left(bob)}))
    ory.stop()


if __name__ == "__main__":
    main()
