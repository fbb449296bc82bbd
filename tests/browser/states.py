"""Every page and state that a person can see, each with the way to it: for screenshots and accessibility tests.

A state is a function that leads a visitor to it. ``config`` are the local Ory's settings that it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyotp

from ory_auth.local import LocalOry
from tests.support.ory import PASSWORD, Ory, Person

from .mail import code_for
from .site import EVERY_METHOD, Site
from .visitor import Keys, Visitor

PROFILE: dict[str, Any] = {"name": {"first": "Ada", "last": "Lovelace"}}


@dataclass
class Scene:
    """A visitor on the site, in front of a local Ory."""

    visitor: Visitor
    site: Site

    @property
    def ory(self) -> Ory:
        return self.site.ory

    @property
    def local(self) -> LocalOry:
        assert self.site.local
        return self.site.local

    def person(self, email: str = "ada@example.org") -> Person:
        return self.ory.person(email, verified=True, **PROFILE)

    def signed_in(self, path: str = "/private/") -> Person:
        """Somebody who has signed in, and is at this path now."""
        person = self.person()
        self.visitor.sign_in(person)
        self.visitor.is_at("/private/")
        if path != "/private/":
            self.visitor.open(path)
        return person

    def totp(self, path: str) -> Person:
        """Somebody with an authenticator app and backup codes, on the way to this path, after the first step."""
        person = self.person()
        self.local.change_identity(person.id, totp="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
        self.visitor.sign_in(person, path)
        return person

    def shows_error(self) -> None:
        """Wait until the page says what is wrong."""
        self.visitor.page.get_by_role("alert").first.wait_for()

    def asks_for_code(self) -> None:
        """Wait until a code has been sent, and the page asks for it."""
        self.visitor.page.locator("[name=code]:not([type=hidden])").wait_for()


@dataclass(frozen=True)
class State:
    name: str
    lead: Callable[[Scene], None]
    config: dict[str, Any] = field(default_factory=dict)

    def show(self, visitor: Visitor, site: Site) -> None:
        """Lead a visitor to this state. The local Ory is reset first."""
        assert site.local
        site.local.reset()
        if self.config:
            site.local.configure(**self.config)
        self.lead(Scene(visitor, site))
        visitor.page.wait_for_load_state()


STATES: dict[str, State] = {}


def state(name: str, **config: Any) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    def register(lead: Callable[[Scene], None]) -> Callable[[Scene], None]:
        assert name not in STATES, name
        STATES[name] = State(name, lead, {**EVERY_METHOD, **config})
        return lead

    return register


# ---- signing in


@state("login")
def login(scene: Scene) -> None:
    scene.visitor.open("/auth/login")
    scene.visitor.sees("Sign in")


@state("login-wrong-password")
def login_wrong_password(scene: Scene) -> None:
    scene.visitor.sign_in(scene.person(), password="a wrong one")
    scene.shows_error()


@state("login-password-only", passkey_enabled=False, code_passwordless_enabled=False, oidc_providers={})
def login_password_only(scene: Scene) -> None:
    login(scene)


@state("login-no-passkey")
def login_no_passkey(scene: Scene) -> None:
    """A passkey was asked for, and this device has none."""
    Keys(scene.visitor)
    login(scene)
    scene.visitor.page.locator("button[name=passkey_login_trigger]").click()
    scene.shows_error()


@state("login-code-sent")
def login_code_sent(scene: Scene) -> None:
    person = scene.person()
    login(scene)
    scene.visitor.fill("identifier", person.email)
    scene.visitor.submit("method", "code")
    scene.asks_for_code()


@state("login-code-wrong")
def login_code_wrong(scene: Scene) -> None:
    login_code_sent(scene)
    scene.visitor.fill("code", "000000")
    scene.visitor.submit("method", "code")
    scene.shows_error()


@state("login-identifier-first", login_style="identifier_first")
def login_identifier_first(scene: Scene) -> None:
    login(scene)


@state("login-identifier-second", login_style="identifier_first")
def login_identifier_second(scene: Scene) -> None:
    person = scene.person()
    login(scene)
    scene.visitor.fill("identifier", person.email)
    scene.visitor.submit("method", "identifier_first")
    scene.visitor.page.locator("[name=password]").wait_for()


@state("login-refused-by-provider")
def login_refused_by_provider(scene: Scene) -> None:
    login(scene)
    scene.visitor.submit("provider", "github")
    scene.visitor.page.get_by_role("button", name="Refuse").click()
    scene.shows_error()


@state("login-connect-account")
def login_connect_account(scene: Scene) -> None:
    person = scene.person()
    login(scene)
    scene.visitor.submit("provider", "google")
    scene.visitor.fill("email", person.email)
    scene.visitor.page.get_by_role("button", name="Continue").click()
    scene.visitor.page.locator("[name=password]").wait_for()


@state("login-connect-account-wrong-password")
def login_connect_account_wrong_password(scene: Scene) -> None:
    login_connect_account(scene)
    scene.visitor.fill("password", "a wrong one")
    scene.visitor.submit("method", "password")
    scene.shows_error()


@state("login-for-an-application", oauth2_provider=True)
def login_for_an_application(scene: Scene) -> None:
    scene.visitor.open("/auth/login?login_challenge=a-challenge")
    scene.visitor.page.locator("[name=password]").wait_for()


@state("login-again")
def login_again(scene: Scene) -> None:
    scene.signed_in()
    scene.visitor.page.wait_for_timeout(3500)  # the view wants a sign-in of the last second, with a second of doubt
    scene.visitor.open("/sensitive/")
    scene.visitor.page.locator("[name=password]").wait_for()


@state("step-up")
def step_up(scene: Scene) -> None:
    scene.totp("/vault/")
    scene.visitor.page.locator("[name=totp_code]").wait_for()


@state("step-up-wrong-code")
def step_up_wrong_code(scene: Scene) -> None:
    step_up(scene)
    scene.visitor.fill("totp_code", "000000")
    scene.visitor.submit("method", "totp")
    scene.shows_error()


@state("step-up-several-ways")
def step_up_several_ways(scene: Scene) -> None:
    person = scene.person()
    scene.local.change_identity(person.id, totp="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    key = Keys(scene.visitor, "usb", resident=False)
    scene.visitor.sign_in(person, "/vault/")
    scene.visitor.fill("totp_code", pyotp.TOTP("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").now())
    scene.visitor.submit("method", "totp")
    scene.visitor.is_at("/vault/")
    scene.visitor.open("/auth/settings")
    scene.visitor.submit("lookup_secret_regenerate", "true")
    scene.visitor.submit("lookup_secret_confirm", "true")
    scene.visitor.fill("webauthn_register_displayname", "Blue key")
    scene.visitor.page.locator("button[name=webauthn_register_trigger]").click()
    scene.visitor.page.locator("button[name=webauthn_remove]").wait_for(state="attached")
    key.remove()
    scene.visitor.context.clear_cookies()
    scene.visitor.sign_in(person, "/vault/")
    scene.visitor.page.locator("[name=totp_code]").wait_for()


@state("step-up-code", code_mfa_enabled=True, code_passwordless_enabled=False)
def step_up_code(scene: Scene) -> None:
    scene.visitor.sign_in(scene.person(), "/vault/")
    scene.asks_for_code()


@state("no-second-factor")
def no_second_factor(scene: Scene) -> None:
    scene.signed_in("/vault/")


# ---- creating an account


@state("registration")
def registration(scene: Scene) -> None:
    scene.visitor.open("/auth/registration")


@state("registration-second-step")
def registration_second_step(scene: Scene) -> None:
    registration(scene)
    scene.visitor.fill("traits.email", "ada@example.org")
    scene.visitor.submit("method", "profile")
    scene.visitor.page.locator("[name=password]").wait_for()


@state("registration-bad-password")
def registration_bad_password(scene: Scene) -> None:
    registration_second_step(scene)
    scene.visitor.fill("password", "short")
    scene.visitor.submit("method", "password")
    scene.shows_error()


@state("registration-missing")
def registration_missing(scene: Scene) -> None:
    registration(scene)
    scene.visitor.page.evaluate("document.querySelectorAll('form').forEach(form => { form.noValidate = true })")
    scene.visitor.submit("method", "profile")
    scene.shows_error()


@state("registration-duplicate")
def registration_duplicate(scene: Scene) -> None:
    scene.person()
    registration_second_step(scene)
    scene.visitor.fill("password", PASSWORD)
    scene.visitor.submit("method", "password")
    scene.shows_error()


@state("registration-code-sent")
def registration_code_sent(scene: Scene) -> None:
    registration_second_step(scene)
    scene.visitor.submit("method", "code")
    scene.asks_for_code()


@state("registration-one-step", registration_style="unified")
def registration_one_step(scene: Scene) -> None:
    registration(scene)


@state("registration-off", registration_enabled=False)
def registration_off(scene: Scene) -> None:
    registration(scene)


# ---- recovering an account, verifying an address


@state("recovery")
def recovery(scene: Scene) -> None:
    scene.visitor.open("/auth/recovery")


@state("recovery-code-sent")
def recovery_code_sent(scene: Scene) -> None:
    person = scene.person()
    recovery(scene)
    scene.visitor.fill("email", person.email)
    scene.visitor.submit("method", "code")
    scene.asks_for_code()


@state("recovery-link-sent", recovery_use="link")
def recovery_link_sent(scene: Scene) -> None:
    person = scene.person()
    recovery(scene)
    scene.visitor.fill("email", person.email)
    scene.visitor.submit("method", "link")
    scene.visitor.page.get_by_role("status").first.wait_for()


@state("recovery-new-password")
def recovery_new_password(scene: Scene) -> None:
    recovery_code_sent(scene)
    scene.visitor.fill("code", code_for(scene.ory, "ada@example.org"))
    scene.visitor.submit("method", "code")
    scene.visitor.is_at("/auth/settings")


@state("verification")
def verification(scene: Scene) -> None:
    scene.visitor.open("/auth/verification")


@state("verification-code-sent")
def verification_code_sent(scene: Scene) -> None:
    person = scene.ory.person("ada@example.org", **PROFILE)
    verification(scene)
    scene.visitor.fill("email", person.email)
    scene.visitor.submit("method", "code")
    scene.asks_for_code()


@state("verification-done")
def verification_done(scene: Scene) -> None:
    verification_code_sent(scene)
    scene.visitor.fill("code", code_for(scene.ory, "ada@example.org"))
    scene.visitor.submit("method", "code")
    scene.visitor.page.get_by_role("link", name="Continue").wait_for()


# ---- the account


@state("settings")
def settings(scene: Scene) -> None:
    scene.signed_in("/auth/settings")


@state("settings-everything-set-up")
def settings_everything_set_up(scene: Scene) -> None:
    Keys(scene.visitor)
    settings(scene)
    page = scene.visitor.page
    page.locator("button[name=passkey_register_trigger]").click()
    page.locator("button[name=passkey_remove]").wait_for(state="attached")
    scene.visitor.submit("link", "github")
    scene.visitor.fill("email", "ada@example.org")
    page.get_by_role("button", name="Continue").click()
    scene.visitor.is_at("/auth/settings")
    secret = page.locator(".ory-secret").text_content() or ""
    scene.visitor.fill("totp_code", pyotp.TOTP(secret.strip()).now())
    scene.visitor.submit("method", "totp")
    page.locator("button[name=totp_unlink]").wait_for(state="attached")
    scene.visitor.submit("lookup_secret_regenerate", "true")
    scene.visitor.submit("lookup_secret_confirm", "true")
    page.locator("button[name=lookup_secret_reveal], button[name=lookup_secret_regenerate]").first.wait_for(
        state="attached"
    )


@state("settings-authenticator-app")
def settings_authenticator_app(scene: Scene) -> None:
    settings(scene)
    scene.visitor.uncover(scene.visitor.page.locator("[name=totp_code]"))


@state("settings-backup-codes")
def settings_backup_codes(scene: Scene) -> None:
    settings(scene)
    scene.visitor.submit("lookup_secret_regenerate", "true")
    scene.visitor.page.locator(".ory-codes").wait_for()


@state("settings-saved")
def settings_saved(scene: Scene) -> None:
    settings(scene)
    scene.visitor.fill("traits.name.first", "Augusta")
    scene.visitor.submit("method", "profile")
    scene.visitor.page.get_by_role("status").first.wait_for()


@state("settings-bad-password")
def settings_bad_password(scene: Scene) -> None:
    settings(scene)
    scene.visitor.fill("password", "short")
    scene.visitor.submit("method", "password")
    scene.shows_error()


# ---- sessions and security

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"


def sign_in_elsewhere(person: Person, user_agent: str, address: str, city: str) -> str:
    """The person signs in on another device; returns the ID of that session."""
    headers = {"User-Agent": user_agent, "X-Forwarded-For": address, "Cf-Ipcity": city, "Cf-Ipcountry": "DE"}
    flow = person.ory.public("GET", "/self-service/login/api").json
    path = f"/self-service/login?flow={flow['id']}"
    reply = person.ory.public("POST", path, headers=headers, body=person.password_form())
    session_id: str = reply.json["session"]["id"]
    return session_id


@state("sessions")
def sessions(scene: Scene) -> None:
    person = scene.signed_in()
    sign_in_elsewhere(person, IPHONE, "203.0.113.9", "Berlin")
    sign_in_elsewhere(person, FIREFOX, "2001:db8::17", "")
    scene.visitor.open("/auth/sessions")


@state("sessions-only-this")
def sessions_only_this(scene: Scene) -> None:
    scene.signed_in("/auth/sessions")


@state("sessions-confirm")
def sessions_confirm(scene: Scene) -> None:
    sessions(scene)
    scene.visitor.page.get_by_text("Sign out all other devices").click()


@state("sessions-signed-out")
def sessions_signed_out(scene: Scene) -> None:
    sessions_confirm(scene)
    scene.visitor.submit("end", "others")
    scene.visitor.page.get_by_role("status").wait_for()


@state("security")
def security(scene: Scene) -> None:
    person = scene.signed_in()
    sign_in_elsewhere(person, IPHONE, "203.0.113.9", "Berlin")
    scene.visitor.open("/auth/security")


@state("security-second-step")
def security_second_step(scene: Scene) -> None:
    person = scene.totp("/vault/")
    assert person
    scene.visitor.page.locator("[name=totp_code]").wait_for()
    scene.visitor.fill("totp_code", pyotp.TOTP("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").now())
    scene.visitor.submit("method", "totp")
    scene.visitor.is_at("/vault/")
    scene.visitor.open("/auth/security")


@state("protect")
def protect(scene: Scene) -> None:
    person = scene.signed_in()
    sign_in_elsewhere(person, IPHONE, "203.0.113.9", "Berlin")
    scene.visitor.open("/auth/security/protect")


@state("delete-account")
def delete_account(scene: Scene) -> None:
    scene.signed_in("/auth/security/delete")


@state("delete-account-not-confirmed")
def delete_account_not_confirmed(scene: Scene) -> None:
    delete_account(scene)
    scene.visitor.fill("confirmation", "yes")
    scene.visitor.button("Delete my account").click()
    scene.visitor.page.get_by_role("alert").wait_for()


@state("account-deleted")
def account_deleted(scene: Scene) -> None:
    delete_account(scene)
    scene.visitor.fill("confirmation", "delete")
    scene.visitor.button("Delete my account").click()
    scene.visitor.sees("Account deleted")


# ---- the site as another user


@state("impersonate")
def impersonate(scene: Scene) -> None:
    scene.signed_in("/own/become-staff/")
    scene.visitor.sees("See the site as Bob Builder")


@state("impersonate-no-reason")
def impersonate_no_reason(scene: Scene) -> None:
    impersonate(scene)
    scene.visitor.fill("reason", " ")
    scene.visitor.button("Start").click()
    scene.shows_error()


@state("impersonation")
def impersonation(scene: Scene) -> None:
    """A page of the project, with the banner."""
    impersonate(scene)
    scene.visitor.fill("reason", "Request 4711")
    scene.visitor.button("Start").click()
    scene.visitor.is_at("/own/tags/")
    scene.visitor.is_signed_in_as("bob@example.org")


@state("impersonating")
def impersonating(scene: Scene) -> None:
    """A page that requires a second factor."""
    impersonation(scene)
    scene.visitor.open("/vault/")
    scene.visitor.sees("Not while you impersonate another user")


@state("impersonation-refused")
def impersonation_refused(scene: Scene) -> None:
    impersonate(scene)
    scene.visitor.open("/own/become-staff/?self")
    scene.visitor.sees("Not allowed")


# ---- what goes wrong


@state("error")
def error(scene: Scene) -> None:
    scene.visitor.open("/auth/error?id=unknown")


@state("error-oauth2")
def error_oauth2(scene: Scene) -> None:
    scene.visitor.open("/auth/error?error=access_denied&error_description=The+resource+owner+denied+the+request")


@state("flow-gone")
def flow_gone(scene: Scene) -> None:
    scene.visitor.open("/auth/login?flow=00000000-0000-4000-8000-000000000000")


@state("unavailable")
def unavailable(scene: Scene) -> None:
    with scene.local.stopped():
        scene.visitor.open("/auth/error?id=unknown")


# Names that tests of other modules use.
__all__ = ["PASSWORD", "PROFILE", "STATES", "Keys", "Scene", "State", "state"]
