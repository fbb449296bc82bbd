"""A small browser: a cookie jar by host, redirects, links and forms. It walks the site and Ory alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

from tests.support.html_forms import Form, read_forms
from tests.support.ory import HTTP

if TYPE_CHECKING:
    from tests.support.client import DualClient

MANY = 20  # redirects after which a browser gives up


@dataclass
class Reply:
    status: int
    location: str | None
    cookies: list[str]
    text: str


Transport = Callable[[str, str, dict[str, str], bytes | None], Reply]


@dataclass
class Page:
    url: str
    status: int
    text: str
    hops: int  # redirects that led here

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def forms(self) -> list[Form]:
        return read_forms(self.text)

    @property
    def fields(self) -> set[str]:
        return {name for form in self.forms for name in form.fields}

    def form_with(self, name: str) -> Form:
        return next(form for form in self.forms if name in form.fields or name in dict(form.buttons))


class Browser:
    """``site`` answers what is asked of ``host``; everything else goes over HTTP.

    ``scripts``: it runs what the pages of this package have for one.
    """

    def __init__(self, host: str, site: Transport | None = None, *, scripts: bool = False) -> None:
        self.host, self.site, self.scripts = host, site, scripts
        self.languages = ""  # of the header Accept-Language
        self.jar: dict[tuple[str, str], str] = {}

    def open(self, url: str) -> Page:
        return self._walk("GET", urljoin(f"http://{self.host}/", url), None)

    def submit(self, page: Page, form: Form, button: str = "", **values: str) -> Page:
        """Fill in a form and press a button (by its value); raises ``Refused`` where a browser would not send it."""
        pressed = [(name, value) for name, value in form.buttons if value == button]
        assert pressed or not button, form.buttons
        if self.scripts:
            form.run_script()
        # A name that is no identifier ("traits.email") is written with two underscores here.
        for name, value in values.items():
            form.enter(name.replace("__", "."), value)
        sent = urlencode(form.entries(pressed, scripts=self.scripts)).encode()
        answer = self._walk(form.method.upper(), urljoin(page.url, form.action), sent)
        for own in answer.forms if self.scripts else ():
            if "data-ory-submit" in own.attributes:
                return self.submit(answer, own)
        return answer

    def _walk(self, method: str, url: str, body: bytes | None) -> Page:
        for hops in range(MANY):
            reply = self._send(method, url, body)
            for line in reply.cookies:
                self._keep(urlsplit(url).hostname or "", line)
            if reply.location is None:
                return Page(url, reply.status, reply.text, hops)
            method, url, body = "GET", urljoin(url, reply.location), None
        raise AssertionError(f"redirected in circles, at last to {url}")

    def _send(self, method: str, url: str, body: bytes | None) -> Reply:
        parts = urlsplit(url)
        pairs = [f"{name}={value}" for (host, name), value in self.jar.items() if host == parts.hostname]
        headers = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Cookie": "; ".join(pairs)}
        if self.languages:
            headers["Accept-Language"] = self.languages
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if self.site and parts.netloc == self.host:
            return self.site(method, url, headers, body)
        return http_transport(method, url, headers, body)

    def _keep(self, host: str, line: str) -> None:
        pair, *attributes = [part.strip() for part in line.split(";")]
        name, _, value = pair.partition("=")
        if any(attribute.lower() == "max-age=0" for attribute in attributes):
            self.jar.pop((host, name), None)
        else:
            self.jar[host, name] = value


def http_transport(method: str, url: str, headers: dict[str, str], body: bytes | None) -> Reply:
    response = HTTP.request(method, url, headers=headers, body=body, redirect=False, timeout=10)
    text = response.data.decode()
    return Reply(response.status, response.headers.get("Location"), response.headers.getlist("Set-Cookie"), text)


def client_transport(web: DualClient, host: str) -> Transport:
    """The site as the test's client of Django serves it, under WSGI or ASGI."""

    def send(method: str, url: str, headers: dict[str, str], body: bytes | None) -> Reply:
        web.cookies.clear()
        path = url.removeprefix(f"http://{host}") or "/"
        given = {**headers, "Host": host}
        if method == "GET":
            answer = web.get(path, headers=given)
        else:
            answer = web.post(path, body, content_type=given.pop("Content-Type"), headers=given)
        lines = [morsel.OutputString() for morsel in answer.cookies.values()]
        return Reply(answer.status_code, answer.headers.get("Location"), lines, answer.content.decode())

    return send


def resolve_like_browser(base: str, location: str) -> tuple[str, str]:
    """Scheme and host of a link as https://url.spec.whatwg.org reads it: kinder to nonsense than Python is."""
    text = "".join(char for char in location.strip("".join(map(chr, range(33)))) if char not in "\t\r\n")
    own = urlsplit(base)
    scheme, colon, rest = text.partition(":")
    if colon and scheme[:1].isalpha() and all(c.isascii() and (c.isalnum() or c in "+-.") for c in scheme):
        scheme = scheme.lower()
        if scheme not in {"http", "https", "ftp", "ws", "wss"}:
            return scheme, ""
        rest = rest.replace("\\", "/")
        if scheme == own.scheme and not rest.startswith("//"):
            return own.scheme, own.netloc  # relative in spite of its scheme
    else:
        scheme, rest = own.scheme, text.replace("\\", "/")
        if not rest.startswith("//"):
            return own.scheme, own.netloc
    authority = rest.lstrip("/").partition("/")[0].partition("?")[0].partition("#")[0]
    return scheme, authority.rpartition("@")[2].lower()
