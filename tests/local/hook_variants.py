"""The configurations of the recordings of web hooks, for an application at a URL."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

EVERYTHING = "function(ctx) ctx"
FEW = """function(ctx) {
  identity_id: if std.objectHas(ctx, 'identity') then ctx.identity.id else null,
  traits: if std.objectHas(ctx, 'identity') then ctx.identity.traits else null,
  flow_id: ctx.flow.id,
  flow_type: ctx.flow.type,
  session_id: if std.objectHas(ctx, 'session') then ctx.session.id else null,
}
"""
WITH_IDENTITY = """function(ctx) {
  identifier: ctx.identifier, password: ctx.password, keys: std.objectFields(ctx),
  identity: if std.objectHas(ctx, 'identity') then {
    id: ctx.identity.id,
    keys: std.objectFields(ctx.identity),
    external_id: std.get(ctx.identity, 'external_id'),
    metadata_admin: std.get(ctx.identity, 'metadata_admin'),
  } else null
}"""
ALL_KEYS = """function(ctx) {
  top: std.objectFields(ctx), flow: std.objectFields(ctx.flow), identity: std.objectFields(ctx.identity),
  session: std.objectFields(ctx.session), headers: ctx.request_headers, cookies: std.objectFields(ctx.request_cookies),
  url: ctx.request_url, method: ctx.request_method,
}"""
CANCEL = (
    "function(ctx) if ctx.identity.traits.email == 'ada@example.org' then error 'cancel' else {id: ctx.identity.id}"
)
KEY = {"type": "api_key", "config": {"name": "X-Hook-Key", "value": "hook-api-key", "in": "header"}}
COOKIE_KEY = {"type": "api_key", "config": {"name": "hook_key", "value": "hook-api-key", "in": "cookie"}}
SESSION: dict[str, Any] = {"hook": "session"}
QUICK = {"hook_retry_seconds": 0.001, "registration_session_hook": False}
FLOWS = ("login", "registration", "settings", "recovery", "verification")

Json = dict[str, Any]


def hook(url: str, template: str = FEW, **more: Any) -> Json:
    body = {"body": f"base64://{base64.b64encode(template.encode()).decode()}"} if template else {}
    return {"hook": "web_hook", "config": {"url": url, "method": "POST", **body, **more}}


def _all_points(url: str, **more: Any) -> Json:
    def one(path: str) -> Json:
        return hook(f"{url}/hooks/{path}", EVERYTHING, auth=KEY, **more)

    flows: Json = {
        kind: {"before": {"hooks": [one(f"{kind}/before")]}, "after": {"hooks": [one(f"{kind}/after")]}}
        for kind in FLOWS
    }
    flows["login"]["after"]["totp"] = {"hooks": [one("login/after-totp")]}
    flows["registration"]["after"]["password"] = {"hooks": [one("registration/after-password"), SESSION]}
    flows["settings"]["after"]["password"] = {"hooks": [one("settings/after-password")]}
    flows["settings"]["after"]["totp"] = {"hooks": [one("settings/after-totp")]}
    return {"hooks": flows, "code_passwordless_enabled": True, **QUICK}


def _kinds(url: str) -> Json:
    k, form = f"{url}/k", {"Content-Type": "application/x-www-form-urlencoded"}
    hooks = [
        hook(f"{k}/cookie-auth", auth=COOKIE_KEY),
        hook(f"{k}/noauth", headers={"X-Custom": "v", "Authorization": "Bearer of-the-app"}),
        *(hook(f"{k}/{method.lower()}", method=method) for method in ("GET", "PUT", "DELETE")),
        hook(f"{k}/form", "function(ctx) { id: ctx.identity.id, flow: ctx.flow.id }", headers=form),
        hook(f"{k}/cancel", CANCEL),
        hook(f"{k}/with-id", id="a-name"),
        hook(f"{k}/keys", ALL_KEYS),
        hook(f"{k}/async", response={"ignore": True}),
    ]
    return {"hooks": {"login": {"after": {"password": {"hooks": hooks}}}}, **QUICK}


def _login_hook(url: str, template: str) -> Json:
    return {"hooks": {"login": {"after": {"password": {"hooks": [hook(f"{url}/k/x", template)]}}}}, **QUICK}


def _parsing(url: str) -> Json:
    def one(kind: str) -> Json:
        return hook(f"{url}/k/{kind}", response={"parse": True})

    flows = {
        "login": {"after": {"password": {"hooks": [one("login")]}}},
        "registration": {"after": {"password": {"hooks": [one("registration"), SESSION]}}},
        "settings": {"after": {"profile": {"hooks": [one("settings")]}}},
        "recovery": {"after": {"hooks": [one("recovery")]}},
        "verification": {"after": {"hooks": [one("verification")]}},
    }
    return {"hooks": flows, **QUICK}


def _can_interrupt(url: str) -> Json:
    hooks = [hook(f"{url}/k/registration", can_interrupt=True), SESSION]
    return {"hooks": {"registration": {"after": {"password": {"hooks": hooks}}}}, **QUICK}


def _migration(url: str, *, enabled: bool = True, **more: Any) -> Json:
    config = {"url": f"{url}/hooks/password", "method": "POST", "headers": {"X-Custom": "1"}, "auth": KEY, **more}
    return {"migrate_hook": {"enabled": enabled, "config": config}, "hook_retry_seconds": 0.001}


HOOK_VARIANTS: dict[str, Callable[[str], Json]] = {
    "hooks_all": _all_points,
    "hooks_all_parse": lambda url: _all_points(url, response={"parse": True}),
    "hook_kinds": _kinds,
    "hook_nobody": lambda url: _login_hook(url, ""),
    "hook_jsonnet_broken": lambda url: _login_hook(url, "function(ctx) { a: ctx.nope }"),
    "hook_parse_login": _parsing,
    "hook_can_interrupt": _can_interrupt,
    "mig": _migration,
    "mig_off": lambda url: _migration(url, enabled=False),
    "mig_body": lambda url: _migration(url, body=WITH_IDENTITY),
}
