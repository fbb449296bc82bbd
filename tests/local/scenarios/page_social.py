"""Social sign-in on pages."""

from __future__ import annotations

from ..page_replay import PageReplay


def oidc_registration_login(replay: PageReplay) -> None:
    replay.run()


def oidc_errors(replay: PageReplay) -> None:
    replay.run(until="the same callback again, signed out")
    del replay.browsers[0].cookies["ory_kratos_session"]
    replay.run()


def oidc_missing_traits(replay: PageReplay) -> None:
    replay.run()


def oidc_missing_traits_unified(replay: PageReplay) -> None:
    replay.run()


def oidc_account_linking(replay: PageReplay) -> None:
    replay.person("link1@example.org")
    replay.person("link2@example.org")
    replay.run()


def oidc_account_linking_no_hints(replay: PageReplay) -> None:
    replay.person("link5@example.org")
    replay.run()


def oidc_account_linking_other_provider(replay: PageReplay) -> None:
    replay.run()


def oidc_refresh(replay: PageReplay) -> None:
    replay.run()


def oidc_settings(replay: PageReplay) -> None:
    replay.person("set@example.org")
    replay.person("set2@example.org")
    replay.browsers[0] = replay.browser("set@example.org")
    replay.browsers[1] = replay.browser("set2@example.org")
    replay.run()


def oidc_settings_last_credential(replay: PageReplay) -> None:
    replay.run()


def oidc_settings_privileged(replay: PageReplay) -> None:
    replay.person("priv@example.org")
    replay.browsers[0] = replay.browser("priv@example.org")
    replay.run(until="clicks link with an old session")
    replay.ory.clock.move(2)
    replay.run()
