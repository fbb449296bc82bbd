"""The project of one run: a usual Django project with what its packages need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from compatibility.package import Package
from tests.support import settings as shared

OWN_APPS = ["ory_auth", "compatibility.notes"]
BEFORE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "ory_auth.middleware.OryMiddleware",  # directly after AuthenticationMiddleware
]
AFTER = [
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def settings_of(
    packages: Sequence[Package], *, public_url: str, admin_url: str, directory: Path, urls: Mapping[str, str]
) -> dict[str, Any]:
    """The settings; ``urls`` has the addresses of the services, such as ``urls["redis"]``."""
    settings: dict[str, Any] = {
        "SECRET_KEY": "a secret for these tests, long enough that no check complains of it",
        "DEBUG": False,
        "USE_TZ": True,
        "ALLOWED_HOSTS": ["127.0.0.1", "localhost"],
        "ROOT_URLCONF": "compatibility.urls",
        "INSTALLED_APPS": _unique(
            [*OWN_APPS, *(app for each in packages for app in each.apps), *shared.INSTALLED_APPS]
        ),
        "MIDDLEWARE": _unique(
            [
                *(each for package in packages for each in package.outermost),
                *BEFORE,
                *AFTER,
                *(each for package in packages for each in package.middleware),
            ]
        ),
        "AUTHENTICATION_BACKENDS": [
            *(each for package in packages for each in package.backends),
            *shared.AUTHENTICATION_BACKENDS,
        ],
        "LOGIN_URL": shared.LOGIN_URL,
        "LOGIN_REDIRECT_URL": "/silent",
        "LOGOUT_REDIRECT_URL": "/silent",
        "STATIC_URL": shared.STATIC_URL,
        "STATIC_ROOT": str(directory / "static"),
        "DEFAULT_AUTO_FIELD": shared.DEFAULT_AUTO_FIELD,
        "TEMPLATES": deepcopy(shared.TEMPLATES),  # a package may add to them
        "DATABASES": {
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(directory / "db.sqlite3"),
                "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
            }
        },
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
        "ORY_AUTH": {"SDK_URL": public_url, "ADMIN_URL": admin_url, "TIMEOUT": 2.0},
        # An error mail that is sent is found in django.core.mail.outbox.
        "ADMINS": ["operations@example.org"],
        "MAILERS": {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}},
        "PACKAGE_URLS": dict(urls),
        "PACKAGES": tuple(packages),
    }
    for package in packages:
        settings.update(package.settings)
    for package in packages:
        if package.change:
            package.change(settings)
    return settings


def _unique(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))
