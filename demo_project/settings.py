"""Settings of the demo. Every one that a reader may want to change comes from the environment, or from ``.env``.

ORY_SDK_URL      Ory's public API, such as https://SLUG.projects.oryapis.com. Not set: the local Ory.
ORY_BROWSER_URL  the same as the browser reaches it: a custom domain, or /.ory for this site's gateway
ORY_ADMIN_URL    Ory's admin API, where it has an address of its own
ORY_API_KEY      Ory Network's API key of the project
DEMO_PORT, ORY_PUBLIC_PORT, ORY_ADMIN_PORT   ports of this site (8000) and of the local Ory (4433, 4434)
DATABASE_URL     default: db.sqlite3 beside manage.py
REDIS_URL        default: a cache in the process' own memory
FORM_ACTION      origins of the providers of social sign-in, for the Content-Security-Policy
DEMO_MAIL_URL    where to read the mail that Ory sends, if a mail catcher has a page for that
"""

from pathlib import Path

import django
import environ

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env")

# Ory

ORY_SDK_URL = env("ORY_SDK_URL", default="")
DEMO_LOCAL_ORY = not ORY_SDK_URL
DEMO_PORT = env.int("DEMO_PORT", default=8000)
ORY_PUBLIC_PORT = env.int("ORY_PUBLIC_PORT", default=4433)
ORY_ADMIN_PORT = env.int("ORY_ADMIN_PORT", default=4434)
DEMO_MAIL_URL = env("DEMO_MAIL_URL", default="")

if DEMO_LOCAL_ORY:
    ORY_AUTH = {
        "SDK_URL": f"http://127.0.0.1:{ORY_PUBLIC_PORT}",
        "BROWSER_URL": "/.ory",  # browsers reach Ory through this site
        "ADMIN_URL": f"http://127.0.0.1:{ORY_ADMIN_PORT}",
        "ACCOUNT_DELETION": True,
        "WEBHOOK_SECRETS": ["for-the-demo-only-because-it-is-public"],
    }
    DEMO_MAIL_URL = DEMO_MAIL_URL or f"http://localhost:{ORY_PUBLIC_PORT}/mailbox"
else:
    ORY_AUTH = {"SDK_URL": ORY_SDK_URL}
    for key in ("BROWSER_URL", "ADMIN_URL", "API_KEY", "SESSION_COOKIE_NAME"):
        if value := env(f"ORY_{key}", default=""):
            ORY_AUTH[key] = value

AUTHENTICATION_BACKENDS = ["ory_auth.backends.OryBackend"]
LOGIN_URL = "ory_auth:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["ory_auth.rest_framework.OrySessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}

# Django, as in any project

DEBUG = env.bool("DEBUG", default=True)
SECRET_KEY = env("SECRET_KEY", default="for the demo only, because it is public")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
ROOT_URLCONF = "demo_project.urls"
WSGI_APPLICATION = "demo_project.wsgi.application"
ASGI_APPLICATION = "demo_project.asgi.application"
INSTALLED_APPS = [
    "demo_project",
    "ory_auth",
    "rest_framework",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware" if django.VERSION >= (6, 0) else "demo_project.csp.Policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "ory_auth.middleware.OryMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "demo_project.context_processors.demo",
            ],
        },
    },
]
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if REDIS_URL := env("REDIS_URL", default=""):
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
# Nothing comes from elsewhere, and there is no inline script or style. Forms lead to this site, which passes them on to
# Ory. Social sign-in needs the origin of each provider: Chromium also checks where Ory redirects a form.
FORM_TARGETS = env.list("FORM_ACTION", default=[])
if DEMO_LOCAL_ORY:
    FORM_TARGETS.append(f"http://127.0.0.1:{ORY_PUBLIC_PORT}")  # the provider that the local Ory pretends
elif not ORY_AUTH.get("BROWSER_URL", "").startswith("/"):
    FORM_TARGETS.append(ORY_AUTH.get("BROWSER_URL", ORY_SDK_URL))
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "connect-src": ["'self'"],
    "form-action": ["'self'", *FORM_TARGETS],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"django.utils.autoreload": {"level": "WARNING"}},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
LANGUAGES = [  # by the browser's choice
    ("en", "English"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("fr", "Français"),
    ("it", "Italiano"),
    ("ja", "日本語"),
    ("nl", "Nederlands"),
    ("pl", "Polski"),
    ("pt-br", "Português (Brasil)"),
]
USE_TZ = True
TIME_ZONE = env("TIME_ZONE", default="UTC")
