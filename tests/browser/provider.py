"""A pretend OpenID provider for a real Kratos. Its consent page has the fields and buttons of the local Ory's."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

KEY_ID = "pretended"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Provider</title><link rel="icon" href="data:,">
<h1>Sign in with {label}</h1>{accounts}
<form method="post"><label>Email <input name="email"></label> <label>First name <input name="given_name"></label>
<button name="decision" value="allow">Continue</button></form>
<form method="post"><button name="decision" value="refuse">Refuse</button></form>"""
ACCOUNT = """<form method="post"><input type="hidden" name="sub" value="{sub}">
<button name="decision" value="allow">{name}</button></form>"""


class Provider(ThreadingHTTPServer):
    """Remembers the accounts of each client, and what it has promised for each code."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.key = generate_private_key(65537, 2048)
        self.accounts: dict[str, dict[str, dict[str, str]]] = {}
        self.codes: dict[str, dict[str, Any]] = {}

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def public_keys(self) -> dict[str, Any]:
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**key, "kid": KEY_ID, "use": "sig", "alg": "RS256"}]}

    def consent_page(self, query: dict[str, str]) -> str:
        client = query["client_id"]
        accounts = "".join(
            ACCOUNT.format(sub=escape(sub), name=escape(claims.get("email") or claims["given_name"]))
            for sub, claims in self.accounts.get(client, {}).items()
        )
        return PAGE.format(label=escape(client), accounts=accounts)

    def decide(self, query: dict[str, str], form: dict[str, str]) -> str:
        """The URL to which the browser returns."""
        if form.get("decision") == "refuse":
            result = {"error": "access_denied", "error_description": "The person refused."}
        else:
            accounts = self.accounts.setdefault(query["client_id"], {})
            subject = form.get("sub") or secrets.token_hex(8)
            claims = {name: form[name] for name in ("email", "given_name") if form.get(name)}
            claims = accounts.setdefault(subject, claims)
            code = secrets.token_hex(8)
            self.codes[code] = {
                **claims,
                "sub": subject,
                "aud": query["client_id"],
                **({"nonce": query["nonce"]} if "nonce" in query else {}),
            }
            result = {"code": code}
        return f"{query['redirect_uri']}?{urlencode({**result, 'state': query['state']})}"

    def token(self, code: str) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": self.url, "iat": now, "exp": now + 600, **self.codes.pop(code)}
        token = jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": KEY_ID})
        return {"access_token": "not-used", "token_type": "bearer", "expires_in": 600, "id_token": token}


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/authorize":
            self._send(200, self.server.consent_page(dict(parse_qsl(url.query))), "text/html; charset=utf-8")
        elif url.path == "/jwks":
            self._send_json(self.server.public_keys())
        else:
            self._send_json(self.server.discovery())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        form, url = dict(parse_qsl(body)), urlsplit(self.path)
        if url.path == "/authorize":
            self._send(303, "", "text/plain", Location=self.server.decide(dict(parse_qsl(url.query)), form))
        else:
            self._send_json(self.server.token(form["code"]))

    def _send_json(self, content: dict[str, Any]) -> None:
        self._send(200, json.dumps(content), "application/json")

    def _send(self, status: int, text: str, content_type: str, **headers: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": content_type, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def run_provider() -> Iterator[str]:
    """Run a provider; its URL."""
    provider = Provider()
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    try:
        yield provider.url
    finally:
        provider.shutdown()
        provider.server_close()
