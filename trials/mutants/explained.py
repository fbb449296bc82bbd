"""Changes that no test notices, and why that is right. An entry is the line as it is, as it was changed, and why."""

from __future__ import annotations

ANOTHER_KEY = "another key for the hash, just as secret: only what was kept before the change is not found any more"

EXPLAINED: dict[tuple[str, str], str] = {
    ('key = hasher(b"cache", 20)', 'key = hasher(b"XXcacheXX", 20)'): ANOTHER_KEY,
    ('key = hasher(b"cache", 20)', 'key = hasher(b"CACHE", 20)'): ANOTHER_KEY,
    ('key = hasher(b"cache", 20)', 'key = hasher(b"cache", 21)'): "a name of 21 bytes instead of 20",
}
