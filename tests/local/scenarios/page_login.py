"""Login on pages: identifier first, one-time codes, start parameters."""

from __future__ import annotations

from ..page_replay import PageReplay


def login_code_html(replay: PageReplay) -> None:
    replay.person("lc@example.org")
    replay.run()


def login_code_mfa_html(replay: PageReplay) -> None:
    replay.person("cm@example.org", traits={"backup": "cm2@example.org", "phone": "+4915112345678"})
    for number in range(3):
        replay.browsers[number] = replay.browser("cm@example.org")
    replay.run()
