"""Registration on pages."""

from __future__ import annotations

from ..page_replay import PageReplay


def registration_two_step(replay: PageReplay) -> None:
    replay.run()


def registration_rich_schema(replay: PageReplay) -> None:
    replay.compares_order = False  # Kratos' way of sorting more than 20 nodes mixes up the groups
    replay.not_compared[9] = "after the profile is sent twice, Kratos shows some buttons twice"
    replay.run()


def registration_code(replay: PageReplay) -> None:
    replay.run()


def registration_duplicate(replay: PageReplay) -> None:
    replay.person("dup@example.org")
    replay.run()


def registration_off(replay: PageReplay) -> None:
    replay.run()


def registration_verify(replay: PageReplay) -> None:
    replay.run()
