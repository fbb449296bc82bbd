"""Settings and sessions on pages."""

from __future__ import annotations

from ..page_replay import PageReplay


def sessions_page(replay: PageReplay) -> None:
    replay.person("se@example.org")
    devices: list[dict[str, str]] = [
        {"User-Agent": "Firefox", "X-Forwarded-For": "203.0.113.9"},
        {"User-Agent": "Safari", "Cf-Ipcity": "Berlin", "Cf-Ipcountry": "DE"},
        {"User-Agent": "Chrome"},
    ]
    browsers = [replay.browser("se@example.org", headers=list(device.items())) for device in devices]
    replay.browsers[0] = browsers[0]
    replay.run()


def settings_all_methods(replay: PageReplay) -> None:
    replay.person("all@example.org")
    replay.browsers[0] = replay.browser("all@example.org")
    replay.fill_in_totp_codes()
    replay.run(until="the second step with TOTP and lookup codes")
    replay.browsers[1] = replay.browser("all@example.org")
    replay.run()
