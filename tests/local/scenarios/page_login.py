"""Login on pages: identifier first, one-time codes, start parameters."""

from __future__ import annotations

from ..page_replay import PageReplay
from .page_keys import Keys


def login_code_html(replay: PageReplay) -> None:
    replay.person("lc@example.org")
    replay.run()


def login_code_mfa_html(replay: PageReplay) -> None:
    replay.person("cm@example.org", traits={"backup": "cm2@example.org", "phone": "+4915112345678"})
    for number in range(3):
        replay.browsers[number] = replay.browser("cm@example.org")
    replay.run()


def login_code_mfa_two_addresses(replay: PageReplay) -> None:
    replay.person("two@example.org", traits={"phone": "+4915112345678"})
    replay.browsers[0] = replay.browser("two@example.org")
    replay.browsers[1] = replay.browser("two@example.org")
    replay.fill_in_totp_codes()
    replay.run()


def identifier_first_mitigate(replay: PageReplay) -> None:
    replay.person("ifm@example.org")
    replay.run()


def oauth2_login_challenge(replay: PageReplay) -> None:
    replay.person("hy@example.org")
    replay.run()


def start_parameters(replay: PageReplay) -> None:
    replay.person("sp@example.org")
    replay.browsers[1] = replay.browser("sp@example.org")
    replay.run()


def identifier_first(replay: PageReplay) -> None:
    Keys(replay, "passkey")
    replay.person("if1@example.org")
    replay.run()


def gateway_base_url(replay: PageReplay) -> None:
    replay.person("gw@example.org")
    replay.run()


def gateway_base_url_cookies(replay: PageReplay) -> None:
    replay.person("gw@example.org")
    replay.run()
