"""Recorded scenarios of web hooks, and of the password migration hook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyotp

from ..application import Answer
from ..server_replay import ServerReplay
from ..visits import ADA, BOB, PASSWORD, Visitor

CAT = "cat@example.org"
NEW_PASSWORD = "another horse 8"
MATCH = {"status": "password_match"}
TOO_SLOW = "the application takes 35 seconds"
NOT_HERE = "recovery has its own recordings"


# ---- the password migration hook


def password_migration_hook(replay: ServerReplay) -> None:
    replay.run(until="a password of 3 bytes that the app accepts (policy is not asked)")
    replay.application.default = Answer(200, MATCH)
    replay.step()
    replay.run(until="form login while the app is down (500)")
    replay.application.default = Answer(500, {})
    replay.run(until="recovery with a code works without a known password")
    for _ in range(3):
        replay.skip(replay.remaining[0]["name"], NOT_HERE)
    replay.run(until="batch import with the hook flag")
    while replay.remaining:
        replay.skip(replay.remaining[0]["name"], TOO_SLOW)


def password_migration_hook_body(replay: ServerReplay) -> None:
    replay.run()


def password_migration_hook_off(replay: ServerReplay) -> None:
    replay.run()


# ---- the points of web hooks


def hook_points(replay: ServerReplay) -> None:
    _walk_through_all_points(replay)


def hook_points_parse(replay: ServerReplay) -> None:
    _walk_through_all_points(replay)


def _walk_through_all_points(replay: ServerReplay) -> None:
    """Sign up, sign in, change all settings, verify and recover. The recording has only some of the requests."""
    replay.fields["code"] = lambda _: replay.ory.mailbox.latest().code or ""
    replay.not_compared |= dict.fromkeys(
        _settings_steps(replay), "the other forms of the page belong to other recordings"
    )
    replay.run(until="changes the password")
    replay.step()
    browser = replay.browsers[0]
    with replay.unrecorded():
        secret = replay.set_up_totp(browser)
    with replay.unrecorded():
        replay.set_up_backup_codes(browser)
    with replay.unrecorded():
        flow = replay.flow("settings", browser)
        replay.application.calls.pop()  # the recording does not show the start of this flow
        replay.settings(browser, flow, method="totp", totp_unlink=True)
    replay.run(until="verifies")
    _send_code(replay, "verification")
    replay.run(until="recovers")
    _send_code(replay, "recovery")
    replay.step()
    _sign_in_with_second_factor(replay, secret)
    _sign_in_with_code(replay)
    replay.run(until="logs out")
    while replay.remaining:
        replay.skip(replay.remaining[0]["name"], "it calls nothing: see test_web_hooks.py")


def _settings_steps(replay: ServerReplay) -> list[int]:
    names = ("changes the profile", "changes the password", "starts a browser settings flow")
    return [number for number, one in enumerate(replay.remaining) if one["name"] in names]


def _send_code(replay: ServerReplay, kind: str) -> None:
    """Enter the address in the flow that was just started. The next request enters the code."""
    flow, visitor = replay.responses[-2], replay.browser_number(replay.remaining[0]["request"]["browser"])
    assert flow is not None
    content = {"method": "code", "email": ADA, "csrf_token": flow.csrf_token}
    replay.request_public("POST", f"/self-service/{kind}?flow={flow.id}", visitor, **content)


def _sign_in_with_second_factor(replay: ServerReplay, secret: str) -> None:
    replay.ory.create_identity(email=BOB, password=PASSWORD, totp=secret)
    with replay.unrecorded():
        browser = replay.browser(BOB)
    flow = replay.flow("login", browser, "?aal=aal2")
    replay.application.take_calls()
    with replay.unrecorded():
        content = {"method": "totp", "totp_code": pyotp.TOTP(secret).now(), "csrf_token": flow.csrf_token}
        replay.request_public("POST", f"/self-service/login?flow={flow.id}", browser, **content)
    flow = replay.flow("login", browser, "?refresh=true")
    replay.application.take_calls()
    with replay.unrecorded():
        content = {"method": "password", "identifier": BOB, "password": PASSWORD, "csrf_token": flow.csrf_token}
        replay.request_public("POST", f"/self-service/login?flow={flow.id}", browser, **content)


def _sign_in_with_code(replay: ServerReplay) -> None:
    replay.person(CAT)
    request = replay.remaining[0]["request"]
    browser = replay.browser_number(request["browser"])
    flow = replay.flow("login", browser)
    content = {"method": "code", "identifier": CAT, "csrf_token": flow.csrf_token}
    replay.request_public("POST", f"/self-service/login?flow={flow.id}", browser, **content)
    replay.flows[dict(request["query"])["flow"]] = flow
    replay.application.take_calls()
    replay.step()
    with replay.unrecorded():
        native = replay.native_flow("login")
    replay.flows[dict(replay.remaining[0]["request"]["query"])["flow"]] = native


# ---- configurations


def hook_kinds(replay: ServerReplay) -> None:
    replay.person()
    replay.more_headers = [
        ("Accept-Language", "de"),
        ("Referer", "http://127.0.0.1:8000/auth/login"),
        ("True-Client-Ip", "203.0.113.7"),
        ("User-Agent", "Rec/1"),
    ]
    request = replay.remaining[0]["request"]
    browser = replay.browser_number(request["browser"])
    flow = replay.flow("login", browser, "?return_to=http://127.0.0.1:8000/x")
    replay.flows[dict(request["query"])["flow"]] = flow
    replay.run()


def hook_nobody(replay: ServerReplay) -> None:
    replay.person()
    replay.run()


def hook_jsonnet_broken(replay: ServerReplay) -> None:
    replay.person()
    replay.run()


def hook_can_interrupt(replay: ServerReplay) -> None:
    refusal = {"instance_ptr": "#/traits/email", "messages": [{"id": 1, "text": "No.", "type": "error"}]}
    answers = (Answer(), Answer(200, {"identity": {"metadata_public": {"x": 1}}}), Answer(400, {"messages": [refusal]}))
    for answer in answers:
        replay.application.default = answer
        replay.step()


# ---- answers


def hook_answers(replay: ServerReplay) -> None:
    """Each answer in the recording, at each point."""
    replay.ory.create_identity(email="taken@example.org")
    taken = replay.ory.find_identity("taken@example.org")
    assert taken
    replay.ory.change_identity(taken["id"], external_id="taken")
    number = 0
    while replay.remaining:
        recorded = replay.remaining[0]
        kind, _, _ = recorded["name"].partition(",")
        replay.application.default = _filled_in(recorded["answer"], number)
        SUBMISSIONS[kind](replay, f"{kind}{number}@example.org")
        replay.application.take_calls()
        number += 1


def _filled_in(answer: dict[str, Any], number: int) -> Answer:
    """The recorded answer with new values: an address, and an external ID."""
    body = answer["body"]
    if isinstance(body, dict) and isinstance(body.get("identity"), dict):
        identity = dict(body["identity"])
        if identity.get("external_id") == "EXT":
            identity["external_id"] = f"ext-{number}"
        if identity.get("traits", {}).get("email") == "CHANGED":
            identity["traits"] = {**identity["traits"], "email": f"changed-{number}@example.org"}
        body = {**body, "identity": identity}
    location = (("Location", "/elsewhere"),) if answer["status"] == 302 else ()
    return Answer(answer["status"], body, location)


def _register(replay: ServerReplay, email: str) -> None:
    flow = replay.native_flow("registration")
    replay(replay.remaining[0]["name"], None, flow, method="password", password=PASSWORD, traits={"email": email})


def _sign_in(replay: ServerReplay, email: str) -> None:
    replay.person(email)
    browser = Visitor()
    flow = replay.flow("login", browser)
    replay(replay.remaining[0]["name"], browser, flow, method="password", identifier=email, password=PASSWORD)


def _change_profile(replay: ServerReplay, email: str) -> None:
    replay.person(email)
    answer, replay.application.default = replay.application.default, Answer()
    browser = replay.browser(email)
    replay.application.default = answer
    flow = replay.flow("settings", browser)
    traits = {"email": email, "username": "by-hand"}
    replay(replay.remaining[0]["name"], browser, flow, method="profile", traits=traits)


def _prove(kind: str) -> Callable[[ServerReplay, str], None]:
    def prove(replay: ServerReplay, email: str) -> None:
        replay.person(email)
        browser = Visitor()
        flow = replay.flow(kind, browser)
        content = {"method": "code", "email": email, "csrf_token": flow.csrf_token}
        flow = replay.request_public("POST", f"/self-service/{kind}?flow={flow.id}", browser, **content)
        code = replay.ory.mailbox.latest(email).code or ""
        replay(replay.remaining[0]["name"], browser, flow, method="code", code=code)

    return prove


SUBMISSIONS: dict[str, Callable[[ServerReplay, str], None]] = {
    "registration": _register,
    "login": _sign_in,
    "settings": _change_profile,
    "recovery": _prove("recovery"),
    "verification": _prove("verification"),
}


def hook_verified_address(replay: ServerReplay) -> None:
    """The application says that an address is verified: then no message is sent, and it is saved as verified."""

    def verified(email: str) -> Answer:
        address = {"value": email, "via": "email", "verified": True, "status": "completed"}
        return Answer(200, {"identity": {"verifiable_addresses": [address]}})

    replay.application.default = verified("a@example.org")
    replay.run(until="settings")
    replay.person("b@example.org")
    for email in ("b@example.org", "c@example.org"):
        replay.application.default = Answer()
        replay.know_browser("b@example.org")
        replay.application.default = verified(email)
        replay.step()
        replay.step()
