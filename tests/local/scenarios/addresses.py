"""Recovery, verification, and the messages of both."""

from __future__ import annotations

from tests.support.types import Json

from ..replay import Replay
from ..visits import ADA, BOB, Response, Visitor
from .settings import NEW_PASSWORD

EVE = "eve@example.org"
NOBODY = "nobody@example.org"


def to(email: str) -> Json:
    return {"method": "code", "email": email}


def with_code(code: str) -> Json:
    return {"method": "code", "code": code}


WRONG = with_code("000000")


def recovery_code(replay: Replay) -> None:
    replay.person()
    mailbox, browser = replay.ory.mailbox, Visitor()
    flow = replay("starts a browser recovery flow", browser)
    replay("asks for a code", browser, flow, **to(ADA))
    replay("reads the code in the courier's queue")
    code = mailbox.latest(ADA).code
    replay("wrong code", browser, flow, **WRONG)
    replay("right code", browser, flow, **with_code(code))
    replay("the session that recovery gave", browser)
    settings = replay("reads the settings flow it leads to", browser, _latest_settings(replay))
    replay("sets a new password in it", browser, settings, **NEW_PASSWORD)
    replay("the code a second time", browser, flow, **with_code(code))
    browser = Visitor()
    replay("unknown address", browser, replay.flow("recovery", browser), **to(NOBODY))
    replay("... and the mail that an unknown address gets")
    browser = Visitor()
    replay("no address", browser, replay.flow("recovery", browser), method="code")
    browser = Visitor()
    begun = replay("HTML: navigates", browser.page)
    flow = replay("HTML: reads the flow", browser, begun)
    replay("HTML: asks for a code", browser.page, flow, **to(ADA))
    replay("HTML: wrong code", browser.page, flow, **WRONG)
    replay("HTML: right code", browser.page, flow, **with_code(mailbox.latest(ADA).code))
    native = replay("native: starts")
    replay("native: asks for a code", None, native, **to(ADA))
    replay("native: wrong code", None, native, **WRONG)
    replay("native: right code", None, native, **with_code(mailbox.latest(ADA).code))
    replay("starts recovery while signed in", browser)


def recovery_code_transitions(replay: Replay) -> None:
    recovery_code(replay)


def _latest_settings(replay: Replay) -> str:
    flows = [flow.id for flow in replay.ory.state.flows.values() if flow.kind == "settings"]
    return flows[-1]


def recovery_code_too_many(replay: Replay) -> None:
    replay.person()
    browser = Visitor()
    flow = replay.flow("recovery", browser)
    replay("asks for a code", browser, flow, **to(ADA))
    for number in range(1, 7):
        replay(f"wrong code, try {number}", browser, flow, **WRONG)


def recovery_with_totp(replay: Replay) -> None:
    replay.person()
    replay.set_up_totp(replay.browser())
    browser = Visitor()
    flow = replay.flow("recovery", browser)
    replay("asks for a code", browser, flow, **to(ADA))
    replay("right code", browser, flow, **with_code(replay.ory.mailbox.latest(ADA).code))
    replay("the session that recovery gave", browser)
    replay("reads the settings flow it leads to", browser, _latest_settings(replay))


def verification_code(replay: Replay) -> None:
    for email in (ADA, BOB, EVE):
        replay.person(email)
    mailbox, browser = replay.ory.mailbox, replay.browser()
    replay("before", browser)
    flow = replay("starts a browser verification flow", browser)
    replay("asks for a code", browser, flow, **to(ADA))
    replay("reads the code in the courier's queue")
    code = mailbox.latest(ADA).code
    replay("wrong code", browser, flow, **WRONG)
    replay("right code", browser, flow, **with_code(code))
    replay("after", browser)
    replay("the code a second time", browser, flow, **with_code(code))
    other = Visitor()
    replay("unknown address", other, replay.flow("verification", other), **to(NOBODY))
    other = Visitor()
    begun = replay("HTML: navigates", other.page)
    flow = replay("HTML: reads the flow", other, begun)
    replay("HTML: asks for a code", other.page, flow, **to(BOB))
    replay("the mail with its link")
    _opens_link(replay, flow)
    replay("HTML: right code", other.page, flow, **with_code(mailbox.latest(BOB).code))
    native = replay("native: starts")
    replay("native: asks for a code", None, native.id, **to(EVE))
    replay("native: right code", None, native.id, **with_code(mailbox.latest(EVE).code))


def _opens_link(replay: Replay, flow: Response) -> None:
    replay("opens the link of the mail in a fresh browser", Visitor().page, flow)


def admin_courier(replay: Replay) -> None:
    replay.person()
    for kind in ("recovery", "verification"):
        browser = Visitor()
        flow = replay.flow(kind, browser)
        path = f"/self-service/{kind}?flow={flow.id}"
        replay.request_public("POST", path, browser, csrf_token=flow.csrf_token, **to(ADA))
    replay("all")
    replay("by recipient")
    replay("by status queued")
    replay("by status nonsense")
    replay("first page of 1")
    replay("one", None, replay.ory.mailbox.latest().id)
    replay("unknown")


def admin_recovery(replay: Replay) -> None:
    person = replay.person()
    browser = Visitor()
    created = replay("code", identity_id=person, expires_in="10m").content
    flow_id = created["recovery_link"].partition("flow=")[2]
    replay("the page behind the code's link reads the flow, in a browser without cookies", browser, flow_id)
    replay("submits the code", browser, flow_id, method="code", code=created["recovery_code"])
    replay("signed in", browser)
    link = replay("link", identity_id=person, expires_in="10m").content["recovery_link"]
    flow_id, _, token = link.partition("flow=")[2].partition("&token=")
    browser = Visitor()
    replay("opens the link", browser.page, flow_id, token)
    replay("signed in by the link", browser)
    replay("opens the link a second time", Visitor().page, flow_id, token)
    for kind in ("code", "link"):
        replay(f"{kind} for an unknown identity", identity_id="00000000-0000-4000-8000-000000000000")
        replay(f"{kind} without an identity", raw=b"{}")
        replay(f"{kind} with a malformed expires_in", identity_id=person, expires_in="soon")
        replay(f"{kind} with return_to", identity_id=person)
    replay("native code flow type", identity_id=person, flow_type="api")
