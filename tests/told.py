"""What this package's system checks say of the settings as they are, held to the table in ``docs/checks.md``."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.core import checks

DOCS = Path(__file__).resolve().parent.parent / "docs" / "checks.md"
GOOD = {"SDK_URL": "http://127.0.0.1:4433"}
REDIS = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}


def told(databases: list[str] | None = None, *, deploy: bool = False) -> list[checks.CheckMessage]:
    """The messages, by their ids; each is as the documents have it, and says where to read on."""
    tags = ["ory_auth", "database"] if databases else ["ory_auth"]
    found = checks.run_checks(tags=tags, databases=databases, include_deployment_checks=deploy)
    for message in found:
        name = (message.id or "").removeprefix("ory_auth.")
        assert any(re.fullmatch(pattern, message.msg, re.DOTALL) for pattern in documented()[name]), message.msg
        assert (message.hint or "").endswith(f" See django-ory's docs/checks.md#{name.lower()}.")
        assert message.level == (checks.ERROR if name.startswith("E") else checks.WARNING)
    return sorted(found, key=lambda message: message.id or "")


def ids(*, deploy: bool = False) -> list[str]:
    """The ids alone, without the package's name."""
    return [(message.id or "").removeprefix("ory_auth.") for message in told(deploy=deploy)]


def only(name: str, *words: str, deploy: bool = False) -> checks.CheckMessage:
    """The one message that there is; its hint says each of these words."""
    (message,) = told(deploy=deploy)
    assert message.id == f"ory_auth.{name}"
    assert [word for word in words if word not in (message.hint or "")] == []
    return message


@cache
def documented() -> dict[str, list[str]]:
    """Id → what its message looks like, as patterns; … is anything."""
    rows = re.findall(r'^\| <a id="(\w+)"></a>`ory_auth\.(\w+)` \| (.*?) \|', DOCS.read_text(), re.MULTILINE)
    assert all(anchor == name.lower() for anchor, name, _ in rows)
    assert len({name for _, name, _ in rows}) == len(rows)
    return {name: [_pattern(text) for text in re.findall(r"`(.*?)`", cell)] for _, name, cell in rows}


def _pattern(text: str) -> str:
    return ".*".join(map(re.escape, text.split("…")))
