"""Devices in the words that people use, whatever a ``User-Agent`` header says."""

from __future__ import annotations

import time

import pytest

from ory_auth.pages.account.devices import read_user_agent

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IOS = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("header", "label", "kind"),
    [
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/129.0.0.0 Safari/537.36",
            "Chrome on Windows",
            "computer",
        ),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/129.0 Safari/537.36 Edg/129.0", "Edge on Windows", "computer"),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/129.0 Safari/537.36",
            "Chrome on ChromeOS",
            "computer",
        ),
        (
            f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/129.0 Safari/537.36 OPR/114.0",
            "Opera on Linux",
            "computer",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux", "computer"),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {IOS} Version/18.0 Safari/605.1.15",
            "Safari on Mac",
            "computer",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) {IOS} Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
            "phone",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) {IOS} CriOS/129.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
            "phone",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) {IOS} FxiOS/130.0 Mobile/15E148 Safari/605.1.15",
            "Firefox on iPhone",
            "phone",
        ),
        (
            f"Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) {IOS} Version/12.1 Mobile/15E148 Safari/604.1",
            "Safari on iPad",
            "tablet",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/129.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
            "phone",
        ),
        (f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/129.0.0.0 Safari/537.36", "Chrome on Android", "tablet"),
        ("Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0", "Firefox on Android", "phone"),
        (
            f"Mozilla/5.0 (Linux; Android 14; SM-S918B) {WEBKIT} SamsungBrowser/26.0 Chrome/122.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
            "phone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
            "Internet Explorer on Windows",
            "computer",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/129.0", "Chrome on Windows", "computer"),
        ("curl/8.5.0", "curl", "app"),
        ("python-requests/2.32", "Python", "app"),
        ("okhttp/4.12.0", "App", "app"),
        ("Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8)", "Android", "phone"),
        ("MyApp/7 CFNetwork/1490.0.4 Darwin/23.2.0", "App", "app"),
        ("", "Unknown device", "unknown"),
        ("<script>alert(1)</script>", "Unknown device", "unknown"),
        ("\u202eevil", "Unknown device", "unknown"),
        ("x" * 100_000, "Unknown device", "unknown"),
    ],
)
def test_a_device_has_a_name_that_people_know(header: str, label: str, kind: str) -> None:
    device = read_user_agent(header)
    assert (device.label, device.kind.value) == (label, kind)


@pytest.mark.parametrize("part", ["Android", "Android Mobile ", "(Android ", "Edg", "Dalvik/", "Android TV;"])
def test_a_hostile_header_takes_little_time(part: str) -> None:
    started = time.perf_counter()
    for _ in range(20):
        read_user_agent(part * 20_000)
    assert time.perf_counter() - started < 0.4
