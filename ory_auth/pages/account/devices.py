"""What a ``User-Agent`` header says about a device, in the words that people use: "Chrome on Windows".

Only names from the tables here are shown, never the header itself, which anybody can write. The order of the tables
matters: almost every browser also names others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

MAX_LENGTH = 1000  # characters to look at; longer headers come from no browser


class DeviceKind(StrEnum):
    """Which icon a device gets."""

    PHONE = "phone"
    TABLET = "tablet"
    COMPUTER = "computer"
    APP = "app"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Device:
    """A device. ``browser`` and ``system`` are names such as "Firefox" and "Linux", or empty."""

    kind: DeviceKind
    browser: str
    system: str

    @property
    def label(self) -> str:
        """What to call it, in the language of the request."""
        if self.browser and self.system:
            return _("%(browser)s on %(system)s") % {"browser": self.browser, "system": self.system}
        return self.browser or self.system or _("Unknown device")


_BROWSERS = (
    (r"Edg(?:e|A|iOS)?/", "Edge"),
    (r"OPR/|OPX/|OPT/|\bOpera", "Opera"),
    (r"SamsungBrowser/", "Samsung Internet"),
    (r"Vivaldi/", "Vivaldi"),
    (r"YaBrowser/", "Yandex Browser"),
    (r"DuckDuckGo/|Ddg/", "DuckDuckGo"),
    (r"UCBrowser/", "UC Browser"),
    (r"Whale/", "Whale"),
    (r"MiuiBrowser/", "Mi Browser"),
    (r"HuaweiBrowser/", "Huawei Browser"),
    (r"Brave/", "Brave"),
    (r"(?:Firefox|FxiOS|Focus)/", "Firefox"),
    (r"(?:Chrome|CriOS|Chromium)/", "Chrome"),
    (r"MSIE |Trident/", "Internet Explorer"),
    (r"Safari/", "Safari"),
)
# Programs, and what apps send if they do not open a browser.
_PROGRAMS = (
    (r"^curl/", "curl"),
    (r"^Wget/", "Wget"),
    (r"^python-(?:requests|httpx)/|^Python/|^Python-urllib/", "Python"),
    (r"^PostmanRuntime/", "Postman"),
    (r"^insomnia/", "Insomnia"),
    (r"^Go-http-client/", "Go"),
    (r"^(?:okhttp|Dalvik)/|^Dart/|CFNetwork/", ""),
)
_SYSTEMS = (
    (r"Windows Phone", "Windows Phone", DeviceKind.PHONE),
    (r"iPhone|iPod", "iPhone", DeviceKind.PHONE),
    (r"iPad", "iPad", DeviceKind.TABLET),
    (r"Android.*\bMobile\b", "Android", DeviceKind.PHONE),
    (r"Android.*\b(?:TV|BRAVIA|AFT\w+)\b", "Android TV", DeviceKind.UNKNOWN),
    (r"\(Android[ ;]?.*Mobile", "Android", DeviceKind.PHONE),
    (r"Dalvik/.*Android", "Android", DeviceKind.PHONE),
    (r"Android", "Android", DeviceKind.TABLET),
    (r"CrOS", "ChromeOS", DeviceKind.COMPUTER),
    (r"Windows", "Windows", DeviceKind.COMPUTER),
    (r"Macintosh|Mac OS X", "Mac", DeviceKind.COMPUTER),
    (r"(?:Tizen|Web0S|SMART-TV)", "", DeviceKind.UNKNOWN),
    (r"Ubuntu|Fedora|Linux|X11", "Linux", DeviceKind.COMPUTER),
)
_BROWSER_PATTERNS = [(re.compile(pattern), name) for pattern, name in _BROWSERS]
_PROGRAM_PATTERNS = [(re.compile(pattern), name) for pattern, name in _PROGRAMS]
_SYSTEM_PATTERNS = [(re.compile(pattern), name, kind) for pattern, name, kind in _SYSTEMS]


def read_user_agent(user_agent: str) -> Device:
    """The device that sent this header."""
    text = user_agent[:MAX_LENGTH]
    system, kind = _find_system(text)
    for pattern, name in _PROGRAM_PATTERNS:
        if pattern.search(text):
            return Device(kind if system else DeviceKind.APP, name or (_("App") if not system else ""), system)
    browser = next((name for pattern, name in _BROWSER_PATTERNS if pattern.search(text)), "")
    return Device(kind, browser, system)


def _find_system(text: str) -> tuple[str, DeviceKind]:
    for pattern, name, kind in _SYSTEM_PATTERNS:
        if pattern.search(text):
            return name, kind
    return "", DeviceKind.UNKNOWN
