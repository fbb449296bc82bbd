"""Pages of what a local Ory has to pretend: a provider for social sign-in, and an application that uses OAuth2.

They are for people who try a project, and for tests in a browser. Kratos has no such pages.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import parse_qs, urlencode

from starlette.responses import Response

from ..http.exchange import FORM, Exchange
from ..model.errors import OryError
from ..model.social import Claims, RoundTrip, SocialAccount

STYLE = Path(__file__).parent.parent / "assets" / "pretended.css"
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
CLAIMS = ("sub", "email", "given_name", "family_name")
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/pretend-provider/pretended.css">
</head>
<body>
<main>
<p class="notice">This is a pretend {what}. It is part of the local Ory, and no data leaves your computer.</p>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""
CONSENT = """<p>Choose who you are at {provider}. The site gets the address and the name.</p>
{accounts}
<form method="post" action="{action}">
<h2>{heading}</h2>
<label>E-mail address <input name="email" type="email" value="{email}" autocomplete="off"></label>
<label>First name <input name="given_name" autocomplete="off"></label>
<label>Last name <input name="family_name" autocomplete="off"></label>
<label class="check"><input name="email_verified" type="checkbox" value="true" checked>
{provider} has verified this address</label>
<button name="decision" value="allow">Continue</button>
</form>
<form method="post" action="{action}"><button name="decision" value="refuse" class="quiet">Refuse</button></form>
"""
ACCOUNT = """<form method="post" action="{action}">
{fields}<button name="decision" value="allow" class="account"><b>{name}</b><span>{email}</span></button>
</form>
"""
HIDDEN = '<input type="hidden" name="{name}" value="{value}">\n'
ARRIVED = """<p>The login is complete. A real OAuth2 server would now ask for your consent, and send you back to the
application.</p>
"""


def get_style(exchange: Exchange) -> Response:
    return Response(STYLE.read_bytes(), media_type="text/css")


def show_consent(exchange: Exchange) -> Response:
    """GET /pretend-provider/authorize: the consent screen. Its parameters are those of OAuth2."""
    round_trip = _find_round_trip(exchange)
    label = escape(exchange.state.config.oidc_providers.get(round_trip.provider) or round_trip.provider)
    action = escape(exchange.url_with_query("", exchange.path))
    accounts = [_account_html(action, one) for one in exchange.state.social.accounts_at(round_trip.provider)]
    content = CONSENT.format(
        provider=label,
        accounts="".join(accounts),
        action=action,
        heading="Another account" if accounts else "Your account",
        email=escape(exchange.query.get("login_hint", "")),
    )
    return _page(f"Sign in with {label}", "provider", content)


def decide(exchange: Exchange) -> Response:
    """POST /pretend-provider/authorize: the person consents or refuses. The browser goes back to Ory."""
    round_trip = _find_round_trip(exchange)
    if exchange.request.headers.get("content-type", "").partition(";")[0] != FORM:
        raise OryError(400, reason="the body is not a form")
    form = {name: values[0] for name, values in parse_qs(exchange.body.decode("utf-8", "replace")).items()}
    if form.get("decision") == "refuse":
        result = {"error": "access_denied", "error_description": "The person refused."}
    else:
        result = {"code": exchange.state.social.consent(round_trip.provider, _claims(form))}
    path = f"/self-service/methods/oidc/callback/{round_trip.provider}"
    callback = exchange.query.get("redirect_uri", "")
    if not callback.endswith(path):
        callback = exchange.state.public_url + path
    return exchange.redirect(f"{callback}?{urlencode({**result, 'state': exchange.query['state']})}")


def show_application(exchange: Exchange) -> Response:
    """GET /oauth2/auth: where a login with `login_challenge` ends."""
    return _page("Back at the pretended application", "OAuth2 server", ARRIVED)


def _find_round_trip(exchange: Exchange) -> RoundTrip:
    round_trip = exchange.state.social.round_trips.get(exchange.query.get("state", ""))
    if round_trip is None:
        raise OryError(400, reason="the parameter state is missing or not valid")
    return round_trip


def _claims(form: dict[str, str]) -> Claims:
    claims: Claims = {name: form[name] for name in CLAIMS if form.get(name)}
    return {**claims, "email_verified": form.get("email_verified") == "true"}


def _account_html(action: str, account: SocialAccount) -> str:
    claims = {name: str(account.claims[name]) for name in CLAIMS if account.claims.get(name)}
    if account.claims.get("email_verified"):
        claims["email_verified"] = "true"
    names = [claims[name] for name in ("given_name", "family_name") if name in claims]
    email = claims.get("email", "no e-mail address")
    return ACCOUNT.format(
        action=action,
        fields="".join(HIDDEN.format(name=name, value=escape(value)) for name, value in claims.items()),
        name=escape(" ".join(names) or email),
        email=escape(email),
    )


def _page(title: str, what: str, content: str) -> Response:
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(PAGE.format(title=title, what=what, content=content), headers=headers, media_type="text/html")
