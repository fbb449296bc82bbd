"""Recovery and verification on pages: codes, links and the choice of an address."""

from __future__ import annotations

from ..page_replay import PageReplay


def recovery_html(replay: PageReplay) -> None:
    replay.person("rh@example.org")
    replay.run(until="recovery while signed in")
    replay.browsers[replay.remaining[0]["request"]["browser"]] = replay.browser("rh@example.org", "correct horse 9new")
    replay.run()


def recovery_html_no_method(replay: PageReplay) -> None:
    replay.person("rn@example.org")
    replay.run()


def recovery_verification_link(replay: PageReplay) -> None:
    replay.person("rl@example.org")
    for until in ("opens the link of the mail", "opens the link of the mail in another browser"):
        replay.run(until)
        token = dict(replay.remaining[0]["request"]["query"])["token"]
        replay.known[token] = replay.ory.mailbox.latest().url.partition("token=")[2]
    replay.run()


def recovery_choose_address(replay: PageReplay) -> None:
    replay.person("re1@example.org", traits={"backup": "re1b@example.org", "phone": "+4915112345678"})
    replay.person("re2@example.org")
    replay.run()


def recovery_choose_address_transitions(replay: PageReplay) -> None:
    recovery_choose_address(replay)


def verification_html(replay: PageReplay) -> None:
    replay.person("vh@example.org")
    link = "clicks the link node of the last screen: GET, here a POST of the finished flow"
    replay.run(until=link)
    replay.skip(link, "it leads to the project, not to Ory")
