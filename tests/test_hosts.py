"""Hosts as browsers send them, held to the URL parser of Node.js where that is installed."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from ory_auth.ory.ascii_hosts import ascii_host, with_ascii_host
from tests.support.checks import GOOD, check_messages, only_message
from tests.support.client import DualClient
from tests.support.ory import Ory

LABELS = st.text(st.characters(categories=["L", "M", "N", "Pd", "Po", "Cf"]), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("host", "sent"),
    [
        ("app.example.org", "app.example.org"),
        ("APP.Example.org.", "app.example.org"),
        ("localhost:3000", "localhost:3000"),
        ("my_host", "my_host"),
        ("[::1]:8000", "[::1]:8000"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("B\u00dcCHER.example:8443", "xn--bcher-kva.example:8443"),
        ("\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444", "xn--e1afmkfd.xn--p1ai"),
        ("\u0939\u093f\u0928\u094d\u0926\u0940.example", "xn--j2bd4cyah0f.example"),
        ("stra\u00dfe.example", None),
        ("a..example", None),
        ("a b.example", None),
        ("a,b.example", None),
        ("app.example.org:65536", None),
        ("app.example.org:x", None),
        ("\u0301.example", None),
        ("\u00fc" * 70 + ".example", None),
        (".".join(["a" * 60] * 5), None),
        ("", None),
    ],
)
def test_ascii_host_is_what_browsers_send(host: str, sent: str | None) -> None:
    assert ascii_host(host) == sent


@pytest.mark.parametrize("path", ["/auth/login", "/auth/registration"])
def test_a_long_host_in_a_link_takes_no_time(ory: Ory, web: DualClient, path: str) -> None:
    """Encoding it takes time that grows with the square of its length: 20 seconds for 10,000 characters."""
    letters, marks = "".join(chr(0x4E00 + number) for number in range(5_000)), "\u0301\u0327" * 5_000
    started = time.process_time()
    answer = web.get(path, query_params={"next": f"http://{letters}.e{marks}.example/"})
    assert time.process_time() - started < 1
    assert answer.status_code == 302
    assert "example" not in answer["Location"]


@given(LABELS)
def test_ascii_host_matches_the_url_parser_of_browsers(label: str) -> None:
    ada_url = pytest.importorskip("ada_url")
    written = ascii_host(f"{label}.example")
    if written is not None:
        with suppress(ValueError):  # browsers refuse it, so no URL has it
            assert ada_url.URL(f"https://{label}.example/").host == written


@given(st.text() | LABELS.map("https://{}.example/x".format))
def test_with_ascii_host_is_idempotent(url: str) -> None:
    written = with_ascii_host(url)
    assert with_ascii_host(written) == written


@pytest.mark.parametrize("host", ["b\u00fccher.example", "app.example.org", "localhost:3000", "[::1]:3000"])
def test_a_host_that_browsers_send_is_fine(settings: Settings, host: str) -> None:
    settings.ORY_AUTH = {**GOOD, "LOGIN_REDIRECT_HOSTS": [host]}
    assert check_messages() == []


@pytest.mark.parametrize(
    "host", ["stra\u00dfe.example", "app.example.org:443", "app.example.org:80", "a,b", "a..b", "x:99999", "\u200b.org"]
)
def test_a_host_that_no_browser_sends_is_a_warning(settings: Settings, host: str) -> None:
    settings.ORY_AUTH = {**GOOD, "LOGIN_REDIRECT_HOSTS": ["app.example.org", host]}
    assert repr(host) in only_message("W029", "xn--").msg
