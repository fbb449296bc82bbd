"""The site that the browser opens: a project with the settings of the README and a strict Content-Security-Policy.

``ORY_TEST_SITE`` is JSON: ``ORY_AUTH``, ``form_action`` (the origins that a form may lead to), ``database`` (a file)
and ``gateway`` (whether the browser reaches Ory through this site).
"""

import json
import os

import django

from tests.support.settings import *  # noqa: F403
from tests.support.settings import INSTALLED_APPS, MIDDLEWARE, TEMPLATES

_site = json.loads(os.environ.get("ORY_TEST_SITE", "{}"))

DEBUG = False
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "tests.browser.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "tests.browser"]
MIDDLEWARE = [
    "django.middleware.csp.ContentSecurityPolicyMiddleware" if django.VERSION >= (6, 0) else "demo_project.csp.Policy",
    "django.middleware.locale.LocaleMiddleware",
    *MIDDLEWARE,
]
TEMPLATES = [{**TEMPLATES[0], "DIRS": [os.path.join(os.path.dirname(__file__), "templates")]}]
STATICFILES_DIRS = [("app", os.path.join(os.path.dirname(__file__), "..", "..", "contrib", "spa"))]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _site.get("database", ":memory:")}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LANGUAGES = [(code, code) for code in ("en", "ar", "de", "fr", "es", "pt-br", "it", "nl", "pl", "ja")]
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ORY_AUTH = _site.get("ORY_AUTH", {"SDK_URL": "http://127.0.0.1:1"})
ORY_TEST_GATEWAY = _site.get("gateway", False)
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "connect-src": ["'self'"],
    "form-action": ["'self'", *_site.get("form_action", [])],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}
