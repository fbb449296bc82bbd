"""Which template has the logo of a social sign-in provider.

Ory names a provider by an id that a project chooses: a word such as "github", or a name that begins with it
("github-work"; on Ory Network "google_ab12").
"""

from __future__ import annotations

import re

FOLDER = "ory_auth/providers"
ID = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", re.ASCII)


def list_logo_templates(provider: str) -> tuple[str, ...]:
    """The templates to try in this order: for the whole id, for its first word, and the one for any provider."""
    name = provider.lower()
    if not ID.fullmatch(name) or len(name) > 100:
        return (f"{FOLDER}/_other.html",)
    first_word = re.split("[-_]", name)[0]
    return (*dict.fromkeys((f"{FOLDER}/{name}.svg", f"{FOLDER}/{first_word}.svg")), f"{FOLDER}/_other.html")
