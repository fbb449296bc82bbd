"""The reader's browser, told what to do by a comment in the page: ``opens /account/; signs in as ada@example.org``."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pyotp

from tests.support.browser import Browser, Page
from tests.support.ory import HTTP, PASSWORD

TAG = re.compile(r"<(style|script).*?</\1>|<[^>]*>", re.DOTALL)
SECRET = re.compile(r"\b[A-Z2-7]{32}\b")
LANGUAGES = {"English": "en", "German": "de-AT, de;q=0.9, en;q=0.5"}

SCRIPT = Path(__file__).with_name("script.mjs")


class Reader:
    """One browser, and its user.

    ``phone`` has the codes of the authenticator app, ``app`` is where a page of scripts is, and ``files`` where its
    files are.
    """

    def __init__(self, host: str, phone: list[pyotp.TOTP], app: str, files: Path) -> None:
        self.browser, self.phone, self.app, self.files = Browser(host), phone, app, files
        self.page = Page(f"http://{host}/", 0, "", 0)

    def do(self, text: str) -> None:
        """Everything that the comment says, one thing after the other."""
        for deed in re.split(r";\s+", text):
            for pattern, act in DEEDS.items():
                if found := re.fullmatch(pattern, deed):
                    act(self, *found.groups())
                    break
            else:
                raise AssertionError(f"nobody knows how a reader {deed!r}; known: {', '.join(DEEDS)}")

    @property
    def text(self) -> str:
        """The page as it is read: without tags, and with single spaces."""
        return " ".join(unescape(TAG.sub(" ", self.page.text)).split())

    def prefers(self, language: str) -> None:
        self.browser.languages = LANGUAGES[language]

    def opens(self, url: str) -> None:
        self.page = self.browser.open(url)

    def sees(self, text: str) -> None:
        assert text in self.text, f"{text!r} is not at {self.page.url} ({self.page.status}): {self.text}"

    def sees_no(self, text: str) -> None:
        assert text not in self.text, f"{text!r} is at {self.page.url}"

    def is_at(self, path: str) -> None:
        assert self.page.path == path, f"{self.page.url} ({self.page.status}): {self.text}"

    def gets(self, status: str) -> None:
        assert self.page.status == int(status), f"{self.page.status} at {self.page.url}: {self.text}"

    def signs_up(self, email: str) -> None:
        self.opens("/auth/registration")
        self._fills_in("profile", traits__email=email)
        self._fills_in("password", password=PASSWORD)

    def enters_the_code_of_the_mail(self, folder: str) -> None:
        """Open the page in the newest mail that the site has written into a file, and enter its code there."""
        mail = max((self.files.parent / folder).iterdir(), key=lambda path: path.stat().st_mtime).read_text()
        self.opens(re.findall(r"^http\S+", mail, re.MULTILINE)[0])
        self._fills_in("code", code=re.findall(r"^\d{6}$", mail, re.MULTILINE)[0])

    def signs_in(self, email: str) -> None:
        if "identifier" not in self.page.fields:
            self.opens("/auth/login")
        self._fills_in("password", identifier=email, password=PASSWORD)

    def signs_in_with_django(self, email: str) -> None:
        form = self.page.form_with("username")
        self.page = self.browser.submit(self.page, form, username=email, password=PASSWORD)

    def proves_it_again(self) -> None:
        self._fills_in("password", password=PASSWORD)

    def signs_out(self) -> None:
        form = next(form for form in self.page.forms if urlsplit(form.action).path.endswith("/logout"))
        self.page = self.browser.submit(self.page, form)

    def deletes_the_account(self) -> None:
        self.opens("/auth/security/delete")
        form = self.page.form_with("confirmation")
        self.page = self.browser.submit(self.page, form, confirmation="delete")

    def impersonates(self, reason: str) -> None:
        self.page = self.browser.submit(self.page, self.page.form_with("reason"), reason=reason)

    def stops_impersonating(self) -> None:
        form = next(form for form in self.page.forms if urlsplit(form.action).path.endswith("/impersonate/stop"))
        self.page = self.browser.submit(self.page, form)

    def loses_the_session(self) -> None:
        self._loses_the_cookie("ory_kratos_session")

    def loses_the_django_session(self) -> None:
        self._loses_the_cookie("sessionid")

    def _loses_the_cookie(self, name: str) -> None:
        self.browser.jar = {key: value for key, value in self.browser.jar.items() if key[1] != name}

    def htmx_shows(self, verb: str, path: str, text: str) -> None:
        status, _, shown = self._htmx(verb, path)
        assert (status, text in shown) == (200, True), f"{status}: {shown}"

    def htmx_goes(self, verb: str, path: str, target: str) -> None:
        status, url, shown = self._htmx(verb, path)
        assert url, f"{status}, and nowhere to go: {shown}"
        self.opens(urljoin(self.page.url, url))
        self.is_at(target)

    def _htmx(self, verb: str, path: str) -> tuple[int, str | None, str]:
        """Status, ``HX-Redirect`` and text of what htmx gets for an element of the page, or for its form."""
        host = urlsplit(self.page.url).hostname or ""
        cookies = "; ".join(f"{name}={value}" for (at, name), value in self.browser.jar.items() if at == host)
        headers = {"HX-Request": "true", "HX-Current-URL": self.page.url, "Accept": "text/html", "Cookie": cookies}
        body = None
        if verb == "posts to":
            [form] = [form for form in self.page.forms if form.attributes.get("hx-post") == path]
            headers["Content-Type"], body = "application/x-www-form-urlencoded", urlencode(form.fields)
        answer = HTTP.request(
            "GET" if body is None else "POST", urljoin(self.page.url, path), headers=headers, body=body, redirect=False
        )
        for line in answer.headers.getlist("Set-Cookie"):
            self.browser._keep(host, line)
        return answer.status, answer.headers.get("HX-Redirect"), answer.data.decode()

    def sets_up_an_authenticator_app(self) -> None:
        if "totp_code" not in self.page.fields:
            self.opens("/auth/settings")
        secret = SECRET.search(self.text)
        assert secret, self.text
        self.phone.append(pyotp.TOTP(secret[0]))
        self.types_its_code()

    def types_its_code(self) -> None:
        assert self.phone, "no authenticator app was set up"
        self._fills_in("totp", totp_code=self.phone[-1].now())

    def runs_and_gets(self, expression: str, result: str) -> None:
        told = self._runs(expression)
        assert told.get("result") == json.loads(result), told

    def runs_and_is_sent(self, expression: str, url: str) -> None:
        told = self._runs(expression)
        assert told["went"] == url, told

    def runs_and_fails(self, expression: str, status: str) -> None:
        told = self._runs(expression)
        assert told["error"]["status"] == int(status), told

    def _runs(self, expression: str) -> Any:
        """Run something of the page's ``api.js`` as a browser would, with and without its leave by CORS."""
        host = urlsplit(self.app).hostname or ""
        own = {name: value for (at, name), value in self.browser.jar.items() if at == host}
        told = subprocess.run(
            ["node", str(SCRIPT), str(self.files / "api.js"), expression],
            input=json.dumps({"page": self.app, "site": f"http://{self.browser.host}", "cookies": own}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert told.returncode == 0, told.stderr
        read = json.loads(told.stdout)
        for line in read["set"]:
            self.browser._keep(host, line)
        return read

    def _fills_in(self, button: str, **values: str) -> None:
        name = next(iter(values)).replace("__", ".")
        assert name in self.page.fields, f"no field {name!r} at {self.page.url} ({self.page.status}): {self.text}"
        forms = [form for form in self.page.forms if name in form.fields and ("method", button) in form.buttons]
        assert forms, f"no button {button!r} beside {name!r} at {self.page.url}"
        [form] = forms
        self.page = self.browser.submit(self.page, form, button=button, **values)


DEEDS: dict[str, Callable[..., None]] = {
    r"prefers (\w+)": Reader.prefers,
    r"opens (\S+)": Reader.opens,
    r'sees "(.+)"': Reader.sees,
    r'does not see "(.+)"': Reader.sees_no,
    r"is at (\S+)": Reader.is_at,
    r"gets (\d{3})": Reader.gets,
    r"signs up as (\S+)": Reader.signs_up,
    r"signs in as (\S+)": Reader.signs_in,
    r"signs in with Django as (\S+)": Reader.signs_in_with_django,
    r"gives the password again": Reader.proves_it_again,
    r"enters the code of the mail in (\S+)": Reader.enters_the_code_of_the_mail,
    r"signs out": Reader.signs_out,
    r"deletes the account": Reader.deletes_the_account,
    r'impersonates because of "(.+)"': Reader.impersonates,
    r"stops impersonating": Reader.stops_impersonating,
    r"sets up an authenticator app": Reader.sets_up_an_authenticator_app,
    r"types its code": Reader.types_its_code,
    r"loses the session": Reader.loses_the_session,
    r"loses the Django session": Reader.loses_the_django_session,
    r'htmx (gets|posts to) (\S+) and shows "(.+)"': Reader.htmx_shows,
    r"htmx (gets|posts to) (\S+) and goes to (\S+)": Reader.htmx_goes,
    r"runs (.+) and gets (.+)": Reader.runs_and_gets,
    r"runs (.+) and is sent to (\S+)": Reader.runs_and_is_sent,
    r"runs (.+) and fails with (\d{3})": Reader.runs_and_fails,
}
