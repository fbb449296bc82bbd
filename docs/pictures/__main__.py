"""Make the pictures of pages and commands again: ``python docs/pictures [NAME …]``. Needs Chromium.

They come from real runs against a local Ory, on a site that has only the pages of this package.
"""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE)]

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from playwright.sync_api import ViewportSize, sync_playwright  # noqa: E402
from terminal import svg  # noqa: E402

from ory_auth.local import Config, LocalOry  # noqa: E402
from tests.browser.looks import LOOKS  # noqa: E402
from tests.browser.site import EVERY_METHOD, run_site  # noqa: E402
from tests.browser.states import FIREFOX, IPHONE, STATES, Scene, State, sign_in_elsewhere  # noqa: E402
from tests.browser.visitor import Visitor, find_chromium  # noqa: E402

CARD: ViewportSize = {"width": 560, "height": 640}
WIDE: ViewportSize = {"width": 1040, "height": 860}
PHONE: ViewportSize = {"width": 360, "height": 640}
# Name of the picture → the state, the look and the window.
PAGES: dict[str, tuple[str, str, ViewportSize]] = {
    "login": ("login", "light", CARD),
    "login-dark": ("login", "dark", CARD),
    "login-phone": ("login-identifier-second", "phone", PHONE),
    "registration": ("registration-second-step", "light", CARD),
    "code": ("login-code-sent", "light", CARD),
    "step-up": ("step-up-several-ways", "light", CARD),
    "settings": ("settings-everything-set-up", "light", WIDE),
    "backup-codes": ("settings-backup-codes", "light", WIDE),
    "sessions": ("sessions", "light", WIDE),
    "security": ("security", "light", WIDE),
    "unavailable": ("unavailable", "light", {"width": 560, "height": 380}),
    "impersonate": ("impersonate", "light", CARD),
    "impersonation": ("impersonation", "light", {"width": 1040, "height": 70}),
    "admin": ("admin", "light", {"width": 1040, "height": 1010}),
}
SHOWN = "Ory, from a browser on this site"  # the section of ory_check's report that the picture shows


def main(names: list[str]) -> None:
    _photograph_pages(names or list(PAGES))
    if not names:
        _picture_of_ory_check()


def _open_panel_of_admin(scene: Scene) -> None:
    """A superuser looks at a person who is signed in on two devices."""
    bob = scene.ory.person("bob@example.org", verified=True, name={"first": "Bob", "last": "Builder"})
    browser = scene.visitor.page.context.browser
    assert browser
    context = browser.new_context(locale="en-GB", user_agent=FIREFOX)
    elsewhere = Visitor(context, scene.site)
    elsewhere.sign_in(bob)
    elsewhere.is_at("/private/")
    sign_in_elsewhere(bob, IPHONE, "203.0.113.9", "Berlin")
    scene.signed_in("/own/become-staff/")
    page = scene.visitor.open(f"/admin/ory_auth/oryidentity/{bob.id}/change/")
    page.get_by_text("Sessions, credentials and actions").click()
    page.get_by_text("Signed in now").wait_for()
    context.close()


def _photograph_pages(names: list[str]) -> None:
    states = {**STATES, "admin": State("admin", _open_panel_of_admin, EVERY_METHOD)}
    looks = {look.name: look for look in LOOKS}
    (HERE / "pages").mkdir(exist_ok=True)
    with run_site() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        for name in names:
            state, look, window = PAGES[name]
            context = browser.new_context(locale="en-GB", device_scale_factor=2)
            visitor = Visitor(context, site)
            states[state].show(visitor, site)
            looks[look].apply(visitor.page)
            visitor.page.set_viewport_size(window)
            visitor.page.evaluate("scrollTo(0, 0)")
            picture = HERE / "pages" / f"{name}.png"
            visitor.page.screenshot(path=picture)
            context.close()
            print(picture.relative_to(HERE.parent.parent))
        browser.close()


def _picture_of_ory_check() -> None:
    """``ory_check`` with an Ory that sends browsers to pages on another port, as after Kratos' quickstart."""
    elsewhere = "http://127.0.0.1:4455"
    with LocalOry(Config(ui_base=elsewhere, default_return_url="http://127.0.0.1:8000")) as ory:
        _set_up_django(ory)
        call_command("migrate", verbosity=0)
        report = io.StringIO()
        with contextlib.suppress(SystemExit):  # ory_check ends with 2 if something is wrong
            call_command("ory_check", site=["http://127.0.0.1:8000"], force_color=True, stdout=report)
    sections = report.getvalue().strip().split("\n\n")
    shown = next(section for section in sections if SHOWN in section)
    result = sections[-1].splitlines()[-1]
    picture = HERE / "ory_check.svg"
    picture.write_text(svg("python manage.py ory_check", f"…\n\n{shown}\n\n…\n\n{result}"))
    print(picture.relative_to(HERE.parent.parent))


def _set_up_django(ory: LocalOry) -> None:
    apps = ("auth", "contenttypes", "sessions", "staticfiles")
    settings.configure(
        SECRET_KEY="only for this picture, which needs no secret",
        ALLOWED_HOSTS=["127.0.0.1"],
        INSTALLED_APPS=[*(f"django.contrib.{app}" for app in apps), "ory_auth"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "ory_auth.middleware.OryMiddleware",
        ],
        AUTHENTICATION_BACKENDS=["ory_auth.backends.OryBackend"],
        LOGIN_URL="ory_auth:login",
        LOGIN_REDIRECT_URL="/",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        STATIC_URL="static/",
        DEBUG=True,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        ORY_AUTH={"SDK_URL": ory.public_url, "ADMIN_URL": ory.admin_url},
        LOGGING_CONFIG=None,
    )
    django.setup()
    from django.http import HttpResponse
    from django.urls import include, path

    home = path("", lambda request: HttpResponse("Home"))
    settings.ROOT_URLCONF = (path("auth/", include("ory_auth.urls")), home)


if __name__ == "__main__":
    main(sys.argv[1:])
