"""A project with packages for second factors and social accounts: ``python -m tests.support.moving_project``.

Its users have what those packages store. They are moved to an Ory, where they sign in with what they had. The packages
calculate the codes. Prints what has happened to each user. Uses the Ory in ``ORY_TEST_PUBLIC_URL`` and
``ORY_TEST_ADMIN_URL``, or a local one.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from html import unescape
from importlib import import_module
from typing import Any
from uuid import UUID

import django
from django.apps import apps
from django.conf import settings

from tests.local.software_key import SoftwareKey, encode
from tests.support.ory import Ory, Person, Reply, Session, start_ory

PASSWORD = "Ratatosk-9-tree"
TOTP_KEY, PERIOD_60 = "3132333435363738393031323334353637383930", {"step": 60}
ALLAUTH_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ORIGIN = "http://localhost:5410"
KEYS: dict[str, SoftwareKey] = {}
PROVIDERS = {"google": "fake", "google-oauth2": "fake", "github": "other"}


def configure(ory: Ory) -> None:
    settings.configure(
        SECRET_KEY="a secret for the tests, long enough for any package",
        USE_TZ=True,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "ory_auth",
            "django_otp",
            "django_otp.plugins.otp_totp",
            "django_otp.plugins.otp_static",
            "django_otp.plugins.otp_hotp",
            "allauth.account",
            "allauth.socialaccount",
            "allauth.mfa",
            "social_django",
        ],
        MIDDLEWARE=["ory_auth.middleware.OryMiddleware", "allauth.account.middleware.AccountMiddleware"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        MFA_SUPPORTED_TYPES=["totp", "recovery_codes", "webauthn"],
        MFA_ADAPTER=f"{__name__}.EncryptingAdapter",
        ORY_AUTH={"SDK_URL": ory.public_url, "ADMIN_URL": ory.admin_url},
    )
    django.setup()
    import_module("django.core.management").call_command("migrate", verbosity=0)


def __getattr__(name: str) -> Any:
    """``EncryptingAdapter``: as in a project that does not store secrets in the clear."""
    if name != "EncryptingAdapter":
        raise AttributeError(name)
    adapter: Any = import_module("allauth.mfa.adapter").DefaultMFAAdapter

    def encrypt(self: Any, text: str) -> str:
        return base64.b64encode(text[::-1].encode()).decode()

    def decrypt(self: Any, encrypted_text: str) -> str:
        return base64.b64decode(encrypted_text).decode()[::-1]

    return type(name, (adapter,), {"encrypt": encrypt, "decrypt": decrypt})


NAMES = "otp allauth broken digits codes hotp both unconfirmed social verified passkey refused key"


def rows(label: str) -> Any:
    return apps.get_model(label)._default_manager


def make(label: str, **values: Any) -> Any:
    return rows(label).create(**values)


def make_users() -> dict[str, Any]:
    users = {
        name: rows("auth.User").create_user(name, f"{name}-{uuid.uuid4().hex[:8]}@example.org", PASSWORD)
        for name in NAMES.split()
    }
    make("otp_totp.TOTPDevice", user=users["otp"], name="app", key=TOTP_KEY, confirmed=True)
    device = make("otp_static.StaticDevice", user=users["otp"], name="codes")
    for code in ("abcd2345", "efgh2345"):
        make("otp_static.StaticToken", device=device, token=code)
    activate_allauth(users["allauth"])
    make("mfa.Authenticator", user=users["broken"], type="totp", data={"secret": "not encrypted"})
    make("otp_totp.TOTPDevice", user=users["digits"], key=TOTP_KEY, digits=8, confirmed=True)
    make(
        "otp_static.StaticToken", device=make("otp_static.StaticDevice", user=users["digits"], name="codes"), token="a"
    )
    make("otp_static.StaticToken", device=make("otp_static.StaticDevice", user=users["codes"], name="codes"), token="a")
    make("otp_hotp.HOTPDevice", user=users["hotp"], key=TOTP_KEY, confirmed=True)
    make("otp_totp.TOTPDevice", user=users["both"], key=TOTP_KEY, confirmed=True)
    make("otp_hotp.HOTPDevice", user=users["both"], key=TOTP_KEY, confirmed=True)
    make("otp_totp.TOTPDevice", user=users["unconfirmed"], key=TOTP_KEY, confirmed=False, **PERIOD_60)
    for name in ("passkey", "key"):
        KEYS[name] = add_key(users[name], is_passkey=name == "passkey")
    add_key(users["refused"], is_passkey=True)
    activate_codes(users["refused"])
    activate_codes(users["key"])
    social = users["social"]
    make("socialaccount.SocialAccount", user=social, provider="google", uid="1001")
    make("socialaccount.SocialAccount", user=social, provider="github", uid="77")
    make("socialaccount.SocialAccount", user=social, provider="slack", uid="S1")
    make("social_django.UserSocialAuth", user=social, provider="google-oauth2", uid="1001")
    make("social_django.UserSocialAuth", user=social, provider="google-oauth2", uid=social.email)
    make("account.EmailAddress", user=users["verified"], email=users["verified"].email.upper(), verified=True)
    make("account.EmailAddress", user=users["social"], email=users["social"].email, verified=False)
    return users


def add_key(user: Any, *, is_passkey: bool) -> SoftwareKey:
    """Store a key as allauth does after the browser has created it."""
    entity = import_module("allauth.mfa.adapter").get_adapter().get_public_key_credential_user_entity(user)
    key = SoftwareKey(ORIGIN)
    challenge = {"challenge": encode(b"0" * 32), "rp": {"id": "localhost"}, "user": {"id": encode(entity["id"])}}
    credential = json.loads(key.create({"publicKey": challenge}))
    credential["clientExtensionResults"] = {"credProps": {"rk": is_passkey}}
    import_module("allauth.mfa.webauthn.internal.auth").WebAuthn.add(user, "Laptop", credential)
    return key


def activate_allauth(user: Any) -> None:
    totp: Any = import_module("allauth.mfa.totp.internal.auth").TOTP
    totp.activate(user, ALLAUTH_SECRET)
    recovery = activate_codes(user)
    recovery.validate_code(recovery.generate_codes()[0])  # used


def activate_codes(user: Any) -> Any:
    return import_module("allauth.mfa.recovery_codes.internal.auth").RecoveryCodes.activate(user)


def move(user: Any, ory: Ory) -> dict[str, Any]:
    """Describe the user, create the identity, and add what Ory does not take at once."""
    from ory_auth.conf import conf
    from ory_auth.moving.capabilities import ask_ory
    from ory_auth.moving.options import MoveOptions
    from ory_auth.moving.people import describe_users
    from ory_auth.ory.admin_client import AdminClient

    client = AdminClient(conf(), timeout=10)
    capabilities = ask_ory(client, conf())
    [person] = describe_users(
        [user], MoveOptions(providers=PROVIDERS, allow_lost_second_factors=user.username == "passkey"), capabilities
    )
    result: dict[str, Any] = {
        "problems": [problem.code for problem in person.problems],
        "warnings": [warning.code for warning in person.warnings],
        "second_factors": list(person.second_factors),
        "providers": list(person.providers),
        "shown": repr(person),
    }
    if person.problems:
        return result
    created = client.create_identity(person.body)
    operations = person.operations(created["id"])
    if operations:
        client.patch_identity(UUID(created["id"]), operations)
    stored = client.get_identity(UUID(created["id"]), include_credentials=("oidc",))
    result["patched"] = bool(operations)
    result["oidc"] = sorted((stored["credentials"].get("oidc") or {}).get("identifiers") or [])
    result["verified"] = [address["verified"] for address in stored["verifiable_addresses"]]
    result["levels"] = [sign_in(ory, user, method, code) for method, code in second_factors_of(user)]
    client.delete_identity(UUID(created["id"]))
    return result


def second_factors_of(user: Any) -> list[tuple[str, str]]:
    """What the person types: the codes that their app shows, and those on their list."""
    import time

    if user.username in ("otp", "both"):
        oath: Any = import_module("django_otp.oath")
        key = bytes.fromhex(TOTP_KEY)
        code = f"{oath.totp(key):06}"
        return [("totp_code", code), *([("lookup_secret", "efgh2345")] if user.username == "otp" else [])]
    if user.username in KEYS:
        return [(user.username, "")]
    if user.username == "allauth":
        auth: Any = import_module("allauth.mfa.totp.internal.auth")
        authenticators = {row.type: row for row in rows("mfa.Authenticator").filter(user=user)}
        code = auth.format_hotp_value(auth.hotp_value(ALLAUTH_SECRET, int(time.time()) // 30))
        codes = authenticators["recovery_codes"].wrap()
        return [
            ("totp_code", code),
            ("lookup_secret", codes.get_unused_codes()[-1]),
            ("lookup_secret", codes.generate_codes()[0]),
        ]
    return [("", "")]


def sign_in(ory: Ory, user: Any, method: str, code: str) -> str:
    """Sign in as an app does: with the password, and then with the second factor. Returns the level, or the error."""
    if method in KEYS:
        return use_key(Person(ory, "", user.email, PASSWORD), method)
    flow = ory.public("GET", "/self-service/login/api").json
    form = {"method": "password", "identifier": user.email, "password": PASSWORD}
    token = submit(ory, flow, form).json["session_token"]
    headers = {"X-Session-Token": token}
    whoami = ory.public("GET", "/sessions/whoami", headers=headers)
    if not method:
        return str(whoami.json.get("authenticator_assurance_level", whoami.status))
    flow = ory.public("GET", "/self-service/login/api?aal=aal2", headers=headers).json
    reply = submit(ory, flow, {"method": method.removesuffix("_code"), method: code}, headers)
    level = reply.json["session"]["authenticator_assurance_level"] if reply.status == 200 else str(reply.status)
    return f"{whoami.status} {level}"


def use_key(person: Person, name: str) -> str:
    """Sign in with a passkey, or with the password and a security key, as a browser does."""
    first = person.browser_session() if name == "key" else Session(person, "", jar={})
    flow = first.get("/self-service/login/browser" + ("?aal=aal2" if name == "key" else "")).json
    nodes = {node["attributes"].get("name"): node["attributes"] for node in flow["ui"]["nodes"]}
    if name == "passkey":
        answer = KEYS[name].get(json.loads(nodes["passkey_challenge"]["value"]))
        reply = first.submit("login", flow, {"method": "passkey", "passkey_login": answer})
    elif "webauthn_login_trigger" not in nodes:
        return "no security key in the form"
    else:
        found = re.search(
            r"\{.*\}",
            unescape(nodes["webauthn_login_trigger"].get("value") or nodes["webauthn_login_trigger"]["onclick"]),
        )
        assert found
        answer = KEYS[name].get(json.loads(found[0]))
        reply = first.submit(
            "login", flow, {"method": "webauthn", "identifier": person.email, "webauthn_login": answer}
        )
    return str(reply.json["session"]["authenticator_assurance_level"]) if reply.status == 200 else str(reply.status)


def submit(ory: Ory, flow: dict[str, Any], form: dict[str, str], headers: dict[str, str] | None = None) -> Reply:
    return ory.public("POST", f"/self-service/login?flow={flow['id']}", body=form, headers=headers)


def main() -> None:
    ory = start_ory()
    if ory.local:
        ory.local.configure(passkey_enabled=True, webauthn_enabled=True, rp_origins=(ORIGIN,))
    configure(ory)
    print(json.dumps({name: move(user, ory) for name, user in make_users().items()}))
    if ory.local:
        ory.local.stop()


if __name__ == "__main__":
    import_module("tests.support.moving_project").main()
