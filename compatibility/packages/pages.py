"""What pages are made of, and what browsers ask of them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from compatibility.package import Package, Verdict, expect, expect_that
from compatibility.visit import Visit

# ---- HTMX


def htmx_urls() -> Sequence[Any]:
    from django.http import HttpResponse
    from django.urls import path

    from ory_auth.decorators import ory_required

    @ory_required
    def fragment(request: Any) -> HttpResponse:
        return HttpResponse(f"{request.user.email} htmx={bool(request.htmx)}")

    return [path("fragment", fragment)]


def htmx(visit: Visit) -> None:
    page = f"{visit.site}/page?tab=2"
    headers = {"HX_Request": "true", "HX_Current_URL": page}
    expect(visit.ada.get("/fragment", **headers).text, f"{visit.ada.email} htmx=True", "a fragment")
    for path in ("/fragment", "/django-guarded"):
        reply = visit.nobody.get(path, **headers)
        expect_that(not 300 <= reply.status < 400, f"{path}: a redirect that HTMX can't follow")
        target = urlsplit(reply.headers.get("HX-Redirect", ""))
        expect(target.path, "/auth/login", f"{path} leads HTMX to")
        expect(parse_qs(target.query).get("next"), [page], f"{path} leads HTMX back to")
    reply = visit.nobody.get("/fragment", HX_Request="true", HX_Current_URL="https://elsewhere.example/")
    expect_that("elsewhere" not in reply.headers.get("HX-Redirect", ""), "HX-Current-URL leads elsewhere")


def htmx_outage(visit: Visit) -> None:
    reply = visit.stranger.get("/fragment", HX_Request="true", HX_Current_URL=f"{visit.site}/page")
    expect((reply.status, reply.headers.get("HX-Redirect")), (503, None), "a fragment in an outage")


HTMX = Package(
    "django-htmx",
    "A fragment that needs a signed-in user sends the browser to the sign-in page by `HX-Redirect`, and back to "
    "the page.",
    apps=("django_htmx",),
    middleware=("django_htmx.middleware.HtmxMiddleware",),
    urls=htmx_urls,
    probe=htmx,
    outage=htmx_outage,
)


# ---- Content Security Policy


def _csp(settings: dict[str, Any]) -> None:
    settings["SECURE_CSP"] = _policy(settings)


def _django_csp(settings: dict[str, Any]) -> None:
    settings["CONTENT_SECURITY_POLICY"] = {"DIRECTIVES": _policy(settings)}


def _policy(settings: dict[str, Any]) -> dict[str, list[str]]:
    ory = settings["ORY_AUTH"]["SDK_URL"]
    return {"default-src": ["'self'"], "form-action": ["'self'", ory], "frame-ancestors": ["'none'"]}


def _no_violation(visit: Visit) -> None:
    """The login page, in a browser if there is one: its console shows what the policy refused."""
    flow = visit.ory.http.public("GET", "/self-service/login/browser", headers={"Accept": "application/json"})
    visitor = visit.nobody
    for line in flow.headers.getlist("Set-Cookie"):
        name, _, value = line.split(";")[0].partition("=")
        visitor.cookies[name] = value
    path = f"/auth/login?flow={flow.json['id']}"
    reply = visitor.get(path)
    expect(reply.status, 200, "the log-in page")
    policy = reply.headers.get("Content-Security-Policy", "")
    expect_that("default-src 'self'" in policy, f"the policy is {policy!r}")
    inline = re.findall(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", reply.text)
    expect(inline, [], "inline styles, scripts and handlers of the log-in page")
    for page in ("/auth/error", "/guarded"):
        console = _console(visit.site + page)
        expect_that("Content Security Policy" not in console, f"{page} breaks the policy: {console[-500:]}")


def _console(url: str) -> str:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        return ""
    with tempfile.TemporaryDirectory() as directory:
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={directory}"]
        command += ["--enable-logging=stderr", "--dump-dom", url]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stderr


DJANGO_CSP = Package(
    "django-csp",
    "Add the origin of `BROWSER_URL` to `form-action`, because the forms of the sign-in pages are submitted there.",
    Verdict.WITH_SETTINGS,
    apps=("csp",),
    outermost=("csp.middleware.CSPMiddleware",),
    change=_django_csp,
    probe=_no_violation,
)

CSP = Package(
    "Django's own CSP",
    "Add the origin of `BROWSER_URL` to `form-action`, because the forms of the sign-in pages are submitted there.",
    Verdict.WITH_SETTINGS,
    install=("django",),
    outermost=("django.middleware.csp.ContentSecurityPolicyMiddleware",),
    change=_csp,
    probe=_no_violation,
)


# ---- files


def _collect() -> None:
    from pathlib import Path

    from django.conf import settings
    from django.core.management import call_command

    Path(settings.STATIC_ROOT).mkdir()
    call_command("collectstatic", interactive=False, verbosity=0)


def _file(visit: Visit) -> None:
    for visitor in (visit.ada, visit.nobody, visit.stranger):
        reply = visitor.get("/files/ory_auth/ory_auth.css")
        expect(reply.status, 200, "a static file")
        expect_that("Cookie" not in reply.headers.get("Vary", ""), "a static file depends on a cookie")
        expect_that("private" not in reply.headers.get("Cache-Control", ""), "a static file is private")


WHITENOISE = Package(
    "whitenoise",
    "Files are served without a lookup, also in an outage.",
    # Its files have another path, because Django's development server responds under /static/ here.
    outermost=("whitenoise.middleware.WhiteNoiseMiddleware",),
    settings={"WHITENOISE_STATIC_PREFIX": "/files/"},
    start=_collect,
    probe=_file,
    outage=_file,
    warnings=("StreamingHttpResponse must consume synchronous iterators",),  # under ASGI, with any project
)


# ---- other origins


def _cors(visit: Visit) -> None:
    origin = {"Origin": "https://app.example.org"}
    preflight = visit.ada.options("/guarded", **origin, Access_Control_Request_Method="GET")
    expect(preflight.headers.get("Access-Control-Allow-Origin"), origin["Origin"], "the answer to a preflight request")
    for visitor, statuses in ((visit.ada, {200}), (visit.nobody, {401})):
        reply = visitor.get("/guarded", **origin, Accept="application/json")
        expect_that(reply.status in statuses, f"from another origin: {reply.status}, expected {statuses}")
        expect(reply.headers.get("Access-Control-Allow-Credentials"), "true", "credentials from another origin")


def _cors_outage(visit: Visit) -> None:
    reply = visit.stranger.get("/guarded", Origin="https://app.example.org", Accept="application/json")
    expect(reply.status, 503, "from another origin in an outage")
    expect(reply.headers.get("Access-Control-Allow-Credentials"), "true", "a script may read the 503")


CORS = Package(
    "django-cors-headers",
    "Scripts of an allowed origin can read every response, including the 401 and the 503.",
    apps=("corsheaders",),
    outermost=("corsheaders.middleware.CorsMiddleware",),
    settings={"CORS_ALLOWED_ORIGINS": ["https://app.example.org"], "CORS_ALLOW_CREDENTIALS": True},
    probe=_cors,
    outage=_cors_outage,
)
