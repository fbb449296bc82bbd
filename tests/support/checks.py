"""Runs this package's system checks, and compares their messages with ``docs/checks.md``."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.core import checks

DOCS = Path(__file__).resolve().parents[2] / "docs" / "checks.md"
GOOD = {"SDK_URL": "http://127.0.0.1:4433"}
REDIS = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}


def check_messages(databases: list[str] | None = None, *, deploy: bool = False) -> list[checks.CheckMessage]:
    """The messages, sorted by id. Asserts that each is documented and that its hint links to the documentation."""
    tags = ["ory_auth", "database"] if databases else ["ory_auth"]
    messages = checks.run_checks(tags=tags, databases=databases, include_deployment_checks=deploy)
    for message in messages:
        name = (message.id or "").removeprefix("ory_auth.")
        assert any(re.fullmatch(pattern, message.msg, re.DOTALL) for pattern in documented_messages()[name]), (
            message.msg
        )
        assert (message.hint or "").endswith(f" See django-ory's docs/checks.md#{name.lower()}.")
        assert message.level == (checks.ERROR if name.startswith("E") else checks.WARNING)
    return sorted(messages, key=lambda message: message.id or "")


def check_ids(*, deploy: bool = False) -> list[str]:
    """The ids of the messages, without ``ory_auth.``."""
    return [(message.id or "").removeprefix("ory_auth.") for message in check_messages(deploy=deploy)]


def only_message(name: str, *words: str, deploy: bool = False) -> checks.CheckMessage:
    """The only message. Asserts its id and that its hint contains each of these words."""
    (message,) = check_messages(deploy=deploy)
    assert message.id == f"ory_auth.{name}"
    assert [word for word in words if word not in (message.hint or "")] == []
    return message


@cache
def documented_messages() -> dict[str, list[str]]:
    """Patterns of the documented messages by id. ``…`` stands for any text."""
    rows = re.findall(r'^\| <a id="(\w+)"></a>`ory_auth\.(\w+)` \| (.*?) \|', DOCS.read_text(), re.MULTILINE)
    assert all(anchor == name.lower() for anchor, name, _ in rows)
    assert len({name for _, name, _ in rows}) == len(rows)
    return {name: [_pattern(text) for text in re.findall(r"`(.*?)`", cell)] for _, name, cell in rows}


def _pattern(text: str) -> str:
    return ".*".join(map(re.escape, text.split("…")))
